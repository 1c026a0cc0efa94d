import { describe, expect, test } from '@jest/globals'
import { SAMPLE_COLUMNS, sampleLine } from './sample-line.ts'

const request = { group: 'experiment', route: 'song', kind: 'read', sequence: 12 } as const
const answered = { status: 200, errorCode: 0, timedMs: 12.3456, elapsedMs: 13 }

/** Value of one column of a line. */
const column = (line: string, name: (typeof SAMPLE_COLUMNS)[number]) =>
  line.split(',')[SAMPLE_COLUMNS.indexOf(name)]

describe('sampleLine()', () => {
  test('has a value for every column', () => {
    const line = sampleLine(request, 1795241633240, answered, 4000)
    expect(line).toBe('experiment,song,read,1795241633240,12.346,200,ok,0,12')
    expect(line.split(',')).toHaveLength(SAMPLE_COLUMNS.length)
  })

  test('censors a request without an answer at its time-out', () => {
    const line = sampleLine(request, 0, { status: 0, errorCode: 1050, timedMs: 0, elapsedMs: 4003 }, 4000)
    expect(column(line, 'outcome')).toBe('timeout')
    expect(column(line, 'durationMs')).toBe('4000.000')
  })

  test('takes the wall clock for a broken connection, whose timings are incomplete', () => {
    const line = sampleLine(request, 0, { status: 0, errorCode: 1220, timedMs: 0, elapsedMs: 250 }, 4000)
    expect(column(line, 'outcome')).toBe('error')
    expect(column(line, 'durationMs')).toBe('250.000')
  })

  test.each([
    [201, 'ok'],
    [404, 'error'],
    [503, 'error'],
    [504, 'error'],
  ])('calls status %d %s', (status, outcome) => {
    expect(column(sampleLine(request, 0, { ...answered, status }, 4000), 'outcome')).toBe(outcome)
  })
})
