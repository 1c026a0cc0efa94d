import { type Group, PORTS } from '../topology.ts'
import { databaseClient } from './database-client.ts'
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
import { DATABASE_ROLES } from './secrets.ts'

const SERVICE = 'recommender'

/** The Flask service, one a zone, found by the gateways by its endpoints' own addresses. */
export function recommender(group: Group, input: RenderInput): readonly KubernetesObject[] {
  const { image, replicas, resources } = specOf(input.topology, SERVICE)
  const client = databaseClient(group, input, DATABASE_ROLES.recommender)
  const temporary = scratch('tmp', '/tmp', 16)
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(group, group, SERVICE),
      spec: {
        clusterIP: 'None',
        selector: selectorLabels(group, SERVICE),
        ports: [{ name: 'http', port: PORTS.recommender, protocol: 'TCP' }],
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
            terminationGracePeriodSeconds: 10,
            containers: [
              {
                name: SERVICE,
                image: imageReference(input.images, image),
                command: [
                  'gunicorn',
                  '-c',
                  'python:pipeline.recommender.gunicorn_conf',
                  'pipeline.recommender:create_app()',
                ],
                ...CONTAINER_DEFAULTS,
                resources: resourceRequirements(resources),
                env: [
                  env('GROUP', group),
                  env('RECOMMENDER_PORT', PORTS.recommender),
                  ...client.env,
                  envFromField('POD_NAME', 'metadata.name'),
                  envFromField('NODE_NAME', 'spec.nodeName'),
                ],
                ports: [{ name: 'http', containerPort: PORTS.recommender }],
                ...httpProbes({
                  port: PORTS.recommender,
                  readyPath: '/readyz',
                  alivePath: '/healthz',
                  startSeconds: 60,
                }),
                ...DRAIN_FIRST,
                volumeMounts: [client.mount, temporary.mount],
              },
            ],
            volumes: [client.volume, temporary.volume],
          },
        },
      },
    },
  ]
}
