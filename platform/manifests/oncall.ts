import { FORWARDED_PORTS, PORTS, SHARED_GROUP, SHARED_NAMESPACE, sharedHost } from '../topology.ts'
import { dashboardVolume } from './dashboards.ts'
import { deployment } from './deployment.ts'
import type { RenderInput } from './input.ts'
import type { KubernetesObject } from './object.ts'
import { configAnnotation, configMap, metadata } from './object.ts'
import { ONCALL_DATABASE } from './oncall-database.ts'
import {
  env,
  envFromSecret,
  httpProbes,
  imageReference,
  outsideTheGroups,
  QUICK_DNS,
  scratch,
} from './pod.ts'
import { RESEND_SECONDS } from './prometheus.ts'
import { SCRAPE_SECONDS } from './prometheus-config.ts'
import { EVENT_KEY, EVENT_SECRET, ONCALL_KEYS, ONCALL_SECRET } from './secrets.ts'
import { sharedService } from './shared-service.ts'
import { tracesEnv } from './telemetry.ts'

const SERVICE = 'oncall'
const SECRETS = '/etc/oncall/secrets'
const DASHBOARDS = '/etc/oncall/dashboards'
const POLICY = { name: 'oncall-policy', folder: '/etc/oncall/policy', file: 'policy.json' }

/**
 * Share of the memory limit that is V8's heap. Outside it are buffers, code and stacks: 120 MiB once the instrumentation of
 * packages is loaded.
 */
const HEAP_SHARE = 0.5

/** Alerts and incidents, error events, runs and the console. */
export function oncall(input: RenderInput): readonly KubernetesObject[] {
  const temporary = scratch('tmp', '/tmp', 16)
  const resources = input.topology.shared[SERVICE]
  const dashboards = dashboardVolume(input)
  const { policy } = input.observability
  const policyFiles: Record<string, string> = policy === undefined ? {} : { [POLICY.file]: policy }
  const hasPolicy = policy !== undefined
  return [
    ...(hasPolicy
      ? [configMap(metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, POLICY.name), policyFiles)]
      : []),
    sharedService(input, SERVICE, PORTS.oncall, FORWARDED_PORTS.oncall),
    deployment(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, {
      replicas: 1,
      // Two would count what Prometheus tells twice.
      update: 'recreate',
      annotations: configAnnotation({ ...input.observability.dashboards, ...policyFiles }),
      pod: { ...outsideTheGroups(), ...QUICK_DNS, automountServiceAccountToken: true },
      // Open requests 8 s (services/oncall/oncall.ts), then 2 s for the last spans, with some room.
      stopSeconds: 15,
      volumes: [
        {
          name: 'secrets',
          secret: {
            secretName: ONCALL_SECRET,
            defaultMode: 0o440,
            items: Object.values(ONCALL_KEYS).map(key => ({ key, path: key })),
          },
        },
        dashboards,
        ...(hasPolicy ? [{ name: 'policy', configMap: { name: POLICY.name } }] : []),
        temporary.volume,
      ],
      program: {
        image: imageReference(input.images, 'services'),
        workingDir: '/app',
        command: [
          'node',
          `--max-old-space-size=${Math.floor(resources.memoryLimitMiB * HEAP_SHARE)}`,
          '--import',
          './instrumentation/register.ts',
          'services/oncall/main.ts',
        ],
      },
      resources,
      container: {
        env: [
          env('OC_DATABASE_HOST', sharedHost('oncall-database')),
          env('OC_DATABASE_PORT', PORTS.oncallDatabase),
          env('OC_DATABASE_NAME', ONCALL_DATABASE),
          env('OC_DATABASE_USER', ONCALL_DATABASE),
          env('OC_SECRETS_DIR', SECRETS),
          envFromSecret('OC_EVENT_KEY', EVENT_SECRET, EVENT_KEY),
          env('OC_PROMETHEUS_URL', `http://${sharedHost('prometheus')}:${PORTS.prometheus}`),
          env('OC_DASHBOARDS_DIR', DASHBOARDS),
          ...(hasPolicy ? [env('OC_POLICY_FILE', `${POLICY.folder}/${POLICY.file}`)] : []),
          env('OC_EVALUATION_SECONDS', SCRAPE_SECONDS),
          env('OC_RESEND_SECONDS', RESEND_SECONDS),
          // No SENTRY_DSN: events come here, and an oncall that fails could not take the one about itself. Its log has them.
          ...tracesEnv(SHARED_GROUP, SERVICE, input, 'services'),
          env('OTEL_NODE_ENABLED_INSTRUMENTATIONS', 'http,express,pg'),
          ...(input.facts.kind === 'local'
            ? [
                env('OC_ZIPKIN_URL', `http://127.0.0.1:${FORWARDED_PORTS.zipkin}`),
                env('OC_PUBLIC_URL', `http://127.0.0.1:${FORWARDED_PORTS.oncall}`),
              ]
            : []),
        ],
        ports: [{ name: 'http', containerPort: PORTS.oncall }],
        ...httpProbes({ port: PORTS.oncall, readyPath: '/readyz', alivePath: '/healthz', startSeconds: 120 }),
        volumeMounts: [
          { name: 'secrets', mountPath: SECRETS, readOnly: true },
          { name: dashboards.name, mountPath: DASHBOARDS, readOnly: true },
          ...(hasPolicy ? [{ name: 'policy', mountPath: POLICY.folder, readOnly: true }] : []),
          temporary.mount,
        ],
      },
    }),
  ]
}
