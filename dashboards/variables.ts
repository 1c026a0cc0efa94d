import {
  CustomVariableBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { GROUPS, SHARED_GROUP } from '../platform/topology.ts'

/** Every panel, query and annotation asks the data source that is chosen at the top of the page. */
export const DATASOURCE = { type: 'prometheus', uid: `$\{datasource}` } as const

/** Also matches series that lack the label, such as the zone of what stands on the system node. */
const ALL_VALUE = '.*'
const ALL = { text: 'All', value: '$__all' } as const

/** How a dashboard can be narrowed; what it does not offer, its queries must not use. */
export type Choice = 'group' | 'zone'

export function datasourceVariable() {
  return new DatasourceVariableBuilder('datasource')
    .label('Data source')
    .description('The Prometheus that is asked.')
    .type('prometheus')
    .current({ text: 'Prometheus', value: 'prometheus' })
    .multi(false)
    .includeAll(false)
}

export function choiceVariable(choice: Choice) {
  return choice === 'group' ? groupVariable() : zoneVariable()
}

function groupVariable() {
  return new CustomVariableBuilder('group')
    .label('Group')
    .description('The copies of the pipeline, and what belongs to neither.')
    .values([...GROUPS, SHARED_GROUP].join(','))
    .multi(true)
    .includeAll(true)
    .allValue(ALL_VALUE)
    .current(ALL)
}

/** Asked and not listed: a cluster of a cloud has names of its own for its zones. */
function zoneVariable() {
  return new QueryVariableBuilder('zone')
    .label('Zone')
    .description('Availability zones of the groups.')
    .datasource(DATASOURCE)
    .query('label_values(up, zone)')
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(ALL_VALUE)
    .current(ALL)
}
