import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { PROFILE_NAMES } from '../load/profiles.ts'
import { UserError } from '../platform/errors.ts'
import { listed, type Problem, part, readDocument, type YamlSource } from './experiment-file.ts'
import { blastRadiusSchema } from './faults/blast-radius.ts'
import { faultSchema } from './faults/catalogue.ts'
import { LEVELS } from './faults/fault.ts'
import { fewestRequests } from './judgement/validity.ts'
import { SIGNAL_NAMES, type SignalSpec } from './judgement/verdict.ts'
import { timeLineProblems } from './time-line.ts'

/** Holm's correction over more than three primary signals would hide what a short run can show. */
const MOST_PRIMARY_SIGNALS = 3

/** Seconds of a phase; an hour is far beyond what an experiment of this kind needs. */
const LONGEST_PHASE_SECONDS = 3600
const phase = (least: number) => z.number().min(least).max(LONGEST_PHASE_SECONDS)

const signalSchema = z.discriminatedUnion('name', [
  z.strictObject({
    name: z.literal('success_ratio'),
    margin: z.number().gt(0).lt(1).describe('largest tolerated fall of the ratio'),
    primary: z.boolean().describe('whether the verdict depends on it'),
  }),
  z.strictObject({
    name: z.enum(SIGNAL_NAMES.filter(name => name !== 'success_ratio') as [string, ...string[]]),
    margin: z.number().gt(1).max(1000).describe('largest tolerated factor'),
    primary: z.boolean().describe('whether the verdict depends on it'),
  }),
])

/** One user in ten turned away for half of the window, or all of them for a quarter of a second: enough is known by then. */
export const DEFAULT_ABORT = { alpha: 0.01, failedShare: 0.05, windowSeconds: 5 }

const abortSchema = z
  .strictObject({
    alpha: z
      .number()
      .min(1e-6)
      .max(0.2)
      .default(DEFAULT_ABORT.alpha)
      .describe('chance to end an attack that makes no difference, however often one looks'),
    failedShare: z
      .number()
      .min(0)
      .max(1)
      .default(DEFAULT_ABORT.failedShare)
      .describe(
        "of the experimental group's requests, above the control's share; so many end the attack, 0: as soon as it is sure",
      ),
    slowShare: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        "of the experimental group's requests that take longer than 99 of 100 of the control's in the baseline, above the control's share; so many end the attack; when absent latency ends none",
      ),
    windowSeconds: z
      .number()
      .min(1)
      .max(300)
      .default(DEFAULT_ABORT.windowSeconds)
      .describe('both shares are taken over the last so many seconds'),
  })
  .prefault({})
  .describe('when the attack has shown enough, and is ended early: it surely does harm, and much')

/** What may stand in `chaos/experiments/*.yaml`; editors get it as docs/experiment.schema.json. */
export const experimentSchema = z.strictObject({
  name: z
    .string()
    .max(40)
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'lower-case words joined by hyphens'),
  hypothesis: z
    .string()
    .trim()
    .min(1)
    .max(1000)
    .describe('what a user of the system would accept, as a sentence that the run can refute'),
  level: z.enum(LEVELS).describe('what is attacked'),
  steadyState: z
    .strictObject({
      signals: z.array(signalSchema).min(1).max(SIGNAL_NAMES.length),
      whenUnderpowered: z
        .enum(['warn', 'refuse'])
        .default('warn')
        .describe(
          'what to do before the attack when a change as large as the margin of a primary signal would be seen in fewer than four of five such runs',
        ),
    })
    .describe('what may not change more than so much, compared with the control group'),
  load: z.strictObject({
    profile: z.enum(PROFILE_NAMES),
    requestsPerSecond: z
      .number()
      .min(1)
      .max(10_000)
      .multipleOf(0.1)
      .describe('per group, reads and writes together'),
    writeShare: z.number().min(0).lt(1).describe('share of the requests that are writes'),
    durationSeconds: phase(1).describe('at least as long as all phases together'),
  }),
  phases: z.strictObject({
    warmupSeconds: phase(0).describe('before the baseline; not judged'),
    baselineSeconds: phase(5),
    holdSeconds: phase(1).describe('the attack phase: from the begin of the first fault'),
    recoverySeconds: phase(1),
    transitionSeconds: phase(0).describe(
      'left out at the end of the baseline: requests on their way when the fault begins',
    ),
  }),
  settle: z.strictObject({
    readySeconds: phase(1).describe(
      'how long the lab may take to be wholly ready, before the load and again after it',
    ),
  }),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .describe('of the sequence of requests, of random picks and of the bootstrap'),
  blastRadius: blastRadiusSchema,
  abort: abortSchema,
  faults: z.array(faultSchema).describe('the time line of the attack; empty for an A/A run'),
})

/** An experiment a person wrote, wholly checked. */
export type Experiment = DeepReadonly<z.infer<typeof experimentSchema>>

/** An experiment with the text it was read from, which goes into the run's folder as it is. */
export type ExperimentFile = { readonly experiment: Experiment; readonly text: string }

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/**
 * Reads an experiment file.
 *
 * @throws UserError EXPERIMENT_MISSING, EXPERIMENT_INVALID
 */
export async function loadExperiment(path: string): Promise<ExperimentFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UserError(
      'EXPERIMENT_MISSING',
      `Cannot read the experiment ${path}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`,
      'The experiments that come with divergence are in chaos/experiments.',
      { cause: error },
    )
  })
  return { experiment: parseExperiment(path, text), text }
}

/**
 * Reads an experiment, or says everything that is wrong with it at once.
 *
 * @param file name for messages
 * @param text content, YAML
 * @throws UserError EXPERIMENT_INVALID
 */
export function parseExperiment(file: string, text: string): Experiment {
  const source = readDocument(file, text)
  const parsed = experimentSchema.safeParse(source.value)
  const problems = [
    ...source.problems,
    ...(parsed.success ? [] : mistakes(parsed.error.issues, source)),
    ...relations(source),
  ]
  if (parsed.success && problems.length === 0) return parsed.data as Experiment
  throw new UserError(
    'EXPERIMENT_INVALID',
    `Cannot use ${file} as an experiment: ${listed(file, problems)}`,
    'Nothing was started. Mend the file and run it again.',
  )
}

/**
 * What makes a run pointless before it starts: phases with fewer requests than a margin needs end `inconclusive`,
 * whatever the system does.
 */
export function doubts({ steadyState, load, phases }: Experiment): readonly string[] {
  const seconds = Math.min(phases.baselineSeconds - phases.transitionSeconds, phases.holdSeconds)
  const requests = Math.floor(seconds * load.requestsPerSecond)
  return steadyState.signals
    .filter(signal => signal.primary)
    .map(signal => ({ ...(signal as SignalSpec), fewest: fewestRequests(signal as SignalSpec) }))
    .filter(({ fewest }) => requests < fewest)
    .map(
      ({ name, margin, fewest }) =>
        `${requests} requests a group in the shorter of baseline and attack cannot place ${name} within its margin of ${margin}: at least ${fewest} are needed`,
    )
}

function mistakes(issues: readonly z.core.$ZodIssue[], source: YamlSource): readonly Problem[] {
  const schema = z.toJSONSchema(experimentSchema, { io: 'input' })
  return issues.flatMap(issue => source.describe(issue, schema))
}

/**
 * What must hold between values. Each is checked as soon as the values it needs are right by themselves, so that one
 * wrong key does not hide another mistake.
 */
function relations(source: YamlSource): Problem[] {
  const shape = experimentSchema.shape
  const lengths = shape.phases.shape
  const seconds = (key: keyof typeof lengths) => part(lengths[key], source, ['phases', key])
  const load = part(shape.load.shape.durationSeconds, source, ['load', 'durationSeconds'])
  const baseline = seconds('baselineSeconds')
  const transition = seconds('transitionSeconds')
  const hold = seconds('holdSeconds')
  const signals = part(shape.steadyState.shape.signals, source, ['steadyState', 'signals'])
  const problems: Problem[] = []
  const parts = [seconds('warmupSeconds'), baseline, hold, seconds('recoverySeconds')]
  // What is wrong by itself counts as nothing: the rest alone may already be too long.
  const needed = parts.reduce<number>((sum, length) => sum + (length ?? 0), 0)
  if (load !== undefined && needed > load) {
    problems.push(
      source.problem(
        ['load', 'durationSeconds'],
        `${load} is shorter than the experiment: warm-up + baseline + hold + recovery = ${needed} s; allowed: at least ${needed}`,
      ),
    )
  }
  if (transition !== undefined && baseline !== undefined && transition >= baseline) {
    problems.push(
      source.problem(
        ['phases', 'transitionSeconds'],
        `${transition} leaves nothing of the baseline; allowed: below baselineSeconds (${baseline})`,
      ),
    )
  }
  if (signals) problems.push(...signalRelations(signals, source))
  if (hold !== undefined) problems.push(...timeLineProblems(source, hold))
  return problems
}

function signalRelations(
  signals: readonly { name: string; primary: boolean }[],
  source: YamlSource,
): Problem[] {
  const primary = signals.filter(signal => signal.primary).length
  const path = ['steadyState', 'signals']
  const problems = signals.flatMap((signal, index) =>
    signals.findIndex(other => other.name === signal.name) < index
      ? [
          source.problem(
            [...path, index, 'name'],
            `'${signal.name}' is there twice; allowed: each signal once`,
          ),
        ]
      : [],
  )
  if (primary < 1 || primary > MOST_PRIMARY_SIGNALS) {
    problems.push(
      source.problem(
        path,
        `${primary} signals are primary; allowed: 1 to ${MOST_PRIMARY_SIGNALS}, the rest is exploratory`,
      ),
    )
  }
  return problems
}
