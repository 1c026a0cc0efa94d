import type { SharedService } from '../topology.ts'

/**
 * A program that reads its files again when it is told to. A change of them rolls no pod: what the program keeps in its
 * pod, such as two days of samples, outlives it.
 */
export type Reloading = {
  readonly service: SharedService
  /** Where it tells its metrics. */
  readonly port: number
  /** Where in the pod each ConfigMap is mounted, by the name of the ConfigMap. */
  readonly folders: Readonly<Record<string, string>>
  /** Ends with an error, and says why, when the program would refuse the files that its pod has. */
  readonly check: readonly string[]
  /** Metric of its own: when it last took its files, seconds since 1970. */
  readonly loadedMetric: string
}
