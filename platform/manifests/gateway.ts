import { type Group, PORTS, serviceHost } from '../topology.ts'
import { deployment } from './deployment.ts'
import { type RenderInput, specOf } from './input.ts'
import { type KubernetesObject, metadata, selectorLabels } from './object.ts'
import {
  DEPLOYMENT_REVISION,
  DRAIN_FIRST,
  env,
  httpProbes,
  imageReference,
  inGroup,
  onePerZone,
  QUICK_DNS,
  scratch,
} from './pod.ts'
import { telemetryEnv } from './telemetry.ts'

const SERVICE = 'gateway'

/**
 * The preStop, then drain notice 1.5 s and open requests 5 s (services/gateway/config.ts), then 2 s for the last spans and
 * events (instrumentation/shutdown.ts), with some room.
 */
const STOP_SECONDS = 12

/** Share of the memory limit that is V8's heap; buffers, code and stacks are outside it. */
const HEAP_SHARE = 0.6

/** The only door to the recommender: three Express processes, one a zone. */
export function gateway(group: Group, input: RenderInput): readonly KubernetesObject[] {
  const { image, replicas, resources } = specOf(input.topology, SERVICE)
  const temporary = scratch('tmp', '/tmp', 16)
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(group, group, SERVICE),
      // Headless: the edge knows every gateway by its own address and checks each itself.
      spec: {
        clusterIP: 'None',
        selector: selectorLabels(group, SERVICE),
        ports: [{ name: 'http', port: PORTS.gateway, protocol: 'TCP' }],
      },
    },
    deployment(group, group, SERVICE, {
      replicas,
      update: 'surge',
      pod: {
        ...inGroup(group),
        ...onePerZone(group, SERVICE, DEPLOYMENT_REVISION),
        ...QUICK_DNS,
      },
      stopSeconds: STOP_SECONDS,
      volumes: [temporary.volume],
      program: {
        image: imageReference(input.images, image),
        workingDir: '/app',
        command: [
          'node',
          `--max-old-space-size=${Math.floor(resources.memoryLimitMiB * HEAP_SHARE)}`,
          '--import',
          './instrumentation/register.ts',
          'services/gateway/main.ts',
        ],
      },
      resources,
      container: {
        env: [
          env('GW_UPSTREAM_HOST', serviceHost(group, 'recommender')),
          env('GROUP', group),
          ...telemetryEnv(group, SERVICE, input, image),
          // It makes its spans itself: instrumenting node:http would work for every request, sampled or not.
          env('OTEL_NODE_ENABLED_INSTRUMENTATIONS', 'none'),
        ],
        ports: [
          { name: 'http', containerPort: PORTS.gateway },
          { name: 'metrics', containerPort: PORTS.gatewayMetrics },
        ],
        ...httpProbes({
          port: PORTS.gateway,
          readyPath: '/readyz',
          alivePath: '/healthz',
          startSeconds: 60,
        }),
        ...DRAIN_FIRST,
        volumeMounts: [temporary.mount],
      },
    }),
  ]
}
