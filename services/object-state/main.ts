/**
 * Tells Prometheus the state of Kubernetes objects under the names and labels of kube-state-metrics: the subset that is
 * used here. Run as `node services/object-state/main.ts` in a pod; it has no settings.
 *
 * What its service account may do, and nothing else:
 *
 * | where | API group | resources | verbs |
 * | --- | --- | --- | --- |
 * | cluster | "" | nodes | list, watch |
 * | namespaces control, experiment, observability | "" | pods | list, watch |
 * | the same | apps | deployments, statefulsets | list, watch |
 * | the same | batch | jobs | list, watch |
 * | the same | policy | poddisruptionbudgets | list, watch |
 */
import { KubeConfig } from '@kubernetes/client-node'
import { GROUPS, PORTS, SHARED_NAMESPACE } from '../../platform/topology.ts'
import { makeExporter, makeExporterServer } from './exporter.ts'

const BACKOFF = { firstMs: 500, mostMs: 10_000 }

const log = (event: string, fields: Readonly<Record<string, unknown>>): void => {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...fields }))
}

const config = new KubeConfig()
config.loadFromDefault()
const exporter = makeExporter(
  config,
  [...GROUPS, SHARED_NAMESPACE],
  {
    listed: source => log('listed', { source }),
    failed: (source, error) => log('list or watch failed', { source, error: String(error) }),
  },
  BACKOFF,
)
const server = makeExporterServer(exporter, log)
exporter.start()
server.listen(PORTS.objectState, () => log('listening', { port: PORTS.objectState }))

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close()
    exporter.stop().finally(() => process.exit(0))
  })
}
