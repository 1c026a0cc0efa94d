import { z } from 'zod'
import type { Attackable, PlacedPod } from './select.ts'

export const volume = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'name of a volume of the pod')
  .optional()
  .describe("default: 'data' of the database, 'tmp' of the others")

/** Where each service writes. */
const DEFAULT_VOLUMES: Readonly<Record<Attackable, string>> = {
  gateway: 'tmp',
  recommender: 'tmp',
  database: 'data',
}

/** Name of the volume that is meant. */
export function volumeOf({ service }: PlacedPod, wanted: string | undefined): string {
  return wanted ?? DEFAULT_VOLUMES[service]
}
