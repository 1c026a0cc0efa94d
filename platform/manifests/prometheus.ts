import { FORWARDED_PORTS, PORTS, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import { deployment } from './deployment.ts'
import type { RenderInput } from './input.ts'
import { configAnnotation, configMap, type KubernetesObject, metadata, selectorLabels } from './object.ts'
import { httpProbes, imageReference, outsideTheGroups, scratch } from './pod.ts'
import { prometheusConfig } from './prometheus-config.ts'

const SERVICE = 'prometheus'
const CONFIG_NAME = 'prometheus-config'

/** What Prometheus may keep: the older of two days and 1.5 GB goes; the volume is a third larger. */
const RETENTION = { time: '2d', size: '1500MB', volumeMiB: 2048 }

/** Metrics of both groups, next to neither: on the system node. Its data lives as long as its pod. */
export function prometheus(input: RenderInput): readonly KubernetesObject[] {
  const files = { 'prometheus.yml': prometheusConfig() }
  const data = scratch('data', '/prometheus', RETENTION.volumeMiB)
  const head = metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE)
  return [
    configMap(metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, CONFIG_NAME), files),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: head,
      spec: {
        selector: selectorLabels(SHARED_GROUP, SERVICE),
        ...ports(input),
      },
    },
    deployment(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, {
      replicas: 1,
      update: 'recreate',
      annotations: configAnnotation(files),
      pod: {
        ...outsideTheGroups(),
        automountServiceAccountToken: true,
      },
      stopSeconds: 20,
      volumes: [{ name: 'config', configMap: { name: CONFIG_NAME } }, data.volume],
      program: {
        image: imageReference(input.images, 'observability'),
        command: [
          'prometheus',
          '--config.file=/etc/prometheus-lab/prometheus.yml',
          `--web.listen-address=:${PORTS.prometheus}`,
          `--storage.tsdb.path=${data.mount.mountPath}`,
          `--storage.tsdb.retention.time=${RETENTION.time}`,
          `--storage.tsdb.retention.size=${RETENTION.size}`,
          '--storage.tsdb.wal-compression',
          // k6 sends its own samples, latencies as native histograms.
          '--web.enable-remote-write-receiver',
          '--enable-feature=native-histograms,exemplar-storage',
        ],
      },
      resources: input.topology.shared[SERVICE],
      container: {
        ports: [{ name: 'http', containerPort: PORTS.prometheus }],
        ...httpProbes({
          port: PORTS.prometheus,
          readyPath: '/-/ready',
          alivePath: '/-/healthy',
          startSeconds: 60,
        }),
        volumeMounts: [{ name: 'config', mountPath: '/etc/prometheus-lab', readOnly: true }, data.mount],
      },
    }),
  ]
}

function ports(input: RenderInput) {
  const port = { name: 'http', port: PORTS.prometheus, protocol: 'TCP' }
  return input.facts.kind === 'local'
    ? { type: 'NodePort', ports: [{ ...port, nodePort: FORWARDED_PORTS.prometheus }] }
    : { type: 'ClusterIP', ports: [port] }
}
