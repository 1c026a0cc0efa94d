import type { z } from 'zod'

/*
 * What the agent can do to a target, as data. An action is a small set of commands of a closed vocabulary: what began is
 * on the disk as the commands that end it, and nobody who speaks to an agent can make it run anything else.
 */

/** One process as the node sees it. A pid alone may be another process a moment later; with its start it cannot. */
export type ProcessIdentity = {
  readonly pid: number
  /** Field 22 of /proc/PID/stat, clock ticks since boot. */
  readonly startTicks: number
}

/** A network namespace by what outlives its processes. A namespace without any process is gone, and its rules with it. */
export type NetworkRef =
  | { readonly of: 'pod'; readonly podUid: string; readonly inode: number }
  | { readonly of: 'node' }

/** A container of the experimental group on this node, resolved right before an action is prepared. */
export type ContainerTarget = {
  readonly kind: 'container'
  readonly pod: string
  readonly podUid: string
  readonly container: string
  readonly containerId: string
  /** Process 1 of the container. */
  readonly main: ProcessIdentity
  readonly processes: readonly (ProcessIdentity & { readonly command: string })[]
  readonly userId: number
  readonly groupId: number
  readonly network: {
    readonly ref: NetworkRef
    /** Inside the pod, `eth0`. */
    readonly interfaceName: string
    /** The other end of the pair, in the node's network namespace. */
    readonly nodeInterfaceName: string
    readonly address: string
  }
  readonly cgroups: {
    readonly version: 1 | 2
    /** Folder of the container by controller (`cpu`, `memory`, `freezer`, ...), as the agent opens it; version 2 has all in one. */
    readonly folders: Readonly<Record<string, string>>
  }
  /** null: none but the node's. */
  readonly memoryLimitBytes: number | null
  /** Volumes that the container can write to, by name: where the container and where the agent finds them. */
  readonly volumes: Readonly<
    Record<
      string,
      {
        readonly mountPath: string
        readonly agentPath: string
        /** What anybody but root may still write, when the target was resolved. */
        readonly freeBytes: number
      }
    >
  >
}

/** The node that the agent is on. */
export type NodeTarget = {
  readonly kind: 'node'
  readonly node: string
  readonly network: { readonly ref: NetworkRef; readonly interfaceName: string; readonly address: string }
  /** Addresses of the API server as the node reaches it: kept open where a fault must leave a way to be ended. */
  readonly apiServerAddresses: readonly string[]
}

export type Target = ContainerTarget | NodeTarget

/** Programs of the agent's image that actions may run. */
export const PROGRAMS = [
  'nft',
  'tc',
  'ip',
  'iptables',
  'packet-delay',
  'stress-ng',
  'fallocate',
  // services/agent/programs
  'memory-hold',
  'sql-sessions',
] as const
export type Program = (typeof PROGRAMS)[number]

/** One step. Plain data: it is written to the disk as it is. */
export type Command =
  /** Runs to its end, within 10 s; a status other than 0 is a failure. */
  | {
      readonly do: 'run'
      readonly program: Program
      readonly args: readonly string[]
      readonly input?: string
      /** Network namespace it runs in; without it, the agent's own. A namespace that is gone: nothing to do. */
      readonly network?: NetworkRef
      /** Parts of an error message that mean: it is so already. Only for `end`. */
      readonly settledBy?: readonly string[]
    }
  /**
   * Starts a program that goes on until it is ended. It is killed when the agent dies (parent death signal) and bears the
   * fault's id in its environment, by which `stop` finds it. It has 0.5 s to fail; `readyText` on stdout ends the wait.
   */
  | {
      readonly do: 'start'
      readonly program: Program
      readonly args: readonly string[]
      readonly readyText?: string
      readonly network?: NetworkRef
      /** Folders of control groups that it joins before it becomes the program. */
      readonly cgroups?: readonly string[]
      /** Enters the mount namespace of this process, so that the program and its files are the container's. */
      readonly mounts?: ProcessIdentity
      readonly userId?: number
      readonly groupId?: number
      readonly env?: Readonly<Record<string, string>>
      /** -1000 to 1000; 1000 dies first when memory runs out. */
      readonly oomScoreAdjust?: number
    }
  /** Kills what `start` started for this fault, and waits until it is gone. */
  | { readonly do: 'stop' }
  | { readonly do: 'write'; readonly path: string; readonly text: string; readonly mayBeGone?: boolean }
  /** A file, or a folder with all that is in it; what is not there needs nothing. */
  | { readonly do: 'remove'; readonly path: string }
  /** One that is not there yet, for root alone. */
  | { readonly do: 'make-folder'; readonly path: string }
  | {
      readonly do: 'signal'
      readonly process: ProcessIdentity
      readonly signal: 'KILL' | 'STOP' | 'CONT' | 'TERM'
    }
  /**
   * Changes the clock that every process of this control group's folder reads now, by its vDSO; 0 gives the kernel's own
   * back, also to processes that came after. What reads so already is left alone; a folder that is gone: nothing to do.
   */
  | { readonly do: 'set-clock'; readonly cgroup: string; readonly offsetMs: number }

/** What a kernel or a node can or cannot do; found out by trying, never by a version number. */
export const CAPABILITIES = [
  'nft',
  'nft-set-timeout',
  'netem',
  'nfqueue',
  'tbf',
  'cgroup-v1',
  'cgroup-v2',
  'freezer',
  'stress-ng',
  'vdso-clock',
] as const
export type Capability = (typeof CAPABILITIES)[number]
export type Capabilities = ReadonlySet<Capability>

/** Numbers that show an effect, by name with unit: `droppedPackets`, `throttledPeriods`, `clockOffsetMs`. */
export type Reading = Readonly<Record<string, number>>

export type Finding = { readonly proven: boolean; readonly detail: string }

/** How an action reads its target; the engine gives the real one, a test a recording. */
export type Probe = {
  /** Standard output of a short program. */
  run(program: Program, args: readonly string[], network?: NetworkRef): Promise<string>
  /** null when it is not there. */
  readFile(path: string): Promise<string | null>
  freeBytes(path: string): Promise<number>
  /** Alive now, with the same start. */
  isAlive(process: ProcessIdentity): Promise<boolean>
  /** Processes whose environment bears the fault's id. */
  started(faultId: string): Promise<readonly ProcessIdentity[]>
  /** The clock that a process reads now, minus the node's, milliseconds: as the process itself tells it. */
  clockOffsetMs(process: ProcessIdentity): Promise<number>
}

export type Subject<Spec, On extends Target = Target> = {
  readonly spec: Spec
  readonly target: On
  /** `[a-z0-9]{1,24}`: names tables, queues and files of this fault alone. */
  readonly id: string
  readonly capabilities: Capabilities
  /** After this time the fault is ended, whatever happens; what an action starts bounds itself by it too. */
  readonly durationSeconds: number
  /** What `read` told before `begin`, given to `begin` and `end`: what was there before and must be there again. */
  readonly before?: Reading
}

/** One kind of action: a file of its own in this folder, listed in `catalogue.ts`. */
export type ActionDefinition<Spec extends { readonly action: string }> = {
  readonly action: Spec['action']
  readonly schema: z.ZodType<Spec>
  /** Kinds of target it can be done to. */
  readonly on: readonly Target['kind'][]
  /** What it needs of the node, each entry one of several ways: `[['netem'], ['nfqueue', 'nft']]`. Empty: nothing. */
  needs(spec: Spec): readonly (readonly Capability[])[]
  /** Pure. @throws ActionError what the spec asks and this target does not have */
  begin(subject: Subject<Spec>): readonly Command[]
  /** Pure, of the same subject. May be done at any time, as often as one likes, also when `begin` got half-way. */
  end(subject: Subject<Spec>): readonly Command[]
  /** Done at every heartbeat while it is on: what renews a fuse in the kernel that ends it with no agent alive. Pure. */
  renew?(subject: Subject<Spec>): readonly Command[]
  /** Read before `begin` and again while it is on. */
  read(subject: Subject<Spec>, probe: Probe): Promise<Reading>
  /** Whether the two readings show the effect. Pure. */
  finding(spec: Spec, before: Reading, now: Reading): Finding
}

/** What was asked cannot be done to this target; nothing was done. */
export class ActionError extends Error {}
