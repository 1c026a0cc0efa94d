import { MachineryError } from '../platform/errors.ts'
import { GROUPS, TOPOLOGY } from '../platform/topology.ts'
import type { Clock, Database, LabReader } from './lab/roles.ts'
import { type LabView, primaryZone } from './lab/view.ts'

export type PreflightCheck = { readonly check: string; readonly ok: boolean; readonly detail: string }

/** Between two looks at a lab that is not ready yet. */
const LOOK_EVERY_MS = 2_000

const SYNC_STANDBYS =
  "SELECT application_name FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
const SONGS = 'SELECT count(*) FROM songs'

/**
 * Waits until both groups are whole: an experiment on a lab that limps would measure the limp.
 *
 * @param withinMs how long the lab may take
 * @returns the checks, all of them ok
 * @throws MachineryError naming every check that is not
 */
export async function preflight(
  lab: Pick<LabReader, 'view'>,
  database: Database,
  clock: Clock,
  withinMs: number,
  signal: AbortSignal,
): Promise<readonly PreflightCheck[]> {
  const untilMs = clock.nowMs() + withinMs
  for (;;) {
    const checks = await look(lab, database)
    const failed = checks.filter(check => !check.ok)
    if (failed.length === 0) return checks
    if (clock.nowMs() >= untilMs) {
      throw new MachineryError(
        `Cannot start the experiment: the lab is not ready after ${withinMs / 1000} s: ${failed.map(({ check, detail }) => `${check} (${detail})`).join('; ')}`,
        "Bring it up with 'divergence up' and look at it with 'divergence status'.",
      )
    }
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
}

async function look(lab: Pick<LabReader, 'view'>, database: Database): Promise<PreflightCheck[]> {
  const view = await lab.view()
  const atDatabases = await Promise.all(
    GROUPS.map(async (group): Promise<PreflightCheck[]> => {
      // Without a primary there is nobody to ask, and another check says so.
      if (primaryZone(group, view) === null) return []
      const [standbys, songs] = await Promise.all([
        ask(() => database.column(group, SYNC_STANDBYS)),
        ask(() => database.column(group, SONGS)),
      ])
      const songCount = Number(songs.rows[0] ?? 0)
      return [
        {
          check: `${group} database has a synchronous standby`,
          ok: standbys.rows.length > 0,
          detail: standbys.error ?? (standbys.rows.join(', ') || 'none'),
        },
        { check: `${group} has songs`, ok: songCount > 0, detail: songs.error ?? `${songCount} songs` },
      ]
    }),
  )
  return [...viewChecks(view), ...atDatabases.flat()]
}

async function ask(
  query: () => Promise<readonly string[]>,
): Promise<{ rows: readonly string[]; error?: string }> {
  try {
    return { rows: await query() }
  } catch (error) {
    return { rows: [], error: error instanceof Error ? error.message : String(error) }
  }
}

/** What the API server alone can tell. Pure. */
export function viewChecks(view: LabView): PreflightCheck[] {
  const notReady = view.nodes.filter(node => !node.ready || node.cordoned).map(node => node.name)
  return [
    {
      check: 'nodes ready',
      ok: view.nodes.length > 0 && notReady.length === 0,
      detail: notReady.length === 0 ? `${view.nodes.length} nodes` : `not ready: ${notReady.join(', ')}`,
    },
    ...GROUPS.flatMap(group =>
      TOPOLOGY.services.map(({ service, replicas }): PreflightCheck => {
        const ready = view.pods.filter(
          pod => pod.group === group && pod.service === service && pod.ready && !pod.terminating,
        ).length
        return {
          check: `${group} ${service} ready`,
          ok: ready >= replicas,
          detail: `${ready} of ${replicas} pods`,
        }
      }),
    ),
    ...GROUPS.map((group): PreflightCheck => {
      const zone = primaryZone(group, view)
      return {
        check: `${group} database has a primary`,
        ok: zone !== null,
        detail: zone === null ? 'none' : `in zone ${zone}`,
      }
    }),
    {
      check: 'no load from another run',
      ok: view.loadJobs.length === 0,
      detail: view.loadJobs.length === 0 ? 'none' : view.loadJobs.join(', '),
    },
  ]
}
