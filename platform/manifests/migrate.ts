import type { Group } from '../topology.ts'
import { databaseClient } from './database-client.ts'
import { type RenderInput, specOf } from './input.ts'
import { job } from './job.ts'
import type { KubernetesObject } from './object.ts'
import {
  basePod,
  CONTAINER_DEFAULTS,
  env,
  imageReference,
  inGroup,
  QUICK_DNS,
  resourceRequirements,
  scratch,
} from './pod.ts'
import { DATABASE_ROLES } from './secrets.ts'

const SERVICE = 'migrate'

/** It starts beside the database and waits for it that long. */
const LIMITS = { retries: 3, deadlineSeconds: 600 }

/** Brings the schema, the roles and their passwords to what the image knows. Another image is another Job. */
export function migrate(group: Group, input: RenderInput): readonly KubernetesObject[] {
  const { owner, recommender, ingest } = DATABASE_ROLES
  const client = databaseClient(group, input, owner, [recommender, ingest])
  const temporary = scratch('tmp', '/tmp', 16)
  return [
    job(
      group,
      SERVICE,
      {
        ...basePod(),
        ...inGroup(group),
        ...QUICK_DNS,
        serviceAccountName: SERVICE,
        restartPolicy: 'Never',
        containers: [
          {
            name: SERVICE,
            image: imageReference(input.images, specOf(input.topology, 'recommender').image),
            command: ['python', '-m', 'pipeline.migrate'],
            ...CONTAINER_DEFAULTS,
            resources: resourceRequirements(input.topology.migrate),
            env: [env('GROUP', group), env('MIGRATE_TIMEOUT_SECONDS', LIMITS.deadlineSeconds), ...client.env],
            volumeMounts: [client.mount, temporary.mount],
          },
        ],
        volumes: [client.volume, temporary.volume],
      },
      LIMITS,
    ),
  ]
}
