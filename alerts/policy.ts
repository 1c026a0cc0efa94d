import { INDICATOR, type Policy } from '../services/oncall/weekly/policy.ts'
import { duration } from './rule.ts'
import { ruleGroups } from './rule-groups.ts'
import { SLOS } from './slo.ts'

/** What oncall has to know of the promises and the rules. */
export function policyOf(): Pick<Policy, 'slos' | 'rules'> {
  const window = duration(INDICATOR.windowSeconds)
  return {
    slos: SLOS.map(({ id, service, objective, events, bad }) => ({
      id,
      service,
      objective: objective.value,
      events: events(window),
      bad: bad(window),
    })),
    rules: ruleGroups().flatMap(({ alerts }) =>
      alerts.map(({ name, guard, tier, sev }) => ({
        name,
        forSeconds: 'forSeconds' in guard ? guard.forSeconds : 0,
        tier,
        ...(sev === undefined ? {} : { sev }),
      })),
    ),
  }
}
