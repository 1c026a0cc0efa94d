import { describe, expect, test } from '@jest/globals'
import { MachineryError } from '../platform/errors.ts'
import { quickClock, RecordedLab, wholeLab } from './lab/recording.ts'
import type { Database } from './lab/roles.ts'
import { preflight } from './preflight.ts'

const never = new AbortController().signal
const clock = quickClock(100)
const healthy: Database = {
  column: async (_group, sql) => (sql.includes('pg_stat_replication') ? ['database-1'] : ['1000']),
}

describe('preflight()', () => {
  test('passes a whole lab and says what it saw', async () => {
    const checks = await preflight(new RecordedLab(), healthy, clock, 1000, never)
    expect(checks.every(({ ok }) => ok)).toBe(true)
    expect(checks).toContainEqual({ check: 'experiment gateway ready', ok: true, detail: '3 of 3 pods' })
    expect(checks).toContainEqual({ check: 'control has songs', ok: true, detail: '1000 songs' })
  })

  test('waits for a lab that is on its way', async () => {
    const lab = new RecordedLab()
    await lab.cluster.powerOff('experiment', 'b')
    const checking = preflight(lab, healthy, clock, 60_000, never)
    await clock.sleep(3_000, never)
    await lab.cluster.powerOn('experiment', 'b')
    expect((await checking).every(({ ok }) => ok)).toBe(true)
  })

  test('names everything that is wrong at once', async () => {
    const lab = new RecordedLab()
    await lab.cluster.powerOff('experiment', 'b')
    lab.current = { ...lab.current, loadJobs: ['load-x'] }
    const database: Database = { column: async (_group, sql) => (sql.includes('count') ? ['0'] : []) }
    const checking = preflight(lab, database, clock, 100, never)
    await expect(checking).rejects.toBeInstanceOf(MachineryError)
    for (const words of [
      'not ready: experiment-b',
      'experiment gateway ready (2 of 3 pods)',
      'control database has a synchronous standby (none)',
      'experiment has songs (0 songs)',
      'no load from another run (load-x)',
    ]) {
      await expect(checking).rejects.toThrow(words)
    }
  })

  test('takes a database that cannot be asked for one that is not ready', async () => {
    const database: Database = { column: () => Promise.reject(new Error('connection refused')) }
    await expect(preflight(new RecordedLab(), database, clock, 100, never)).rejects.toThrow(
      'connection refused',
    )
  })

  test('asks no database without a primary', async () => {
    const lab = new RecordedLab({ ...wholeLab(), pods: wholeLab().pods.map(pod => ({ ...pod, role: null })) })
    const database: Database = { column: () => Promise.reject(new Error('asked')) }
    await expect(preflight(lab, database, clock, 100, never)).rejects.not.toThrow('asked')
  })
})
