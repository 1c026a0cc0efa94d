import { type Problem, part, type YamlSource } from './experiment-file.ts'
import { type AnyFault, faultSchema } from './faults/catalogue.ts'
import { conflicts, scheduleOf } from './faults/overlap.ts'

/**
 * What is wrong between the faults of a file: an end beyond the attack, two that cannot be combined, one that comes after
 * nothing. Silent where a fault is wrong by itself, which is told elsewhere.
 *
 * @param source a document with a list `faults`
 * @param holdSeconds length of the attack; infinite where the faults alone tell how long it is
 */
export function timeLineProblems(source: YamlSource, holdSeconds: number): readonly Problem[] {
  const written = source.get(['faults'])
  const count = Array.isArray(written) ? written.length : 0
  const parts = Array.from({ length: count }, (_, index) => part(faultSchema, source, ['faults', index]))
  const faults: AnyFault[] = parts.filter(fault => fault !== undefined)
  // Where one of them is wrong by itself, nobody knows when the others begin.
  if (faults.length < count) return []
  const schedule = scheduleOf(faults)
  const path = (index: number) => ['faults', index, 'offsetSeconds']
  const tooLong = schedule.flatMap(({ endSeconds }, index) =>
    endSeconds <= holdSeconds
      ? []
      : [
          source.problem(
            path(index),
            `the fault ends ${endSeconds} s after the attack began, but holdSeconds is ${holdSeconds}; allowed: offsetSeconds + durationSeconds at most ${holdSeconds}`,
          ),
        ],
  )
  const during = ({ beginSeconds, endSeconds } = { beginSeconds: 0, endSeconds: 0 }) =>
    beginSeconds === endSeconds ? `at ${beginSeconds} s` : `from ${beginSeconds} to ${endSeconds} s`
  const overlapping = conflicts(faults).map(({ first: one, second: other }) =>
    source.problem(
      path(other),
      `${faults[other]?.kind} ${during(schedule[other])} may hit what ${faults[one]?.kind} (faults[${one}]) hits ${during(schedule[one])}, and the two cannot be combined; allowed: another time, service or zone`,
    ),
  )
  const alone =
    faults[0]?.after === 'previous'
      ? [source.problem(['faults', 0, 'after'], 'no fault stands before it; allowed: leave it out')]
      : []
  return [...tooLong, ...alone, ...overlapping]
}
