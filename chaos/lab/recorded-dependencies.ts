import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clusterExecutor } from '../faults/executor.ts'
import { judge } from '../judgement/judge.ts'
import type { RunDependencies } from '../run-dependencies.ts'
import { RecordedLab, RecordedLock } from './recording.ts'
import { RecordedAgents, RecordedApi, RecordedHalt, RecordedLeases } from './recording-agents.ts'
import { RecordedLoad, recordedDatabase } from './recording-load.ts'
import type { Clock } from './roles.ts'

/** Everything a run touches, recorded; the folders are new and empty. */
export async function recordedDependencies(clock: Clock) {
  const lab = new RecordedLab()
  const load = new RecordedLoad(clock)
  const lock = new RecordedLock()
  const agents = new RecordedAgents(clock)
  const api = new RecordedApi()
  const leases = new RecordedLeases()
  const halt = new RecordedHalt()
  /** What was told on the way, in order. */
  const told: string[] = []
  const dependencies: RunDependencies = {
    cluster: lab.cluster,
    lab,
    executor: clusterExecutor({ cluster: lab.cluster, lab, pods: lab, api, agents, clock }),
    agents,
    api,
    leases,
    halt,
    database: recordedDatabase(load),
    load,
    lock,
    clock,
    progress: message => void told.push(message),
    judge,
    renderers: { html: verdict => `<p>${verdict.verdict}</p>`, markdown: verdict => verdict.verdict },
    runsFolder: await mkdtemp(join(tmpdir(), 'runs-')),
    baselineFile: join(await mkdtemp(join(tmpdir(), 'state-')), 'baseline.json'),
    urls: { control: 'http://control', experiment: 'http://experiment' },
    versions: { divergence: '0.1.0', judge: 'recorded' },
  }
  return { lab, load, lock, agents, api, leases, halt, told, dependencies }
}

export type Recorded = Awaited<ReturnType<typeof recordedDependencies>>
