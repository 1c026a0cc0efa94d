import { GROUPS, type Group, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import { type Metadata, metadata } from './object.ts'

/** Name of the Secret that holds the database's passwords, in each group's namespace. */
export const DATABASE_SECRET = 'database-passwords'

/** Roles of the database; each name is its key in the Secret as well. */
export const DATABASE_ROLES = {
  /** May do anything; used by Patroni alone. */
  superuser: 'postgres',
  /** Streams the log to standbys. */
  replication: 'replicator',
  /** Brings a former primary back behind the new one. */
  rewind: 'rewinder',
  /** Owns the schema; used by the migration Job. */
  owner: 'owner',
  /** Reads the catalogue, writes listening events. */
  recommender: 'recommender',
  /** Writes the catalogue. */
  ingest: 'ingest',
  /** Reads statistics, for the exporter beside each member. */
  monitor: 'monitor',
} as const

/** Key of the password that guards Patroni's own commands. */
export const PATRONI_API_KEY = 'patroni-api'

/** Name of the Secret that holds what opens the doors of oncall, in the shared namespace. */
export const ONCALL_SECRET = 'oncall-tokens'

/** Its keys; services/oncall/config.ts tells what each is for. */
export const ONCALL_KEYS = {
  database: 'database',
  recorder: 'recorder',
  runner: 'runner',
  console: 'console',
  session: 'session',
} as const

/** Name of the Secret with the public key under which programs send error events, the same in every namespace. */
export const EVENT_SECRET = 'event-key'
export const EVENT_KEY = 'key'

/**
 * A Secret whose values are made at random in the cluster when they are missing, and never again.
 * The values are in no manifest, no log and no file.
 */
export type GeneratedSecret = {
  readonly metadata: Metadata
  readonly keys: readonly string[]
  /** Secrets of other namespaces that hold the same values. */
  readonly copies: readonly Metadata[]
}

export function generatedSecrets(): readonly GeneratedSecret[] {
  return [...GROUPS.map(databaseSecret), oncallSecret(), eventSecret()]
}

function databaseSecret(group: Group): GeneratedSecret {
  return {
    metadata: metadata(group, group, 'database', DATABASE_SECRET),
    keys: [...Object.values(DATABASE_ROLES), PATRONI_API_KEY],
    copies: [],
  }
}

function oncallSecret(): GeneratedSecret {
  return {
    metadata: metadata(SHARED_GROUP, SHARED_NAMESPACE, 'oncall', ONCALL_SECRET),
    keys: Object.values(ONCALL_KEYS),
    copies: [],
  }
}

function eventSecret(): GeneratedSecret {
  return {
    metadata: metadata(SHARED_GROUP, SHARED_NAMESPACE, 'oncall', EVENT_SECRET),
    keys: [EVENT_KEY],
    copies: GROUPS.map(group => metadata(group, group, 'oncall', EVENT_SECRET)),
  }
}
