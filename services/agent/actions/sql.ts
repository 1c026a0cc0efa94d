import type { ActionDefinition } from './action.ts'

/** Sessions of the database's superuser that are in the way. Only for a container of Postgres. */
export type SqlSpec = {
  readonly action: 'sql'
  readonly mode: 'lock' | 'slow-queries' | 'connections'
  /** Table that is locked; only for lock. */
  readonly table?: string | undefined
  readonly sessions: number
}

export const sql: ActionDefinition<SqlSpec> = {
  action: 'sql',
  schema: undefined as never,
  on: ['container'],
  needs: () => [],
  begin: () => [],
  end: () => [],
  read: async () => ({}),
  finding: () => ({ proven: false, detail: 'not there yet' }),
}
