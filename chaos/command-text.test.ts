import { describe, expect, test } from '@jest/globals'
import { releaseText, runText } from './command-text.ts'
import type { Verdict } from './judgement/verdict.ts'

const verdict: Verdict = {
  verdict: 'resilient',
  reasons: ['Nobody noticed.'],
  aborted: false,
  signals: [],
  validity: [],
  recovery: { fromFaultStartSeconds: 3, fromFaultEndSeconds: 1 },
}
const judged = {
  runId: 'r',
  folder: 'runs/r',
  ended: 'judged',
  verdict,
  calibration: null,
  residue: [],
} as const

describe('runText()', () => {
  test('tells the verdict and where its page and the run are', () => {
    const lines = runText(judged, 'runs/r/report.html').split('\n')
    expect(lines[0]).toBe('Verdict: RESILIENT')
    expect(lines.slice(-3)).toEqual(['', 'report      runs/r/report.html', 'run         runs/r'])
    expect(lines).not.toContain('Left behind:')
  })

  test('lists what is left behind', () => {
    expect(runText({ ...judged, residue: ['node c is dark'] }, 'x')).toContain(
      '\n\nLeft behind:\n  - node c is dark\n\n',
    )
  })

  test('names no page where there is no verdict', () => {
    expect(runText({ ...judged, ended: 'interrupted', verdict: null }, 'runs/r/report.html')).toBe(
      'Interrupted: no verdict\n\nrun         runs/r',
    )
  })
})

describe('releaseText()', () => {
  test('names who was not told', () => {
    expect(releaseText([])).toBe('Faults may begin again.')
    expect(releaseText(['agent a'])).toBe('Faults may begin again.\n  - agent a')
  })
})
