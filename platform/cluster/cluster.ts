import type { Group, Zone } from '../topology.ts'

/** Content-addressed image reference that the cluster's nodes can pull, by image name. */
export type ImageReferences = Readonly<Record<string, string>>

/** One step of long work, told while it happens; the CLI prints it with the elapsed time. */
export type Progress = (message: string) => void

/** One thing that has to hold before the lab can come up, as `doctor` tells it. */
export type Check = {
  readonly check: string
  readonly ok: boolean
  /** What was found. */
  readonly detail: string
  /** What to do when it does not hold. */
  readonly hint: string
}

/** What `up` left behind and later commands need. Plain data; written to the state folder by the cluster. */
export type ClusterAccess = {
  /** Path of a kubeconfig that reaches the API server from this machine. */
  readonly kubeconfigPath: string
  /** Context to use in it. */
  readonly context: string
}

/** What the lab asks of the pods' surroundings and only the cluster can know. */
export type ClusterFacts = {
  readonly kind: 'local' | 'context'
  /** Storage class for data that stays in its zone when its node dies. */
  readonly storageClassName: string
  /** Kubernetes node names by `${group}-${zone}` and `system`. */
  readonly nodes: readonly string[]
  /** Address ranges (CIDR) that pods get their addresses from, where that is known. */
  readonly podNetworks?: readonly string[]
  /** The nodes can pull from public registries, and may: official images that are not built here are run as well. */
  readonly publicImages?: boolean
}

/**
 * The only thing that knows which kind of Kubernetes this is.
 * Every method may be called again at any time and finishes what an earlier, interrupted call began.
 */
export interface Cluster {
  readonly facts: ClusterFacts
  /** Whether `powerOff` can take the power from a zone's node; known before the cluster was asked for anything. */
  readonly powerSwitch: boolean
  /**
   * Brings the nodes up (local) or checks that they are there (context).
   *
   * @param published the result of `publish`, when that goes on at the same time: nodes that are new start after it,
   *   so that they find the images unpacked
   */
  up(progress: Progress, signal: AbortSignal, published?: Promise<unknown>): Promise<ClusterAccess>
  /** Address (`host:port/path`, no scheme) to push images to from this machine; starts the registry when it is ours. */
  registry(progress: Progress, signal: AbortSignal): Promise<string>
  /**
   * Makes images that were pushed to `registry()` pullable by the nodes. May be called before, while or after `up`.
   *
   * @param pushed references as they were pushed, by image name
   * @returns references as pods have to name them
   */
  publish(pushed: ImageReferences, progress: Progress, signal: AbortSignal): Promise<ImageReferences>
  /** Removes all that `up` made; `caches` removes what was kept for a quicker next start as well. */
  down(options: { readonly caches: boolean }, progress: Progress): Promise<void>
  /**
   * Takes the power from the experiment's node of a zone, without warning to anything on it.
   *
   * @param atMostSeconds it comes back by itself after about this time, and when the process that took it dies; > 0
   */
  powerOff(group: Extract<Group, 'experiment'>, zone: Zone, atMostSeconds: number): Promise<void>
  powerOn(group: Extract<Group, 'experiment'>, zone: Zone): Promise<void>
  /** Local nodes whose power is off. */
  poweredOff(): Promise<readonly string[]>
}
