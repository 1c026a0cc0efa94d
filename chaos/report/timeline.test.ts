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

  test('says so when nothing was recorded', () => {
    expect(drawTimeline(input).markup).toBe('<p class="note">No events were recorded.</p>')
  })
})
