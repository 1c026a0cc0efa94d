import { basename, dirname } from 'node:path'
import { FORWARDED_PORTS, PORTS, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import { deployment } from './deployment.ts'
import type { RenderInput } from './input.ts'
import { configMap, type KubernetesObject, metadata } from './object.ts'
import { httpProbes, imageReference, outsideTheGroups, scratch } from './pod.ts'
import { prometheusConfig, RECORDER_TOKEN_FILE, RULES_FOLDER } from './prometheus-config.ts'
import type { Reloading } from './reloading.ts'
import { ONCALL_KEYS, ONCALL_SECRET } from './secrets.ts'
import { sharedService } from './shared-service.ts'

const SERVICE = 'prometheus'
const CONFIG_NAME = 'prometheus-config'
const RULES_NAME = 'prometheus-rules'
const CONFIG_FOLDER = '/etc/prometheus-lab'
const CONFIG_FILE = `${CONFIG_FOLDER}/prometheus.yml`

export const PROMETHEUS_FILES: Reloading = {
  service: SERVICE,
  port: PORTS.prometheus,
  folders: { [CONFIG_NAME]: CONFIG_FOLDER, [RULES_NAME]: RULES_FOLDER },
  check: ['promtool', 'check', 'config', CONFIG_FILE],
  loadedMetric: 'prometheus_config_last_reload_success_timestamp_seconds',
}

/** An alert that goes on firing is told again that often; each time is a row that oncall keeps. */
export const RESEND_SECONDS = 60

/** What Prometheus may keep: the older of two days and 1.5 GB goes; the volume is a third larger. */
const RETENTION = { time: '2d', size: '1500MB', volumeMiB: 2048 }

/**
 * Metrics of both groups, next to neither: on the system node. Its data lives as long as its pod,
 * which is why new rules are read by SIGHUP (platform/reload.ts) and not by a new pod.
 */
export function prometheus(input: RenderInput): readonly KubernetesObject[] {
  const files = { 'prometheus.yml': prometheusConfig() }
  const data = scratch('data', '/prometheus', RETENTION.volumeMiB)
  const { rules } = input.observability
  return [
    configMap(metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, CONFIG_NAME), files),
    configMap(metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, RULES_NAME), rules),
    sharedService(input, SERVICE, PORTS.prometheus, FORWARDED_PORTS.prometheus),
    deployment(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, {
      replicas: 1,
      update: 'recreate',
      pod: {
        ...outsideTheGroups(),
        automountServiceAccountToken: true,
      },
      stopSeconds: 20,
      volumes: [
        { name: 'config', configMap: { name: CONFIG_NAME } },
        { name: 'rules', configMap: { name: RULES_NAME } },
        {
          name: 'token',
          secret: {
            secretName: ONCALL_SECRET,
            defaultMode: 0o440,
            items: [{ key: ONCALL_KEYS.recorder, path: basename(RECORDER_TOKEN_FILE) }],
          },
        },
        data.volume,
      ],
      program: {
        image: imageReference(input.images, 'observability'),
        command: [
          'prometheus',
          `--config.file=${CONFIG_FILE}`,
          `--web.listen-address=:${PORTS.prometheus}`,
          `--storage.tsdb.path=${data.mount.mountPath}`,
          `--storage.tsdb.retention.time=${RETENTION.time}`,
          `--storage.tsdb.retention.size=${RETENTION.size}`,
          '--storage.tsdb.wal-compression',
          // k6 sends its own samples, latencies as native histograms.
          '--web.enable-remote-write-receiver',
          '--enable-feature=native-histograms,exemplar-storage',
          `--rules.alert.resend-delay=${RESEND_SECONDS}s`,
          // Where a link in an alert leads to.
          ...(input.facts.kind === 'local'
            ? [`--web.external-url=http://127.0.0.1:${FORWARDED_PORTS.prometheus}/`, '--web.route-prefix=/']
            : []),
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
        volumeMounts: [
          { name: 'config', mountPath: CONFIG_FOLDER, readOnly: true },
          { name: 'rules', mountPath: RULES_FOLDER, readOnly: true },
          { name: 'token', mountPath: dirname(RECORDER_TOKEN_FILE), readOnly: true },
          data.mount,
        ],
      },
    }),
  ]
}
