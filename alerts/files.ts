import type { Observability } from '../platform/manifests/input.ts'
import { alertmanagerConfig } from './alertmanager.ts'
import { ruleFile } from './rule.ts'
import { ruleGroups } from './rule-groups.ts'

/** What Prometheus and Alertmanager read. */
export function alertFiles(): Pick<Observability, 'rules' | 'alertmanager'> {
  return {
    rules: Object.fromEntries(ruleGroups().map(group => [`${group.name}.yml`, ruleFile(group)])),
    alertmanager: alertmanagerConfig(),
  }
}
