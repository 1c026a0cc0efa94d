import { GROUPS, type Group } from '../topology.ts'
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
} as const

/** Key of the password that guards Patroni's own commands. */
export const PATRONI_API_KEY = 'patroni-api'

/**
 * A Secret whose values are made at random in the cluster when they are missing, and never again.
 * The values are in no manifest, no log and no file.
 */
export type GeneratedSecret = {
  readonly metadata: Metadata
  readonly keys: readonly string[]
}

export function generatedSecrets(): readonly GeneratedSecret[] {
  return GROUPS.map(databaseSecret)
}

function databaseSecret(group: Group): GeneratedSecret {
  return {
    metadata: metadata(group, group, 'database', DATABASE_SECRET),
    keys: [...Object.values(DATABASE_ROLES), PATRONI_API_KEY],
  }
}
