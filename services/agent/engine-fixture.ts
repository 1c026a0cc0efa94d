import { jest } from '@jest/globals'
import type { Command, ContainerTarget, Probe, Target } from './actions/action.ts'
import { CAPABILITIES } from './actions/action.ts'
import { Engine, type EngineParts } from './engine.ts'
import type { Outcome } from './node/executor.ts'
import type { FaultRequest, Hello, TargetName } from './protocol.ts'
import type { FaultRecord, Records } from './records.ts'

/* A node that exists in memory only: what was done to it is written down, and time passes when a test says so. */

export const POD_UID = '11111111-2222-3333-4444-555555555555'

export const TARGET: ContainerTarget = {
  kind: 'container',
  pod: 'gateway-a',
  podUid: POD_UID,
  container: 'gateway',
  containerId: 'c'.repeat(64),
  main: { pid: 7, startTicks: 70 },
  processes: [{ pid: 7, startTicks: 70, command: 'node' }],
  userId: 10001,
  groupId: 10001,
  network: {
    ref: { of: 'pod', podUid: POD_UID, inode: 4026531000 },
    interfaceName: 'eth0',
    nodeInterfaceName: 'veth7',
    address: '10.0.0.7',
  },
  cgroups: {
    version: 1,
    folders: { freezer: '/cgroup/freezer', cpu: '/cgroup/cpu', memory: '/cgroup/memory' },
  },
  memoryLimitBytes: null,
  volumes: {},
}

export const NAME: TargetName = { kind: 'container', pod: 'gateway-a', podUid: POD_UID, container: 'gateway' }

export function request(changes: Partial<FaultRequest> = {}): FaultRequest {
  return {
    id: 'f1',
    runId: 'run',
    kind: 'pause',
    target: NAME,
    actions: [{ action: 'freeze' }],
    durationSeconds: 60,
    leaseSeconds: 8,
    ...changes,
  }
}

/** The node's disk: it outlives the agents of a test. */
export class FakeDisk implements Records {
  readonly records = new Map<string, FaultRecord>()
  isFull = false
  halted = false
  readonly #doings: string[]

  constructor(doings: string[]) {
    this.#doings = doings
  }

  async all() {
    return { records: [...this.records.values()], unreadable: [] }
  }

  async has(id: string) {
    return this.records.has(id)
  }

  async write(record: FaultRecord) {
    if (this.isFull) throw new Error('no space left')
    this.#doings.push(`disk: ${record.status.id} ${record.over ? 'over' : 'to be undone'}`)
    this.records.set(record.status.id, record)
  }

  async sweep() {}
}

export class FakeNode {
  /** Everything that was done, in its order. */
  readonly doings: string[] = []
  readonly logged: string[] = []
  readonly disk = new FakeDisk(this.doings)
  isFrozen = false
  /** Commands that fail, by what they write. */
  readonly failing = new Set<string>()
  resolved: Target = TARGET
  confirm: () => Promise<void> = async () => undefined
  isHaltedByApi = false
  nowMs = 0

  agent(parts: Partial<EngineParts> = {}): Engine {
    return new Engine({
      node: 'experiment-a',
      resolver: { resolve: async () => this.resolved, confirm: () => this.confirm() },
      executor: { execute: command => this.#execute(command) },
      probe: this.probe,
      records: this.disk,
      halt: {
        isOn: () => this.disk.halted,
        set: async on => {
          this.disk.halted = on
        },
      },
      isHaltedByApi: () => this.isHaltedByApi,
      log: event => this.logged.push(event),
      nowMs: () => this.nowMs,
      dateMs: () => 1_800_000_000_000 + this.nowMs,
      sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
      ...parts,
    })
  }

  started(parts: Partial<EngineParts> = {}, has: (name: string) => boolean = () => true): Engine {
    const engine = this.agent(parts)
    engine.start(
      Object.fromEntries(
        CAPABILITIES.map(name => [name, { has: has(name), detail: '' }]),
      ) as Hello['capabilities'],
    )
    return engine
  }

  /** Lets time pass, and all that is due in it happen. */
  async pass(seconds: number): Promise<void> {
    for (let step = 0; step < seconds * 4; step++) {
      this.nowMs += 250
      await jest.advanceTimersByTimeAsync(250)
    }
  }

  async #execute(command: Command): Promise<Outcome> {
    const text = command.do === 'write' ? command.text : command.do
    this.doings.push(text)
    if (this.failing.has(text)) throw new Error(`cannot ${text}`)
    if (text === 'FROZEN') this.isFrozen = true
    if (text === 'THAWED') this.isFrozen = false
    return 'done'
  }

  get probe(): Probe {
    return {
      run: async () => '',
      readFile: async () => (this.isFrozen ? 'FROZEN\n' : 'THAWED\n'),
      freeBytes: async () => 0,
      isAlive: async () => true,
      started: async () => [],
      clockOffsetMs: async () => 0,
    }
  }
}

/** A new node, in a time that stands still until `pass`. */
export function startFakeNode(): FakeNode {
  jest.useFakeTimers()
  return new FakeNode()
}

export function endFakeTime(): void {
  jest.clearAllTimers()
  jest.useRealTimers()
}

export async function begun(engine: Engine, changes: Partial<FaultRequest> = {}): Promise<void> {
  const fault = request(changes)
  await engine.prepare(fault)
  await engine.begin(fault.id)
}

export const stateOf = (engine: Engine, id = 'f1') => engine.status().find(each => each.id === id)
