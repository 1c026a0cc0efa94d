import { describe, expect, test } from '@jest/globals'
import type { SoakReport } from '../load-alone.ts'
import { soakText } from './soak.ts'

const tally = { sent: 100, completed: 100, failedShare: 0, p50Ms: 8, p95Ms: 40, p99Ms: 90 }
const report: SoakReport = {
  runId: '20261121T060102Z-soak',
  folder: 'runs/20261121T060102Z-soak',
  startMs: 0,
  requestsPerSecond: 20,
  writeShare: 0.1,
  durationSeconds: 3600,
  seed: 7,
  sampleEvery: 1,
  windows: [
    {
      fromSeconds: 180,
      groups: { control: tally, experiment: { ...tally, failedShare: 0.02, p95Ms: null } },
    },
  ],
  wear: {
    control: { p95Factor: 1.1, failedShareRise: 0, worn: false },
    experiment: { p95Factor: 2, failedShareRise: 0.02, worn: true },
  },
  droppedIterations: 3,
}

describe('soakText()', () => {
  test('says which group was worn, and shows it over time', () => {
    const text = soakText(report)
    expect(text).toMatch(/did not wear the control group; .* p95 1\.10 times/)
    expect(text).toMatch(/WORE the experiment group; .* p95 2\.00 times \(limit 1\.50\), failures \+2\.00 pp/)
    expect(text).toMatch(/\+180 s +experiment +100 +2\.00 % +8\.00 ms +- +90\.0 ms/)
    expect(text).toContain('3 never sent.')
  })

  test('says when only some requests were looked at, and when nothing is known', () => {
    const unknown = { p95Factor: null, failedShareRise: null, worn: true }
    const text = soakText({ ...report, sampleEvery: 9, wear: { ...report.wear, control: unknown } })
    expect(text).toContain('counts are of one request in 9.')
    expect(text).toContain('Whether the load wore the control group is unknown')
  })
})
