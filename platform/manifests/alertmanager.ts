import { FORWARDED_PORTS, PORTS, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import { deployment } from './deployment.ts'
import type { RenderInput } from './input.ts'
import { configMap, type KubernetesObject, metadata } from './object.ts'
import { httpProbes, imageReference, outsideTheGroups, scratch } from './pod.ts'
import type { Reloading } from './reloading.ts'
import { ONCALL_KEYS, ONCALL_SECRET } from './secrets.ts'
import { sharedService } from './shared-service.ts'

const SERVICE = 'alertmanager'
const CONFIG_NAME = 'alertmanager-config'
const CONFIG_FOLDER = '/etc/alertmanager/config'
const CONFIG_FILE = `${CONFIG_FOLDER}/alertmanager.yml`

export const ALERTMANAGER_FILES: Reloading = {
  service: SERVICE,
  port: PORTS.alertmanager,
  folders: { [CONFIG_NAME]: CONFIG_FOLDER },
  check: ['amtool', 'check-config', CONFIG_FILE],
  loadedMetric: 'alertmanager_config_last_reload_success_timestamp_seconds',
}

/** Silences and what was told to whom; both are of use for days at most. */
const RETENTION = '48h'

/** Groups alerts and tells people. It is alone: without peers nothing is waited for. */
export function alertmanager(input: RenderInput): readonly KubernetesObject[] {
  const files = { 'alertmanager.yml': input.observability.alertmanager }
  const data = scratch('data', '/alertmanager', 64)
  return [
    configMap(metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, CONFIG_NAME), files),
    sharedService(input, SERVICE, PORTS.alertmanager, FORWARDED_PORTS.alertmanager),
    deployment(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, {
      replicas: 1,
      update: 'recreate',
      pod: outsideTheGroups(),
      volumes: [
        { name: 'config', configMap: { name: CONFIG_NAME } },
        {
          name: 'token',
          secret: {
            secretName: ONCALL_SECRET,
            defaultMode: 0o440,
            items: [{ key: ONCALL_KEYS.recorder, path: 'token' }],
          },
        },
        data.volume,
      ],
      program: {
        image: imageReference(input.images, 'observability'),
        command: [
          'prometheus-alertmanager',
          `--config.file=${CONFIG_FILE}`,
          `--web.listen-address=:${PORTS.alertmanager}`,
          '--cluster.listen-address=',
          `--storage.path=${data.mount.mountPath}`,
          `--data.retention=${RETENTION}`,
        ],
      },
      resources: input.topology.shared[SERVICE],
      container: {
        ports: [{ name: 'http', containerPort: PORTS.alertmanager }],
        ...httpProbes({
          port: PORTS.alertmanager,
          readyPath: '/-/ready',
          alivePath: '/-/healthy',
          startSeconds: 60,
        }),
        volumeMounts: [
          { name: 'config', mountPath: CONFIG_FOLDER, readOnly: true },
          { name: 'token', mountPath: '/etc/alertmanager/oncall', readOnly: true },
          data.mount,
        ],
      },
    }),
  ]
}
