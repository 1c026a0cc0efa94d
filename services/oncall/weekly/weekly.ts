import type { OncallContext } from '../context.ts'
import type { RunDetail } from '../contract.ts'
import { alertFacts } from './alert-facts.ts'
import { attackWindows } from './attack-window.ts'
import { parseWeek, type Week, weekBefore, weekOf } from './iso-week.ts'
import type { ReportedRun, WeekReport } from './report.ts'
import { observedIn, sevFacts } from './sev-facts.ts'

/** An attack of the week before may still be why an alert fires in this one. */
const BEFORE_MS = 3_600_000

/**
 * The report of a week, counted from what is kept: the same facts give the same report, whenever it is asked for.
 *
 * @param name `2026-W47`, `current` or `last`
 * @throws UserError WEEK_UNKNOWN
 */
export async function weekReport(context: OncallContext, name: string): Promise<WeekReport> {
  const { policy, pool, runs } = context
  const nowMs = context.nowMs()
  const week = weekNamed(name, nowMs)
  const details = await runs.between(week.fromMs - BEFORE_MS, week.toMs, nowMs)
  const attacks = details.flatMap(attackWindows)
  const { sevs, reliability, spans } = await sevFacts(pool, policy, week, nowMs, attacks)
  const alerts = await alertFacts(pool, week, nowMs, attacks, spans, policy?.panels ?? {})
  const observed = await observedIn(pool, week.fromMs, week.toMs, nowMs)
  return {
    week: week.name,
    fromMs: week.fromMs,
    toMs: week.toMs,
    madeMs: nowMs,
    isPartial: nowMs < week.toMs,
    ...observed,
    ...alerts,
    sevs,
    reliability,
    runs: details.filter(({ openedMs }) => openedMs >= week.fromMs).map(reported),
  }
}

function weekNamed(name: string, nowMs: number): Week {
  if (name === 'current') return weekOf(nowMs)
  if (name === 'last') return weekBefore(weekOf(nowMs))
  return parseWeek(name)
}

function reported({ runId, name, level, openedMs, state, verdict, aborted }: RunDetail): ReportedRun {
  return { runId, name, level, openedMs, state, verdict, aborted }
}
