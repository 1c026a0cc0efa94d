import type { MovedRow } from '../metrics-moved.ts'
import { EXPECTATIONS } from './expectations.ts'

/**
 * What was measured otherwise than it is expected: a row that is missing or did not move, and one that moved in the
 * control group as well though nothing explains it.
 *
 * @param names disturbances that were carried out; absent: all of them
 * @returns one sentence each; empty: all is as expected
 */
export function unexpectedIn(rows: readonly MovedRow[], names?: readonly string[]): readonly string[] {
  return Object.entries(EXPECTATIONS).flatMap(([what, expected]) => {
    if ('in' in expected && names !== undefined && !names.includes(expected.in)) return []
    const row = rows.find(one => one.what === what)
    if (row === undefined) return [`${what}: was not looked at`]
    if ('unmoved' in expected) return 'unmoved' in row ? [] : [`${what}: nothing was to move it`]
    if ('unmoved' in row) return [`${what}: is taken for something that nothing moves`]
    const { experiment, control, lab } = row.changes
    return [
      ...(row.in === expected.in ? [] : [`${what}: was looked at in '${row.in}', not in '${expected.in}'`]),
      ...((experiment ?? lab)?.moved === true ? [] : [`${what}: did not move`]),
      ...(control?.moved === true && expected.shared === undefined
        ? [`${what}: moved in the control group as well`]
        : []),
    ]
  })
}
