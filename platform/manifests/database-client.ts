import type { V1EnvVar, V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import { DATABASE_NAME, type Group, PORTS } from '../topology.ts'
import { databaseHosts } from './database.ts'
import { type RenderInput, specOf } from './input.ts'
import { env } from './pod.ts'
import { DATABASE_SECRET } from './secrets.ts'

const FOLDER = '/etc/database'
const VOLUME = 'database-passwords'

/** What a client of the database needs in its pod: where it is, who it is, and its password in a file of its own. */
export type DatabaseClient = {
  readonly env: V1EnvVar[]
  readonly volume: V1Volume
  readonly mount: V1VolumeMount
}

/**
 * @param role database role, whose password the pod is given
 * @param others further roles whose passwords it is given: the migration sets them
 */
export function databaseClient(
  group: Group,
  input: RenderInput,
  role: string,
  others: readonly string[] = [],
): DatabaseClient {
  const { replicas } = specOf(input.topology, 'database')
  return {
    env: [
      env('DATABASE_HOSTS', databaseHosts(group, replicas).join(',')),
      env('DATABASE_PORT', PORTS.database),
      env('DATABASE_NAME', DATABASE_NAME),
      env('DATABASE_USER', role),
      env('DATABASE_PASSWORD_FILE', passwordFile(role)),
      ...others.map(other => env(`${other.toUpperCase()}_PASSWORD_FILE`, passwordFile(other))),
    ],
    volume: {
      name: VOLUME,
      secret: {
        secretName: DATABASE_SECRET,
        // Read by the pod's group, which is its own.
        defaultMode: 0o440,
        items: [role, ...others].map(key => ({ key, path: key })),
      },
    },
    mount: { name: VOLUME, mountPath: FOLDER, readOnly: true },
  }
}

function passwordFile(role: string): string {
  return `${FOLDER}/${role}`
}
