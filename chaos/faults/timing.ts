import { z } from 'zod'

/** An hour is far beyond what an experiment of this kind needs. */
const LONGEST_SECONDS = 3600

/** When a fault begins: for every kind of fault. */
export const starting = {
  offsetSeconds: z
    .number()
    .min(0)
    .max(LONGEST_SECONDS)
    .default(0)
    .describe('from the start of the attack, or from the end of the fault it comes after, to its begin'),
  after: z
    .literal('previous')
    .optional()
    .describe('begins after the fault that stands before it in the file has ended'),
}

/** When a fault begins and how long it stays on. */
export const lasting = {
  ...starting,
  durationSeconds: z
    .number()
    .positive()
    .max(LONGEST_SECONDS)
    .describe('how long it stays on; it ends by itself then'),
}
