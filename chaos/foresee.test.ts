import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { CALIBRATION_FILE } from './calibrate.ts'
import { foreseen, foresightText } from './foresee.ts'
import { rateOf } from './judgement/calibration.ts'
import { experiment } from './run-fixture.ts'

describe('foresightText()', () => {
  const told = { name: 'latency_p95', margin: 1.5 } as const
  test.each([
    [{ ...told, smallestVisible: 1.3, isEnough: true }, 'a change of ×1.30, within the margin of ×1.50'],
    [
      { ...told, smallestVisible: 2.1, isEnough: false },
      'a change of ×2.10, but the margin of ×1.50 is finer',
    ],
    [{ ...told, smallestVisible: null, isEnough: false }, 'not known, the baseline has too little data'],
  ])('%j', (foresight, words) => {
    expect(foresightText(foresight)).toContain(words)
  })
})

describe('foreseen()', () => {
  const { load, phases, steadyState, abort } = experiment
  const signal = { name: 'success_ratio', margin: 0.001, smallestVisible: -0.004, isEnough: false }
  const setup = async () => {
    const runsFolder = await mkdtemp(join(tmpdir(), 'runs-'))
    const writeRun = async (id: string, changes: object, visible: number) => {
      const entries = [
        { entry: 'opened', experiment: { load, phases, steadyState, ...changes } },
        { entry: 'foresight', signals: [{ ...signal, smallestVisible: visible }] },
      ]
      await mkdir(join(runsFolder, id))
      const text = entries.map(entry => `${JSON.stringify({ atMs: 1, ...entry })}\n`).join('')
      await writeFile(join(runsFolder, id, 'journal.jsonl'), text)
    }
    return { runsFolder, writeRun, versions: { judge: 'one' } }
  }

  test('tells what is known of the last run of the same load, phases and margins', async () => {
    const { writeRun, ...where } = await setup()
    expect((await foreseen(experiment, where)).join()).toContain('is not known')
    await writeRun('a', {}, -0.004)
    await writeRun('b', {}, -0.003)
    await writeRun('c', { load: { ...load, requestsPerSecond: 6 } }, -0.002)

    expect(await foreseen(experiment, where)).toEqual([
      'success ratio: four of five such runs would show a change of −0.30 pp, but the margin of −0.10 pp is finer',
      'So it was in run b.',
    ])
  })

  test('takes a calibration first', async () => {
    const { writeRun, ...where } = await setup()
    await writeRun('a', {}, -0.004)
    const { durationSeconds: _, ...rate } = load
    const { warmupSeconds: __, ...lengths } = phases
    const scope = { judge: 'one', load: rate, phases: lengths, signals: steadyState.signals, abort }
    const none = rateOf(0, 12)
    const calibration = {
      scope,
      verdicts: { diverged: none },
      signals: [{ name: 'success_ratio', outside: none, smallestVisible: -0.0008 }],
    }
    await writeFile(join(where.runsFolder, CALIBRATION_FILE), JSON.stringify([calibration]))

    expect(await foreseen(experiment, where)).toEqual([
      'success ratio: four of five such runs would show a change of −0.080 pp, within the margin of −0.10 pp',
      "That is the median of 12 trials without a fault ('divergence calibrate').",
    ])
  })
})
