import { describe, expect, test } from '@jest/globals'
import { CALM, inputOf } from '../judgement/simulation.ts'
import { drawTimeline } from './timeline.ts'

const input = inputOf(CALM)
const at = (seconds: number, text: string) => ({
  atMs: input.fault.beginMs + seconds * 1000,
  source: 'cluster' as const,
  text,
})

describe('drawTimeline()', () => {
  test('lists events in order of time, counted from the fault, with the numbers of the strip', () => {
    const { markup } = drawTimeline({
      ...input,
      events: [at(6.84, 'later'), at(-3, 'before'), at(0, 'fault')],
    })

    const items = [
      ...markup.matchAll(
        /<span class="index">(\d)<\/span><span class="time">([^<]*)<\/span><span class="cluster">(\w+)/g,
      ),
    ]
    expect(items.map(([, index, time, text]) => [index, time, text])).toEqual([
      ['1', '−3.0\u00a0s', 'before'],
      ['2', '0.0\u00a0s', 'fault'],
      ['3', '+6.8\u00a0s', 'later'],
    ])
  })

  test('stacks what would touch', () => {
    const { markup } = drawTimeline({ ...input, events: [at(1, 'a'), at(1.5, 'b'), at(40, 'c')] })

    const wide = markup.split('class="chart strip narrow"')[0] ?? ''
    const heights = [...wide.matchAll(/class="dot" cx="[\d.]+" cy="([\d.]+)"/g)].map(([, y]) => Number(y))
    expect(heights[0]).toBe(heights[2])
    expect(heights[1]).toBe((heights[0] ?? 0) - 22)
  })

  test('folds single pods away when there is too much to read, but leaves a tick of each', () => {
    const pods = Array.from({ length: 24 }, (_, index) => at(index, `pod gateway-${index} ready`))
    const few = drawTimeline({ ...input, events: pods }).markup
    const many = drawTimeline({ ...input, events: [...pods, at(6, 'node experiment-a NotReady')] }).markup

    expect(few).not.toContain('<details>')
    expect(many).toContain('<summary>24 changes of single pods</summary>')
    expect(/<ol class="events">(.*?)<\/ol>/.exec(many)?.[1]?.match(/<li>/g)).toHaveLength(1)
    expect(/class="tick" d="([^"]*)"/.exec(many)?.[1]?.match(/M/g)).toHaveLength(24)
  })

  test('says so when nothing was recorded', () => {
    expect(drawTimeline(input).markup).toBe('<p class="note">No events were recorded.</p>')
  })
})
