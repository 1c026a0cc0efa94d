import { MachineryError } from '../../platform/errors.ts'
import { GROUPS, nodeName, ZONES, type Zone } from '../../platform/topology.ts'
import type { Action } from '../faults/fault.ts'
import type { TimelineEvent } from '../journal-entry.ts'
import type { Clock, HeldLock, LabReader, LabWatcher, PodKiller, RunLock } from './roles.ts'
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
      {
        name: service,
        runningId: `containerd://${name}`,
        memoryLimitMiB: service === 'database' ? 768 : 320,
      },
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
