import type { KubeConfig } from '@kubernetes/client-node'
import { MachineryError } from '../../platform/errors.ts'
import { DATABASE_NAME, type Group } from '../../platform/topology.ts'
import { execOutput } from './exec.ts'
import type { Database, LabReader } from './roles.ts'

/** Socket folder and superuser of the image `database`; the superuser has no way in over the network. */
const PSQL = [
  'psql',
  '--no-psqlrc',
  '--tuples-only',
  '--no-align',
  '--host',
  '/run/patroni',
  '--username',
  'postgres',
]

/** Reading all plays of a run must be over before somebody thinks it hangs. */
const QUERY_LIMIT_MS = 60_000

/** Asks the primary of a group from inside its pod. */
export function kubernetesDatabase(config: KubeConfig, lab: Pick<LabReader, 'view'>): Database {
  return {
    async column(group: Group, sql: string) {
      const { pods } = await lab.view()
      const primary = pods.find(
        pod => pod.group === group && pod.role === 'primary' && pod.ready && !pod.terminating,
      )
      if (primary === undefined) {
        throw new MachineryError(
          `Cannot ask the ${group} database: it has no ready primary`,
          "See its members with 'divergence status'.",
        )
      }
      const output = await execOutput(
        config,
        { namespace: primary.namespace, pod: primary.name, container: 'database' },
        [...PSQL, '--dbname', DATABASE_NAME, '--set', 'ON_ERROR_STOP=1', '--command', sql],
        QUERY_LIMIT_MS,
      )
      return output.split('\n').filter(line => line !== '')
    },
  }
}
