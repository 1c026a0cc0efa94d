import { type Group, PORTS, serviceHost } from '../topology.ts'
import { type RenderInput, specOf } from './input.ts'
import { type KubernetesObject, metadata, ownLabels, selectorLabels } from './object.ts'
import {
  basePod,
  CONTAINER_DEFAULTS,
  DEPLOYMENT_REVISION,
  DRAIN_FIRST,
  env,
  envFromField,
  httpProbes,
  imageReference,
  inGroup,
  onePerZone,
  QUICK_DNS,
  resourceRequirements,
  scratch,
} from './pod.ts'

const SERVICE = 'gateway'

/** Drain notice 1.5 s, open requests 5 s (services/gateway/config.ts) and the preStop before them, with some room. */
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
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadata(group, group, SERVICE),
      spec: {
        replicas,
        revisionHistoryLimit: 2,
        selector: { matchLabels: selectorLabels(group, SERVICE) },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: {
          metadata: { labels: ownLabels(group, SERVICE) },
          spec: {
            ...basePod(),
            ...inGroup(group),
            ...onePerZone(group, SERVICE, DEPLOYMENT_REVISION),
            ...QUICK_DNS,
            serviceAccountName: SERVICE,
            terminationGracePeriodSeconds: STOP_SECONDS,
            containers: [
              {
                name: SERVICE,
                image: imageReference(input.images, image),
                workingDir: '/app',
                command: [
                  'node',
                  `--max-old-space-size=${Math.floor(resources.memoryLimitMiB * HEAP_SHARE)}`,
                  'services/gateway/main.ts',
                ],
                ...CONTAINER_DEFAULTS,
                resources: resourceRequirements(resources),
                env: [
                  env('GW_UPSTREAM_HOST', serviceHost(group, 'recommender')),
                  env('GROUP', group),
                  envFromField('POD_NAME', 'metadata.name'),
                  envFromField('NODE_NAME', 'spec.nodeName'),
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
            ],
            volumes: [temporary.volume],
          },
        },
      },
    },
  ]
}
