import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { sampleLine } from '../../load/sample-line.ts'
import { DamagedSamples, parseSampleLine, SampleParser } from './samples.ts'

const line = 'experiment,song,read,1795241633240,12.346,200,ok,0,12'
const bytes = (text: string) => new TextEncoder().encode(text)

describe('parseSampleLine()', () => {
  test('reads what the load generator writes', () => {
    expect(parseSampleLine(line)).toEqual({
      group: 'experiment',
      route: 'song',
      kind: 'read',
      startMs: 1795241633240,
      durationMs: 12.346,
      status: 200,
      outcome: 'ok',
      errorCode: 0,
      sequence: 12,
    })
  })

  test('reads back every line that sampleLine() can make', () => {
    const answers = fc.record({
      status: fc.integer({ min: 0, max: 599 }),
      errorCode: fc.constantFrom(0, 1050, 1211, 1220, 1503),
      timedMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
      elapsedMs: fc.integer({ min: 0, max: 20_000 }),
    })
    fc.assert(
      fc.property(answers, fc.nat(), (answer, sequence) => {
        const written = sampleLine(
          { group: 'control', route: 'play', kind: 'write', sequence },
          1e12,
          answer,
          4000,
        )
        expect(parseSampleLine(written)).toMatchObject({ sequence, status: answer.status, startMs: 1e12 })
      }),
    )
  })

  test.each([
    ['an empty line', ''],
    ['too few fields', 'experiment,song,read,1,2,200,ok,0'],
    ['too many fields', `${line},9`],
    ['another group', line.replace('experiment', 'system')],
    ['a kind that is none', line.replace('read', 'scan')],
    ['an outcome that is none', line.replace('ok', 'fine')],
    ['a number that is none', line.replace('12.346', 'NaN')],
    ['a negative duration', line.replace('12.346', '-1')],
    ['an infinite duration', line.replace('12.346', 'Infinity')],
    ['an empty number', line.replace('12.346', '')],
    ['a log line', 'time="2026-11-21" level=warning msg="Request Failed"'],
  ])('refuses %s', (_title, damaged) => {
    expect(parseSampleLine(damaged)).toBeNull()
  })
})

describe('SampleParser', () => {
  test('gives the same records however the bytes are cut', () => {
    const text = bytes(`${line}\n`.repeat(5))
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 8 }), cuts => {
        const edges = [0, ...cuts.sort((one, other) => one - other), text.length]
        const parser = new SampleParser()
        const records = edges.slice(1).flatMap((end, index) => parser.push(text.subarray(edges[index], end)))
        parser.end()
        expect(records).toHaveLength(5)
      }),
    )
  })

  test('names the damaged line', () => {
    const parser = new SampleParser()
    parser.push(bytes(`${line}\n${line}\n`))
    expect(() => parser.push(bytes('experiment,so\n'))).toThrow(DamagedSamples)
    expect(() => new SampleParser().push(bytes(`${line}\nxyz\n`))).toThrow('line 2 is not a sample: "xyz"')
  })

  test('notices that the last line was cut off', () => {
    const parser = new SampleParser()
    parser.push(bytes(`${line}\nexperiment,song,re`))
    expect(() => parser.end()).toThrow('line 2')
  })
})
