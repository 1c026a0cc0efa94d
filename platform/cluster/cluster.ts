import type { Group, Zone } from '../topology.ts'

/** Content-addressed image reference that the cluster's nodes can pull, by image name. */
export type ImageReferences = Readonly<Record<string, string>>

/** One step of long work, told while it happens; the CLI prints it with the elapsed time. */
export type Progress = (message: string) => void

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
}

/**
 * The only thing that knows which kind of Kubernetes this is.
 * Every method may be called again at any time and finishes what an earlier, interrupted call began.
 */
export interface Cluster {
  readonly facts: ClusterFacts
  /** Brings the nodes up (local) or checks that they are there (context). */
  up(progress: Progress, signal: AbortSignal): Promise<ClusterAccess>
  /** Makes `images` pullable by the nodes and returns their references. */
  publish(images: readonly string[], progress: Progress, signal: AbortSignal): Promise<ImageReferences>
  /** Removes all that `up` made; `caches` removes what was kept for a quicker next start as well. */
  down(options: { readonly caches: boolean }, progress: Progress): Promise<void>
  /** Takes the power from the experiment's node of a zone, without warning to anything on it. */
  powerOff(group: Extract<Group, 'experiment'>, zone: Zone): Promise<void>
  powerOn(group: Extract<Group, 'experiment'>, zone: Zone): Promise<void>
  /** Local nodes whose power is off. */
  poweredOff(): Promise<readonly string[]>
}
