import { GROUPS, type Group } from '../topology.ts'
import { agent } from './agent.ts'
import { alertmanager } from './alertmanager.ts'
import { blackbox } from './blackbox.ts'
import { corpusVolume } from './corpus-volume.ts'
import { dashboardMaps } from './dashboards.ts'
import { database } from './database.ts'
import { disruptionBudget } from './disruption-budgets.ts'
import { edge } from './edge.ts'
import { gateway } from './gateway.ts'
import { grafana } from './grafana.ts'
import { ingest } from './ingest.ts'
import type { RenderInput } from './input.ts'
import { migrate } from './migrate.ts'
import { chaosNamespace, groupNamespace, sharedNamespace } from './namespaces.ts'
import { groupNetworkPolicies, sharedNetworkPolicies } from './network-policies.ts'
import { nodeExporter } from './node-exporter.ts'
import type { KubernetesObject } from './object.ts'
import { objectState } from './object-state.ts'
import { oncall } from './oncall.ts'
import { oncallDatabase } from './oncall-database.ts'
import { prometheus } from './prometheus.ts'
import { groupAccounts, sharedAccounts } from './rbac.ts'
import { recommender } from './recommender.ts'
import { zipkin } from './zipkin.ts'

/** Stages in the order in which they are applied; each needs what the ones before it made. */
export const STAGES = ['facilities', 'database', 'migrate', 'services', 'ingest'] as const
export type StageName = (typeof STAGES)[number]

export type Stage = {
  readonly name: StageName
  readonly objects: readonly KubernetesObject[]
}

/**
 * All that is deployed, in the order in which it is applied.
 *
 *   facilities: namespaces, accounts, policies, budgets, volumes, stores of what is seen
 *     -> database -> migrate (schema) -> services: recommender, gateway, edge -> ingest (songs)
 */
export function renderStages(input: RenderInput): readonly Stage[] {
  const { groups } = input.topology
  const inEach = (render: (group: Group) => readonly KubernetesObject[]) => groups.flatMap(render)
  return [
    {
      name: 'facilities',
      objects: [
        ...groups.map(groupNamespace),
        sharedNamespace(),
        ...inEach(groupAccounts),
        ...sharedAccounts(),
        ...inEach(groupNetworkPolicies),
        ...sharedNetworkPolicies(),
        ...inEach(group => budgets(group, input)),
        ...(input.facts.kind === 'local' ? inEach(corpusVolume) : []),
        ...stores(input),
        ...agent(input),
      ],
    },
    { name: 'database', objects: inEach(group => database(group, input)) },
    { name: 'migrate', objects: inEach(group => migrate(group, input)) },
    {
      name: 'services',
      objects: inEach(group => [
        ...recommender(group, input),
        ...gateway(group, input),
        ...edge(group, input),
      ]),
    },
    {
      name: 'ingest',
      objects: inEach(group => (input.corpus ? ingest(group, input, input.corpus) : [])),
    },
  ]
}

/** What sees both groups, and keeps what was seen. */
function stores(input: RenderInput): readonly KubernetesObject[] {
  return [
    ...prometheus(input),
    ...alertmanager(input),
    ...blackbox(input),
    ...nodeExporter(input),
    ...objectState(input),
    ...zipkin(input),
    ...oncallDatabase(input),
    ...oncall(input),
    ...dashboardMaps(input),
    ...(input.facts.publicImages ? grafana(input) : []),
  ]
}

/** The same objects as one list, as `divergence render` prints them. */
export function renderAll(input: RenderInput): readonly KubernetesObject[] {
  return renderStages(input).flatMap(stage => stage.objects)
}

/** A service with one pod needs none: it would only keep its node from being drained. */
function budgets(group: Group, input: RenderInput): readonly KubernetesObject[] {
  return input.topology.services.filter(spec => spec.replicas > 1).map(spec => disruptionBudget(group, spec))
}

/** Namespaces that everything of ours is in. */
export function ownNamespaces(): readonly string[] {
  return [...GROUPS.map(groupNamespace), sharedNamespace(), chaosNamespace()].map(
    object => object.metadata.name,
  )
}
