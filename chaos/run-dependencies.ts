import type { Cluster, Progress } from '../platform/cluster/cluster.ts'
import type { Group } from '../platform/topology.ts'
import type { AbortEvidence } from './abort-rule.ts'
import type { Experiment } from './experiment.ts'
import type { Executor } from './faults/executor.ts'
import type { Journal } from './journal.ts'
import type { JudgeInput, TimelineEvent } from './journal-entry.ts'
import type { Calibration } from './judgement/calibration.ts'
import type { Verdict } from './judgement/verdict.ts'
import type {
  Agents,
  ApiFaults,
  ApiLeases,
  Clock,
  Database,
  Halt,
  LabReader,
  LabWatcher,
  LoadGenerator,
  RunLock,
} from './lab/roles.ts'
import type { Sample } from './measurement/sample.ts'
import type { RunMirror } from './publish.ts'

/** One run on its way. */
export type Run = {
  readonly runId: string
  readonly experiment: Experiment
  readonly journal: Journal
  /** What happened so far, in the order in which it was told. */
  readonly events: TimelineEvent[]
  /** For those who follow the run. */
  readonly showEvidence: (evidence: AbortEvidence) => void
  readonly dependencies: RunDependencies
}

/** Everything a run touches. `chaos/lab/connect.ts` makes the real ones, tests pass recordings. */
export type RunDependencies = {
  readonly cluster: Pick<Cluster, 'poweredOff' | 'powerSwitch'>
  readonly lab: LabReader & LabWatcher
  readonly executor: Executor
  readonly agents: Agents
  readonly api: Pick<ApiFaults, 'undo' | 'forbidden'>
  readonly leases: ApiLeases
  readonly halt: Halt
  readonly database: Database
  readonly load: LoadGenerator
  readonly lock: RunLock
  /** Where others follow the run; without one it is kept here alone. */
  readonly mirror?: RunMirror
  readonly clock: Clock
  readonly progress: Progress
  readonly judge: (samples: readonly Sample[], input: JudgeInput) => Verdict
  readonly renderers: Readonly<Record<'html' | 'markdown', Renderer>>
  /** Folder that holds a folder for each run. */
  readonly runsFolder: string
  /** File that keeps the lab as it was when it was last known to be whole, for `divergence audit`. */
  readonly baselineFile: string
  /** Base URL of each group's edge as the load generator reaches it. */
  readonly urls: Readonly<Record<Group, string>>
  /** Versions of what decides over the verdict, by name; they go into the journal. */
  readonly versions: Readonly<Record<string, string>> & { readonly judge: string }
}

type Renderer = (
  verdict: Verdict,
  input: JudgeInput,
  samples: readonly Sample[],
  calibration: Calibration | null,
) => string
