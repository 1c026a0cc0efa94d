import { z } from 'zod'

/** Window over which oncall asks for the indicators, and how often it takes them, seconds. */
export const INDICATOR = { windowSeconds: 15, stepSeconds: 5 } as const

/**
 * What oncall has to know of the promises, the rules and the dashboards, which are made by other programs: a file that is
 * deployed with it.
 */
export const policySchema = z.strictObject({
  slos: z.array(
    z.strictObject({
      /** `gateway-availability`. */
      id: z.string().min(1).max(100),
      service: z.string().min(1).max(100),
      /** Share of good events, (0, 1). */
      objective: z.number().gt(0).lt(1),
      /** PromQL over `INDICATOR.windowSeconds`, by `group`: events per second, and the bad ones of them. */
      events: z.string().min(1).max(4_000),
      bad: z.string().min(1).max(4_000),
    }),
  ),
  rules: z.array(
    z.strictObject({
      name: z.string().min(1).max(200),
      /** How long its condition holds before it fires, seconds. */
      forSeconds: z.number().min(0),
      tier: z.string().min(1).max(50),
      sev: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]).optional(),
    }),
  ),
  /** Panels that are known to move by a kind of fault: `dashboard / panel`. */
  panels: z.record(z.string(), z.array(z.string())),
})
export type Policy = z.output<typeof policySchema>
