import { z } from 'zod'
import { DATABASE_NAME } from '../../../platform/topology.ts'
import {
  type ActionDefinition,
  ActionError,
  type ContainerTarget,
  type Reading,
  type Subject,
} from './action.ts'
import { containerOf } from './control-groups.ts'

/** Where a container of image `database` has the server's socket. */
const SOCKET_FOLDER = '/run/patroni'
/** An identifier, or schema.identifier, as nobody needs to quote it. */
const TABLE = /^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$/

/** Sessions of the database's superuser that are in the way. Only for a container of Postgres. */
export type SqlSpec = {
  readonly action: 'sql'
  /**
   * `lock`: nobody else can read or write the table. `slow-queries`: each session sorts without end, and spills to disk.
   * `connections`: takes what is free of `max_connections`, and again what gets free; the superuser's own are left.
   */
  readonly mode: 'lock' | 'slow-queries' | 'connections'
  /** Table that is locked; only for lock, where it must be. */
  readonly table?: string | undefined
  /** 1 to 1000; for lock exactly 1, as a second one would wait for the first. */
  readonly sessions: number
}

export const sql: ActionDefinition<SqlSpec> = {
  action: 'sql',
  schema: z
    .strictObject({
      action: z.literal('sql'),
      mode: z.enum(['lock', 'slow-queries', 'connections']),
      table: z.string().regex(TABLE, 'must be the name of a table').optional(),
      sessions: z.number().int().min(1).max(1000),
    })
    .refine(spec => (spec.mode === 'lock') === (spec.table !== undefined), {
      path: ['table'],
      message: 'must be given for lock, and for nothing else',
    })
    .refine(spec => spec.mode !== 'lock' || spec.sessions === 1, {
      path: ['sessions'],
      message: 'must be 1 for lock',
    }),
  on: ['container'],
  needs: () => [],
  begin: subject => [
    {
      do: 'start',
      program: 'sql-sessions',
      args: programArgs(subject, subject.spec.mode),
      readyText: 'in the way',
    },
  ],
  // Sessions end with the process that has them: idle ones and locks at once, a running query within a second.
  end: () => [{ do: 'stop' }],
  async read(subject, probe) {
    return JSON.parse(await probe.run('sql-sessions', programArgs(subject, 'count'))) as Reading
  },
  finding({ mode, sessions }, before, now) {
    const held = now.sessions ?? 0
    if (mode === 'lock') {
      return {
        proven: now.grantedLocks === 1,
        detail: `${now.grantedLocks} exclusive lock is held, ${now.waitingSessions} sessions wait for a lock`,
      }
    }
    if (mode === 'slow-queries') {
      return {
        proven: (now.runningQueries ?? 0) > 0 && held === sessions,
        detail: `${now.runningQueries} of ${held} sessions are at work`,
      }
    }
    return {
      // One more session watches.
      proven: held > 1 && (held - 1 >= sessions || (now.freeSlots ?? 1) <= 0),
      detail: `${held} sessions are held, ${now.freeSlots} of ${before.freeSlots} slots are free`,
    }
  },
}

function programArgs(subject: Subject<SqlSpec>, task: SqlSpec['mode'] | 'count'): readonly string[] {
  const target = containerOf(subject)
  const { sessions, table } = subject.spec
  return [
    task,
    socketFolder(target),
    String(target.userId),
    String(target.groupId),
    DATABASE_NAME,
    `divergence-${subject.id}`,
    String(Math.ceil(subject.durationSeconds)),
    String(sessions),
    ...(table === undefined ? [] : [table]),
  ]
}

function socketFolder({ pod, container, volumes }: ContainerTarget): string {
  const volume = Object.values(volumes).find(({ mountPath }) => mountPath === SOCKET_FOLDER)
  if (volume !== undefined) return volume.agentPath
  throw new ActionError(
    `Cannot open sessions in '${pod}/${container}': it is no database, it has no volume at ${SOCKET_FOLDER}`,
  )
}
