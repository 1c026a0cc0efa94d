import { stringify } from 'yaml'
import { PORTS, SHARED_GROUP, SHARED_NAMESPACE, sharedHost } from '../topology.ts'
import { dashboardVolume } from './dashboards.ts'
import { deployment } from './deployment.ts'
import type { RenderInput } from './input.ts'
import { sharedPolicy } from './network-policies.ts'
import { configAnnotation, configMap, type KubernetesObject, metadata } from './object.ts'
import { env, httpProbes, outsideTheGroups, scratch } from './pod.ts'
import { serviceAccount } from './rbac.ts'
import { sharedService } from './shared-service.ts'

const SERVICE = 'grafana'
const CONFIG_NAME = 'grafana-provisioning'
const DASHBOARDS = '/var/lib/grafana-dashboards'

/** The official image, by version; it is never built and never copied to a registry of ours. */
export const GRAFANA_IMAGE = 'docker.io/grafana/grafana:12.0.2'

/** Ids by which dashboards name where they read from. */
const DATASOURCES = { prometheus: 'prometheus', zipkin: 'zipkin', alertmanager: 'alertmanager' } as const

/**
 * Grafana with our dashboards and where they read from. Everybody who reaches it may look; nobody may change what is
 * provisioned. Only where the nodes can pull from a public registry.
 */
export function grafana(input: RenderInput): readonly KubernetesObject[] {
  const files = {
    'datasources.yaml': datasources(),
    'dashboards.yaml': stringify({
      apiVersion: 1,
      providers: [{ name: 'divergence', type: 'file', allowUiUpdates: false, options: { path: DASHBOARDS } }],
    }),
  }
  const data = scratch('data', '/var/lib/grafana', 256)
  const temporary = scratch('tmp', '/tmp', 32)
  const dashboards = dashboardVolume(input)
  const provisioning = '/etc/grafana/provisioning'
  const mountOf = (file: keyof typeof files, folder: string) => ({
    name: 'provisioning',
    mountPath: `${provisioning}/${folder}/${file}`,
    subPath: file,
    readOnly: true,
  })
  return [
    configMap(metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, CONFIG_NAME), files),
    sharedService(input, SERVICE, PORTS.grafana),
    serviceAccount(SHARED_GROUP, SHARED_NAMESPACE, SERVICE),
    deployment(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, {
      replicas: 1,
      update: 'recreate',
      annotations: configAnnotation({ ...files, ...input.observability.dashboards }),
      pod: outsideTheGroups(),
      volumes: [
        { name: 'provisioning', configMap: { name: CONFIG_NAME } },
        dashboards,
        data.volume,
        temporary.volume,
      ],
      program: { image: GRAFANA_IMAGE, command: ['/run.sh'] },
      resources: input.topology.shared[SERVICE],
      container: {
        env: [
          env('GF_AUTH_ANONYMOUS_ENABLED', 'true'),
          env('GF_AUTH_ANONYMOUS_ORG_ROLE', 'Viewer'),
          env('GF_AUTH_DISABLE_LOGIN_FORM', 'true'),
          env('GF_ANALYTICS_REPORTING_ENABLED', 'false'),
          env('GF_ANALYTICS_CHECK_FOR_UPDATES', 'false'),
          env('GF_SERVER_HTTP_PORT', PORTS.grafana),
        ],
        ports: [{ name: 'http', containerPort: PORTS.grafana }],
        ...httpProbes({
          port: PORTS.grafana,
          readyPath: '/api/health',
          alivePath: '/api/health',
          startSeconds: 120,
        }),
        volumeMounts: [
          mountOf('datasources.yaml', 'datasources'),
          mountOf('dashboards.yaml', 'dashboards'),
          { name: dashboards.name, mountPath: DASHBOARDS, readOnly: true },
          data.mount,
          temporary.mount,
        ],
      },
    }),
    sharedPolicy(SERVICE, PORTS.grafana),
  ]
}

function datasources(): string {
  const base = { access: 'proxy', editable: false }
  return stringify({
    apiVersion: 1,
    datasources: [
      {
        ...base,
        uid: DATASOURCES.prometheus,
        name: 'Prometheus',
        type: 'prometheus',
        isDefault: true,
        url: `http://${sharedHost('prometheus')}:${PORTS.prometheus}`,
        // An exemplar leads to its trace.
        jsonData: {
          timeInterval: '5s',
          exemplarTraceIdDestinations: [{ name: 'trace_id', datasourceUid: DATASOURCES.zipkin }],
        },
      },
      {
        ...base,
        uid: DATASOURCES.zipkin,
        name: 'Zipkin',
        type: 'zipkin',
        url: `http://${sharedHost('zipkin')}:${PORTS.zipkin}`,
      },
      {
        ...base,
        uid: DATASOURCES.alertmanager,
        name: 'Alertmanager',
        type: 'alertmanager',
        url: `http://${sharedHost('alertmanager')}:${PORTS.alertmanager}`,
        jsonData: { implementation: 'prometheus' },
      },
    ],
  })
}
