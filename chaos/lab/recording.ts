import type { LoadPlan } from '../../load/plan.ts'
import { SAMPLE_COLUMNS } from '../../load/sample-line.ts'
import { MachineryError } from '../../platform/errors.ts'
import { GROUPS, nodeName, ZONES, type Zone } from '../../platform/topology.ts'
import type { Action } from '../faults/fault.ts'
import type { TimelineEvent } from '../journal-entry.ts'
import type {
  Clock,
  Database,
  HeldLock,
  LabReader,
  LabWatcher,
  LoadGenerator,
  PodKiller,
  RunLock,
} from './roles.ts'
import type { LabView, NodeView, PodView } from './view.ts'

/*
 * Recordings of everything outside, for tests and rehearsals: a lab that behaves like the real one as far as a run can
 * tell, and remembers what was done to it.
 */

/** A machine that stops for a while stops the clock as well: more than this at once does not count. */
const LONGEST_STEP_MS = 4

/** A clock that runs `speed` times as fast as the machine's, while somebody waits for it. */
export function quickClock(speed: number): Clock {
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>()
  let nowMs = Date.now()
  let lastMs = 0
  let ticking: NodeJS.Timeout | undefined
  const tick = () => {
    const realMs = performance.now()
    nowMs += Math.min(realMs - lastMs, LONGEST_STEP_MS) * speed
    lastMs = realMs
    const due = [...sleepers].filter(({ atMs }) => atMs <= nowMs).sort((one, other) => one.atMs - other.atMs)
    for (const { wake } of due) wake()
    if (sleepers.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }
  return {
    nowMs: () => nowMs,
    async sleep(durationMs, signal) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const sleeper = { atMs: nowMs + durationMs, wake: resolve }
      const onAbort = () => reject(signal.reason)
      sleepers.add(sleeper)
      signal.addEventListener('abort', onAbort, { once: true })
      if (ticking === undefined) {
        lastMs = performance.now()
        ticking = setInterval(tick, 1)
      }
      await promise.finally(() => {
        sleepers.delete(sleeper)
        signal.removeEventListener('abort', onAbort)
      })
    },
  }
}

/** A whole lab: seven nodes, every service in every zone, the primaries in zone a. */
export function wholeLab(): LabView {
  const nodes: NodeView[] = GROUPS.flatMap(group => ZONES.map(zone => nodeOf(group, zone)))
  const pods: PodView[] = GROUPS.flatMap(group => [
    podOf(group, 'edge', 'system'),
    ...ZONES.flatMap(zone =>
      ['gateway', 'recommender', 'database'].map(service =>
        podOf(group, service, nodeName(group, zone), zone),
      ),
    ),
  ])
  return {
    nodes: [...nodes, { ...nodeOf('system', null), name: 'system', uid: 'node-system' }],
    pods,
    services: GROUPS.flatMap((namespace, index) =>
      ['edge', 'gateway', 'recommender', 'database', 'database-members'].map((name, at) => ({
        namespace,
        name,
        clusterIp: name === 'edge' || name === 'database' ? `10.96.${index}.${at + 1}` : null,
      })),
    ),
    workloads: GROUPS.flatMap(namespace =>
      (['edge', 'gateway', 'recommender', 'database'] as const).map(name => ({
        resource: name === 'database' ? ('statefulsets' as const) : ('deployments' as const),
        namespace,
        name,
        replicas: name === 'edge' ? 1 : 3,
      })),
    ),
    disruptionBudgets: GROUPS.map(group => `${group}/gateway`),
    loadJobs: [],
  }
}

function nodeOf(group: string, zone: Zone | null): NodeView {
  const name = `${group}-${zone}`
  return {
    name,
    uid: `node-${name}`,
    group,
    zone,
    ready: true,
    cordoned: false,
    taints: [`group=${group}:NoSchedule`],
    address: `172.30.77.${nodeNumber(group, zone)}`,
    podCidrs: [`10.244.${nodeNumber(group, zone)}.0/24`],
    allocatable: { cpuCores: 2, memoryMiB: 2972 },
  }
}

/** 10 for the system node, 11 to 13 for the control group, 21 to 23 for the experiment. */
function nodeNumber(group: string, zone: Zone | null): number {
  return zone === null ? 10 : 10 * groupNumber(group) + ZONES.indexOf(zone) + 1
}

function groupNumber(group: string): number {
  return (GROUPS as readonly string[]).indexOf(group) + 1
}

function podOf(group: string, service: string, nodeName: string, zone: Zone | null = null): PodView {
  const name = zone === null ? service : `${service}-${zone}`
  return {
    namespace: group,
    name,
    uid: `${group}-${name}`,
    group,
    service,
    nodeName,
    unschedulable: false,
    ready: true,
    terminating: false,
    finished: false,
    role: service === 'database' ? (zone === 'a' ? 'primary' : 'replica') : null,
    address: `10.244.${nodeNumber(group, zone)}.${2 + groupNumber(group) * 4 + ['edge', 'gateway', 'recommender', 'database'].indexOf(service)}`,
    containers: [
      { name: service, restartCount: 0, running: true, memoryLimitMiB: service === 'database' ? 768 : 320 },
    ],
  }
}

/** A lab that can be changed, loses what loses its power, and replaces the pods it loses. */
export class RecordedLab implements LabReader, LabWatcher, PodKiller {
  current: LabView
  /** Everything that was done, in order. */
  readonly done: Action[] = []
  readonly dark = new Set<string>()
  /** Set to make the next power-on calls fail. */
  failingPowerOns = 0
  #replaced = 0
  #tell: (event: TimelineEvent) => void = () => undefined

  constructor(view: LabView = wholeLab()) {
    this.current = view
  }

  readonly cluster = {
    powerSwitch: true,
    powerOff: async (_group: 'experiment', zone: Zone): Promise<void> => {
      this.done.push({ action: 'power-off', zone, nodes: [nodeName('experiment', zone)] })
      this.#power(zone, false)
    },
    powerOn: async (_group: 'experiment', zone: Zone): Promise<void> => {
      if (this.failingPowerOns > 0) {
        this.failingPowerOns--
        throw new MachineryError(
          `Cannot power on zone ${zone}: the engine does not answer`,
          'Start the engine.',
        )
      }
      this.done.push({ action: 'power-on', zone, nodes: [nodeName('experiment', zone)] })
      this.#power(zone, true)
    },
    poweredOff: async (): Promise<readonly string[]> => [...this.dark],
  }

  async view(): Promise<LabView> {
    return this.current
  }

  async node(name: string): Promise<NodeView | null> {
    return this.current.nodes.find(node => node.name === name) ?? null
  }

  async pod(namespace: string, name: string): Promise<PodView | null> {
    return this.current.pods.find(pod => pod.namespace === namespace && pod.name === name) ?? null
  }

  async deletePod(pod: Parameters<PodKiller['deletePod']>[0]): Promise<void> {
    this.done.push({ action: 'delete-pod', ...pod })
    const pods = this.current.pods.map(other =>
      other.uid === pod.uid ? { ...other, uid: `${other.uid}-${++this.#replaced}` } : other,
    )
    this.current = { ...this.current, pods }
  }

  async watch(onEvent: (event: TimelineEvent) => void): Promise<void> {
    this.#tell = onEvent
  }

  /** Gives a node another label, as somebody else might do at any time. */
  relabel(name: string, group: string): void {
    const nodes = this.current.nodes.map(node => (node.name === name ? { ...node, group } : node))
    this.current = { ...this.current, nodes }
  }

  #power(zone: Zone, isOn: boolean): void {
    const name = nodeName('experiment', zone)
    if (isOn) this.dark.delete(name)
    else this.dark.add(name)
    this.current = {
      ...this.current,
      nodes: this.current.nodes.map(node => (node.name === name ? { ...node, ready: isOn } : node)),
      pods: this.current.pods.map(pod => (pod.nodeName === name ? { ...pod, ready: isOn } : pod)),
    }
    const text = `node ${name} ${isOn ? 'Ready' : 'NotReady'}`
    this.#tell({ atMs: 0, source: 'cluster', group: 'experiment', zone, service: 'node', text })
  }
}

/** Requests a second and group of the recorded load: one write, the rest reads. */
const RECORDED_RATE = 5

/** A generator that answers as k6 does: its samples file grows with the clock. */
export class RecordedLoad implements LoadGenerator {
  readonly #clock: Clock
  #plan: LoadPlan | null = null
  #startMs = 0
  /** Bytes after which the stream breaks, once each. */
  breaksAfter: number[] = []
  /** Ends with the exit code once so many seconds have passed. */
  diesAfter: { readonly seconds: number; readonly exitCode: number } | null = null
  /** Of which run, each time it was removed; null = of every run. */
  readonly removed: (string | null)[] = []

  get removals(): number {
    return this.removed.length
  }

  /** From the second in which it is set on, every request of the experiment fails. */
  #failsFromSecond = Number.POSITIVE_INFINITY
  readonly offsetMs = 250

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get plan(): LoadPlan | null {
    return this.#plan
  }

  async start(plan: LoadPlan): Promise<void> {
    this.#plan = plan
    this.#startMs = Math.floor(this.#clock.nowMs() + this.offsetMs)
  }

  async *stream(offset: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let at = offset
    for (;;) {
      signal.throwIfAborted()
      const bytes = this.#bytes()
      const breakAt = this.breaksAfter.find(after => after > at && after <= bytes.length)
      const end = breakAt ?? bytes.length
      if (end > at) yield bytes.subarray(at, end)
      at = end
      if (breakAt !== undefined) {
        this.breaksAfter = this.breaksAfter.filter(after => after !== breakAt)
        return
      }
      await this.#clock.sleep(200, signal)
    }
  }

  async state() {
    const seconds = this.#seconds()
    const isDead = this.diesAfter !== null && seconds >= this.diesAfter.seconds
    const exitCode = isDead ? (this.diesAfter?.exitCode ?? 0) : seconds >= this.#duration() ? 0 : null
    return { exitCode, log: isDead ? 'out of memory' : '' }
  }

  async sampleBytes() {
    return this.#bytes().length
  }

  async summary() {
    const requests = this.#wholeSeconds() * RECORDED_RATE
    return {
      targetRate: RECORDED_RATE,
      droppedIterations: 0,
      requests: { control: requests, experiment: requests },
    }
  }

  async end(): Promise<void> {
    this.die(105)
  }

  failExperiment(): void {
    this.#failsFromSecond = this.#wholeSeconds()
  }

  /** Ends now. */
  die(exitCode: number): void {
    this.diesAfter = { seconds: this.#seconds(), exitCode }
  }

  async clockOffset() {
    return { offsetMs: this.offsetMs, roundTripMs: 2 }
  }

  async remove(runId?: string): Promise<void> {
    this.removed.push(runId ?? null)
  }

  /** Keys of all writes, which the recorded database finds. */
  writes(): number {
    return this.#wholeSeconds()
  }

  #duration(): number {
    return this.#plan?.durationSeconds ?? 0
  }

  #seconds(): number {
    return this.#plan === null ? 0 : (this.#clock.nowMs() + this.offsetMs - this.#startMs) / 1000
  }

  #wholeSeconds(): number {
    return Math.floor(
      Math.min(this.#seconds(), this.#duration(), this.diesAfter?.seconds ?? Number.POSITIVE_INFINITY),
    )
  }

  #bytes(): Buffer {
    const lines: string[] = []
    for (let second = 0; second < this.#wholeSeconds(); second++) {
      for (const group of GROUPS) {
        for (let index = 0; index < RECORDED_RATE; index++) {
          const isWrite = index === 0
          const fails = group === 'experiment' && second >= this.#failsFromSecond
          const values: Record<(typeof SAMPLE_COLUMNS)[number], string | number> = {
            group,
            route: isWrite ? 'play' : 'song',
            kind: isWrite ? 'write' : 'read',
            startMs: this.#startMs + second * 1000 + index * 100,
            durationMs: '10.000',
            status: fails ? 503 : isWrite ? 201 : 200,
            outcome: fails ? 'error' : 'ok',
            errorCode: 0,
            sequence: isWrite ? second : second * (RECORDED_RATE - 1) + index - 1,
          }
          lines.push(SAMPLE_COLUMNS.map(name => values[name]).join(','))
        }
      }
    }
    return Buffer.from(lines.map(line => `${line}\n`).join(''))
  }
}

/** Databases that hold every write of the recorded load, less `missing` keys of the experiment. */
export function recordedDatabase(load: RecordedLoad, missing: readonly number[] = []): Database {
  return {
    async column(group, sql) {
      if (sql.includes('pg_stat_replication')) return ['database-1']
      if (sql.includes('count(*)')) return ['1000']
      const runId = load.plan?.runId ?? ''
      return Array.from({ length: load.writes() }, (_, sequence) => sequence)
        .filter(sequence => group === 'control' || !missing.includes(sequence))
        .map(sequence => `${runId}.${group}.${sequence}`)
    },
  }
}

/** A lock that remembers who took it. */
export class RecordedLock implements RunLock {
  current: string | null = null
  releases = 0
  readonly #lost = new AbortController()

  /** Another run takes it over. */
  lose(): void {
    this.#lost.abort(new MachineryError('another run has taken the lock over', ''))
  }

  async holder(): Promise<string | null> {
    return this.current
  }

  async acquire(runId: string): Promise<HeldLock> {
    this.current = runId
    return {
      lost: this.#lost.signal,
      release: async () => {
        this.current = null
        this.releases++
      },
    }
  }
}
