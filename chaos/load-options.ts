import { DEFAULT_RATES } from '../load/ramp.ts'
import type { Flag } from '../platform/command-line.ts'
import { UserError } from '../platform/errors.ts'
import { GROUPS } from '../platform/topology.ts'
import type { RampOptions, SoakOptions } from './load-alone.ts'

/** Options of `divergence load ramp`. */
export const RAMP_FLAGS: readonly Flag[] = [
  ['--groups <list>', 'groups to drive, by comma', GROUPS.join(',')],
  ['--rates <list>', 'requests/s and group of each step, rising, by comma', DEFAULT_RATES.join(',')],
  ['--step <seconds>', 'length of a step', '20'],
  ['--failed <share>', 'largest share of failed requests of a step that holds', '0.01'],
  ['--p95 <ms>', 'largest p95 of a step that holds, milliseconds', '500'],
  ['--writes <share>', 'share of the requests that are writes', '0'],
  ['--seed <number>', 'seed of the sequence of requests', '1'],
]

/** Options of `divergence load soak`. */
export const SOAK_FLAGS: readonly Flag[] = [
  ['--rate <number>', 'requests/s and group', '50'],
  ['--duration <seconds>', 'how long', '3600'],
  ['--writes <share>', 'share of the requests that are writes', '0.1'],
  ['--seed <number>', 'seed of the sequence of requests', '1'],
]

type Given = Readonly<Record<string, string | undefined>>
type CommandName = 'load' | 'inject'

/**
 * Reads the options of a ramp as the command line gives them, by the name of their flag.
 *
 * @throws UserError LOAD_OPTION
 */
export function rampOptions(given: Given): RampOptions {
  const text = textOf(given, RAMP_FLAGS)
  const names = text('groups').split(',')
  const groups = GROUPS.filter(group => names.includes(group))
  if (groups.length !== names.length) throw refused('groups', text('groups'), `${GROUPS.join(', ')} or both`)
  return {
    groups,
    ratesPerSecond: text('rates')
      .split(',')
      .map(rate => number('rates', rate, MOST_RATE)),
    stepSeconds: number('step', text('step'), MOST_SECONDS),
    limits: { failedShare: share('failed', text('failed')), p95Ms: number('p95', text('p95'), 60_000) },
    writeShare: share('writes', text('writes')),
    seed: seed(text('seed')),
  }
}

/**
 * Reads the options of a soak as the command line gives them, by the name of their flag.
 *
 * @throws UserError LOAD_OPTION
 */
export function soakOptions(given: Given): SoakOptions {
  const text = textOf(given, SOAK_FLAGS)
  return {
    requestsPerSecond: number('rate', text('rate'), MOST_RATE),
    durationSeconds: number('duration', text('duration'), MOST_SECONDS),
    writeShare: share('writes', text('writes')),
    seed: seed(text('seed')),
  }
}

/** As many as an experiment may ask for. */
const MOST_RATE = 10_000
/** A week. */
const MOST_SECONDS = 604_800

function textOf(given: Given, flags: readonly Flag[]) {
  return (name: string): string => {
    const byDefault = flags.find(([flag]) => flag.startsWith(`--${name} `))?.[2]
    return given[name] ?? String(byDefault ?? '')
  }
}

function number(name: string, text: string, most: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && value <= most) return value
  throw refused(name, text, `numbers larger than 0, at most ${most}`)
}

function share(name: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value < 1) return value
  throw refused(name, text, 'at least 0 and below 1')
}

/** @throws UserError LOAD_OPTION, INJECT_OPTION */
export function seed(text: string, command: CommandName = 'load'): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value
  throw refused('seed', text, 'an unsigned 32-bit integer', command)
}

function refused(name: string, value: string, allowed: string, command: CommandName = 'load'): UserError {
  return new UserError(
    command === 'load' ? 'LOAD_OPTION' : 'INJECT_OPTION',
    `Cannot ${command === 'load' ? 'drive load' : 'inject'}: --${name} is '${value}'; allowed: ${allowed}`,
    `See 'divergence ${command} --help'.`,
  )
}
