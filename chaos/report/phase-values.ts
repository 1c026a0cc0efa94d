import { GROUPS, type Group } from '../../platform/topology.ts'
import type { JudgeInput } from '../journal-entry.ts'
import { QUANTILES } from '../judgement/estimate.ts'
import { quantile } from '../judgement/quantile.ts'
import { bySecond, total } from '../judgement/seconds.ts'
import { milliseconds3, percent } from '../judgement/wording.ts'
import type { Sample } from '../measurement/sample.ts'

export const PHASE_NAMES = ['baseline', 'attack', 'recovery'] as const
export type PhaseName = (typeof PHASE_NAMES)[number]

/** What one group did in one phase: the numbers behind the charts. */
export type PhaseValues = {
  readonly phase: PhaseName
  readonly group: Group
  readonly requests: number
  readonly failures: number
  /** As written in a table, latencies in milliseconds; `-` without data, `≥` in front of a quantile that timed out. */
  readonly success: string
  readonly p50: string
  readonly p95: string
  readonly p99: string
}

export function phaseValues(samples: readonly Sample[], { phases }: JudgeInput): readonly PhaseValues[] {
  return PHASE_NAMES.flatMap(phase =>
    GROUPS.map(group => {
      const seconds = bySecond(samples, group, phases[phase])
      const requests = total(seconds.requests)
      const failures = total(seconds.failures)
      const latency = (probability: number) => {
        const found = quantile(seconds.latency, probability)
        return found === null ? '-' : `${found.censored ? '≥ ' : ''}${milliseconds3(found.valueMs)}`
      }
      return {
        phase,
        group,
        requests,
        failures,
        success: requests === 0 ? '-' : percent(1 - failures / requests),
        p50: latency(QUANTILES.latency_p50),
        p95: latency(QUANTILES.latency_p95),
        p99: latency(QUANTILES.latency_p99),
      }
    }),
  )
}
