import type { AttackState, ConsoleReads } from '../../contract.ts'

/** Clocks of services and runner may differ by this; milliseconds. */
const CLOCKS_MS = 2_000
/** What an attack breaks may be told this long after its end: time-outs run out, connections are made anew. */
const AFTERMATH_MS = 30_000
/** Runs that are looked through. */
const MOST_RUNS = 100

/** Attacks that were on, or just over, when something happened. */
export async function attacksAt(
  reads: Pick<ConsoleReads, 'run' | 'runs'>,
  atMs: number,
): Promise<readonly AttackState[]> {
  const runs = (await reads.runs(MOST_RUNS)).filter(
    ({ openedMs, endedMs }) => openedMs <= atMs + CLOCKS_MS && atMs <= (endedMs ?? atMs) + AFTERMATH_MS,
  )
  const details = await Promise.all(runs.map(({ runId }) => reads.run(runId)))
  return details.flatMap(run => run?.attacks ?? []).filter(attack => wasOn(attack, atMs))
}

export function wasOn({ beginMs, endMs }: Pick<AttackState, 'beginMs' | 'endMs'>, atMs: number): boolean {
  return beginMs - CLOCKS_MS <= atMs && (endMs === null || atMs <= endMs + AFTERMATH_MS)
}
