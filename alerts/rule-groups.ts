import { budgetRules, burnRules, MONTH_PROFILE, RUN_PROFILE } from './burn-rate.ts'
import { clockRules } from './causes/clocks.ts'
import { containerRules } from './causes/containers.ts'
import { databaseRules } from './causes/database.ts'
import { evidenceRules } from './causes/evidence.ts'
import { ingestRules } from './causes/ingest.ts'
import { networkRules } from './causes/network.ts'
import { nodeRules } from './causes/nodes.ts'
import { observationRules } from './causes/observation.ts'
import { requestRules } from './causes/requests.ts'
import type { RuleGroup } from './rule.ts'
import { SLOS } from './slo.ts'

/**
 * Everything that Prometheus computes for us, a file each. What others build on stands first.
 *
 * @throws UserError when an alert could never fire
 */
export function ruleGroups(): readonly RuleGroup[] {
  return [
    databaseRules(),
    ingestRules(),
    budgetRules(SLOS),
    burnRules(SLOS, RUN_PROFILE),
    burnRules(SLOS, MONTH_PROFILE),
    nodeRules(),
    containerRules(),
    clockRules(),
    networkRules(),
    requestRules(),
    observationRules(),
    evidenceRules(),
  ]
}
