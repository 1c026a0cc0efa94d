import { type Group, PORTS } from '../topology.ts'
import { databaseClient } from './database-client.ts'
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
import { DATABASE_ROLES } from './secrets.ts'
import { telemetryEnv } from './telemetry.ts'

const SERVICE = 'recommender'

/** The preStop, then 5 s for open requests (gunicorn_conf.py) and 2 s for the last spans and events, with some room. */
const STOP_SECONDS = 12

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
    deployment(group, group, SERVICE, {
      replicas,
      update: 'surge',
      pod: {
        ...inGroup(group),
        ...onePerZone(group, SERVICE, DEPLOYMENT_REVISION),
        ...QUICK_DNS,
      },
      stopSeconds: STOP_SECONDS,
      volumes: [client.volume, temporary.volume],
      program: {
        image: imageReference(input.images, image),
        command: [
          'gunicorn',
          '-c',
          'python:pipeline.recommender.gunicorn_conf',
          'pipeline.recommender:create_app()',
        ],
      },
      resources,
      container: {
        env: [
          env('GROUP', group),
          env('RECOMMENDER_PORT', PORTS.recommender),
          ...client.env,
          ...telemetryEnv(group, SERVICE, input, image),
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
    }),
  ]
}
