/**
 * Cliff's delta: how much likelier a value of the experiment is above one of the control than below it. For latencies 1
 * says that every value of the experiment is slower than every one of the control, 0 that neither side is, -1 the reverse.
 *
 *   delta = P(X > Y) - P(X < Y), X from `experiment`, Y from `control`
 *
 * @param control any unit; null: no value
 * @param experiment the unit of `control`
 * @returns in [-1, 1]; null when a group has no values
 * @see Cliff 1993, Psychological Bulletin 114(3), 494-509
 */
export function cliffsDelta(
  control: readonly (number | null)[],
  experiment: readonly (number | null)[],
): number | null {
  const ys = control.filter(value => value !== null)
  const xs = experiment.filter(value => value !== null)
  if (xs.length === 0 || ys.length === 0) return null
  let above = 0
  for (const x of xs) for (const y of ys) above += Math.sign(x - y)
  return above / (xs.length * ys.length)
}
