import { expectedFactor } from '../../load/surge.ts'
import { GROUPS } from '../../platform/topology.ts'
import type { JudgeInput } from '../journal-entry.ts'
import type { Phase, Sample } from '../measurement/sample.ts'
import { type Cells, type Comparison, QUANTILES } from './estimate.ts'
import { at, total } from './seconds.ts'
import { ALPHA, type Assessment, harmMargin, Z_ONE_SIDED } from './signals.ts'
import type { SignalSpec, ValidityCheck } from './verdict.ts'
import { count, percent, plural, SIGNAL_LABELS, seconds, signalEffect, signalMargin } from './wording.ts'

/** Fewest seconds in a phase: below it a block bootstrap has too few blocks to draw from. */
export const FEWEST_SECONDS = 20
/** Fewest requests expected beyond a quantile in each phase, so that it is more than the luck of a few. */
const FEWEST_BEYOND = 10
/** Largest share of seconds without a request in a group. */
const MOST_SILENT = 0.02
/** Largest distance of the experiment's share of all requests from the scheduled one: one half, but for a surge. */
const MOST_UNEVEN = 0.01
/** Smallest share of the scheduled load that has to have been sent. */
const LEAST_SENT = 0.95
/** At the edge of a phase a request falls to this side or the other. */
const EDGE_REQUESTS = 1
/** Largest share of the generator's requests whose sample may be missing (or surplus). */
const MOST_LOST = 0.005
/** Smallest success ratio in the baseline that deserves the name of a steady state. */
const LEAST_HEALTHY = 0.9
/** How far the trimmed phases may reach over the edges of the fault, milliseconds. */
const EDGE_SLACK_MS = 1000

/** A check and what its failure makes of the run: `invalid` it cannot be trusted, `inconclusive` it says too little. */
export type Check = ValidityCheck & { readonly failure: 'invalid' | 'inconclusive' }

/** Every reason for which a run may not be believed. None of them is about how the system did. */
export function validityChecks(
  samples: readonly Sample[],
  input: JudgeInput,
  cells: Cells,
  assessments: readonly Assessment[],
): readonly Check[] {
  return [
    enoughData(input, cells),
    generatorKeptUp(input),
    samplesComplete(samples, input),
    noSilentSeconds(input, cells),
    scheduledLoad(input, cells),
    equalLoad(samples, input, cells),
    clocksAgree(input),
    healthyBefore(cells),
    controlKeptWrites(input),
    unmoved('groups alike before the attack', 'offset', 'the experiment against the control', assessments),
    unmoved(
      'control group undisturbed',
      'drift',
      "the control's attack phase against its baseline",
      assessments,
    ),
    ...input.faults.map(({ kind, targets, effect }) => ({
      check: `fault took effect: ${kind}`,
      ok: effect.proven && targets.length > 0,
      detail: targets.length > 0 ? `${targets.join(', ')}: ${effect.detail}` : 'it had no target',
      // What was called off had no time to be proven; if it did harm, that is its effect.
      failure: input.aborted && targets.length > 0 ? ('inconclusive' as const) : ('invalid' as const),
    })),
  ]
}

function enoughData(input: JudgeInput, cells: Cells): Check {
  const primary = input.signals.filter(signal => signal.primary)
  const fewest = Math.max(...primary.map(fewestRequests))
  const all = entries(cells)
  const requests = Math.min(...all.map(({ cell }) => total(cell.requests)))
  const length = Math.min(...all.map(({ cell }) => cell.count))
  return {
    check: 'enough data',
    ok: primary.length > 0 && requests >= fewest && length >= FEWEST_SECONDS,
    detail:
      primary.length === 0
        ? 'no signal is primary, so nothing can decide'
        : `the smallest of the phases and groups has ${plural(requests, 'request')} in ${length} s; the margins need ${count(fewest)}, in at least ${FEWEST_SECONDS} s`,
    failure: 'inconclusive',
  }
}

/**
 * Fewest requests in each phase and group with which a signal could be placed inside its margin at all. For the
 * success ratio: so many that the score interval of no failure anywhere, in the experiment's attack and the
 * control's baseline, stays within the margin; z^2 (sqrt(2) / margin - 1). For a quantile: `FEWEST_BEYOND` beyond it.
 */
export function fewestRequests({ name, margin }: SignalSpec): number {
  if (name !== 'success_ratio') return Math.ceil(FEWEST_BEYOND / (1 - QUANTILES[name]) - 1e-9)
  return Math.ceil(Z_ONE_SIDED ** 2 * (Math.SQRT2 / margin - 1))
}

function generatorKeptUp({ load }: JudgeInput): Check {
  const ok = load.droppedIterations === 0
  return {
    check: 'load generator kept up',
    ok,
    detail: ok
      ? 'every scheduled request was sent'
      : `${plural(load.droppedIterations, 'scheduled request')} never sent: the generator was the bottleneck`,
    failure: 'invalid',
  }
}

function samplesComplete(samples: readonly Sample[], { load }: JudgeInput): Check {
  const found = { control: 0, experiment: 0 }
  for (const { group } of samples) found[group]++
  const worst = Math.max(
    ...GROUPS.map(group => Math.abs(found[group] - load.requests[group]) / load.requests[group]),
  )
  const text = GROUPS.map(group => `${group} ${count(found[group])} of ${count(load.requests[group])}`)
  // A generator that counted nothing gives 0 / 0 or n / 0: neither is at most the limit.
  return {
    check: 'samples complete',
    ok: worst <= MOST_LOST,
    detail: `samples of requests sent: ${text.join(', ')}`,
    failure: 'invalid',
  }
}

function noSilentSeconds({ phases }: JudgeInput, cells: Cells): Check {
  const silent = entries(cells).map(({ name, phase, cell }) => {
    // What is left at the end of a phase may be too short for any request.
    const whole = Math.max(1, Math.floor(lengthOf(phases[phase])))
    const empty = cell.requests.slice(0, whole).filter(requests => requests === 0).length
    return { name, empty, count: cell.count }
  })
  const bad = silent.filter(({ empty, count: length }) => empty > MOST_SILENT * length)
  const sum = silent.reduce((all, { empty }) => all + empty, 0)
  return {
    check: 'no silent seconds',
    ok: bad.length === 0,
    detail:
      bad.length > 0
        ? bad
            .map(({ name, empty, count: length }) => `${name}: nothing sent in ${empty} of ${length} s`)
            .join('; ')
        : `${plural(sum, 'second')} without a request`,
    failure: 'invalid',
  }
}

function scheduledLoad({ load, phases }: JudgeInput, cells: Cells): Check {
  const rates = entries(cells).map(({ name, phase, cell }) => {
    // Not by whole seconds: of a short phase the last one, which is rarely whole, is much.
    const length = lengthOf(phases[phase])
    return {
      name,
      rate: length > 0 ? total(cell.requests) / length : 0,
      edge: length > 0 ? EDGE_REQUESTS / length : 0,
    }
  })
  const slowest = rates.reduce((one, other) => (other.rate < one.rate ? other : one))
  return {
    check: 'load as scheduled',
    ok: slowest.rate > 0 && slowest.rate + slowest.edge >= LEAST_SENT * load.targetRate,
    detail: `least: ${slowest.rate.toFixed(1)} requests/s in the ${slowest.name}, ${load.targetRate} scheduled`,
    failure: 'invalid',
  }
}

function equalLoad(samples: readonly Sample[], { load, phases }: JudgeInput, cells: Cells): Check {
  const surges = load.surges ?? []
  // The generator's zero, on which the windows of the surges hang.
  const zeroMs = samples.reduce((first, { startMs }) => Math.min(first, startMs), Number.POSITIVE_INFINITY)
  const shares = (['baseline', 'attack'] as const).map(phase => {
    const experiment = total(cells[phase].experiment.requests)
    const all = experiment + total(cells[phase].control.requests)
    const { startMs, endMs } = phases[phase]
    const factor = expectedFactor(surges, (startMs - zeroMs) / 1000, (endMs - zeroMs) / 1000)
    return { phase, all, share: all === 0 ? 0 : experiment / all, scheduled: factor / (factor + 1) }
  })
  const text = shares.map(
    ({ phase, share, scheduled }) =>
      `${phase} ${percent(share)}${surges.length === 0 ? '' : ` of ${percent(scheduled)} scheduled`}`,
  )
  return {
    check: surges.length === 0 ? 'equal load on both groups' : 'equal load on both groups, but for the surge',
    ok: shares.every(
      ({ all, share, scheduled }) =>
        Math.abs(share - scheduled) <= Math.max(MOST_UNEVEN, EDGE_REQUESTS / all),
    ),
    detail: `share of the experiment: ${text.join(', ')}`,
    failure: 'invalid',
  }
}

function clocksAgree({ clockOffsetMs, phases, fault }: JudgeInput): Check {
  const known = Number.isFinite(clockOffsetMs)
  const beginMs = fault.beginMs + clockOffsetMs
  const ordered =
    phases.baseline.endMs <= beginMs + EDGE_SLACK_MS &&
    phases.attack.startMs >= beginMs - EDGE_SLACK_MS &&
    phases.baseline.endMs <= phases.attack.startMs &&
    phases.attack.endMs <= phases.recovery.startMs
  return {
    check: 'clocks and phases agree',
    ok: known && ordered,
    detail: known
      ? `the generator's clock is ${seconds(clockOffsetMs / 1000)} ahead of the runner's; the fault ${ordered ? 'lies between baseline and attack' : 'does not lie between baseline and attack'}`
      : 'the offset between the clocks of the generator and the runner is unknown',
    failure: 'invalid',
  }
}

function healthyBefore({ baseline }: Cells): Check {
  const ratios = GROUPS.map(group => {
    const requests = total(baseline[group].requests)
    return { group, ratio: requests === 0 ? 0 : 1 - total(baseline[group].failures) / requests }
  })
  return {
    check: 'healthy before the attack',
    ok: ratios.every(({ ratio }) => ratio >= LEAST_HEALTHY),
    detail: `success ratio in the baseline: ${ratios.map(({ group, ratio }) => `${group} ${percent(ratio)}`).join(', ')}`,
    failure: 'invalid',
  }
}

function controlKeptWrites({ writes }: JudgeInput): Check {
  const { acknowledged, lost } = writes.control
  return {
    check: 'control group kept its writes',
    ok: lost === 0,
    detail:
      acknowledged === 0 && lost === 0
        ? 'no write was acknowledged, so none could be lost'
        : `${count(lost)} of ${plural(acknowledged, 'acknowledged write')} lost`,
    failure: 'invalid',
  }
}

/** Fails when a comparison that ought to show nothing is beyond a primary signal's margin, either way, with confidence. */
function unmoved(
  check: string,
  comparison: Comparison,
  what: string,
  assessments: readonly Assessment[],
): Check {
  const moves = assessments.flatMap(({ spec, estimate }) => {
    if (!spec.primary || estimate === null) return []
    const { low, high } = estimate.interval(comparison, ALPHA)
    const margin = harmMargin(spec)
    const harm = estimate.harm[comparison]
    const known = Number.isFinite(harm.low) ? harm.low : harm.high
    const change = spec.name === 'success_ratio' ? 0 - known : Math.exp(known)
    const text = Number.isFinite(change) ? signalEffect(spec.name, change) : 'unknown'
    return [
      {
        moved: low > margin || high < -margin,
        text: `${SIGNAL_LABELS[spec.name]} ${text} (margin ${signalMargin(spec.name, spec.margin)})`,
      },
    ]
  })
  const moved = moves.filter(one => one.moved)
  const shown = moved.length > 0 ? moved : moves
  return {
    check,
    ok: moved.length === 0,
    detail: `${what}: ${shown.length > 0 ? shown.map(({ text }) => text).join(', ') : 'no data'}`,
    failure: 'invalid',
  }
}

/** Seconds. */
function lengthOf({ startMs, endMs }: Phase): number {
  return (endMs - startMs) / 1000
}

function entries(cells: Cells) {
  return (['baseline', 'attack'] as const).flatMap(phase =>
    GROUPS.map(group => ({ name: `${phase} of the ${group} group`, phase, cell: cells[phase][group] })),
  )
}

/** Seconds of the attack in which the experiment lost requests, and how many it lost. */
export function lostRequests({ attack }: Cells): { control: number; experiment: number; seconds: number } {
  const failing = attack.experiment.failures.reduce(
    (sum, _, second) => sum + (at(attack.experiment.failures, second) > 0 ? 1 : 0),
    0,
  )
  return {
    control: total(attack.control.failures),
    experiment: total(attack.experiment.failures),
    seconds: failing,
  }
}
