/** The composition root: commands, what they are made of, and exit codes. The only file that touches `process`. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { alertFiles } from './alerts/files.ts'
import { leftovers, undoLeftovers } from './chaos/audit.ts'
import { calibrate } from './chaos/calibrate.ts'
import {
  auditText,
  calibrateText,
  chosenFaults,
  dryRunText,
  faultsText,
  haltText,
  injectText,
  releaseText,
  runText,
} from './chaos/command-text.ts'
import { CHAOS_COMMANDS } from './chaos/commands.ts'
import { dryRun } from './chaos/dry-run.ts'
import { loadExperiment } from './chaos/experiment.ts'
import { experimentJsonSchema } from './chaos/experiment-schema.ts'
import { describeFaults } from './chaos/faults/describe.ts'
import { haltAll, releaseHalt } from './chaos/halt.ts'
import { type InjectResult, inject } from './chaos/inject.ts'
import { faultsToInject } from './chaos/inject-spec.ts'
import { RUN_FILES, readRun, withCalibration } from './chaos/journal.ts'
import { judgeVersion } from './chaos/judge-version.ts'
import { honesty } from './chaos/judgement/calibration.ts'
import { judge } from './chaos/judgement/judge.ts'
import type { Outcome } from './chaos/judgement/verdict.ts'
import { connectLab } from './chaos/lab/connect.ts'
import { runRamp, runSoak } from './chaos/load-alone.ts'
import { rampOptions, seed as seedOf, soakOptions } from './chaos/load-options.ts'
import { renderHtml } from './chaos/report/html.ts'
import { renderMarkdown } from './chaos/report/markdown.ts'
import { rampHtml, rampText } from './chaos/report/ramp.ts'
import { soakText } from './chaos/report/soak.ts'
import { renderTerminal } from './chaos/report/terminal.ts'
import { auditEverywhere } from './chaos/residue-everywhere.ts'
import { runExperiment } from './chaos/run.ts'
import type { RunDependencies } from './chaos/run-dependencies.ts'
import { fetchWeek } from './chaos/weekly-report.ts'
import { dashboardFiles } from './dashboards/files.ts'
import { policyFile } from './dashboards/policy-file.ts'
import { KubeconfigApiServer } from './platform/api-server.ts'
import { checksText } from './platform/checks-text.ts'
import type { Cluster, Progress } from './platform/cluster/cluster.ts'
import { ContextCluster, contextChecks } from './platform/cluster/context.ts'
import { localChecks, requireRoom } from './platform/cluster/local/checks.ts'
import {
  corpusSize,
  ensureGeneratedCorpus,
  ensureOwnCorpus,
  type LeftOut,
  leftOutText,
} from './platform/cluster/local/corpus.ts'
import { labFolders } from './platform/cluster/local/folders.ts'
import { LocalCluster } from './platform/cluster/local/local.ts'
import { addCommand, addExamples, type CommandWords } from './platform/command-line.ts'
import { LAB_COMMANDS } from './platform/commands.ts'
import { MachineryError, UserError } from './platform/errors.ts'
import { type BuiltImages, ensureImages } from './platform/images/build.ts'
import { ingestFolder, ingestImage, ingestStore } from './platform/ingest.ts'
import { kubeConfigOf } from './platform/kube-config.ts'
import {
  baselinePath,
  bringDown,
  bringUp,
  changeLab,
  deploy,
  type LabRecord,
  readRecord,
  recordPath,
  renderInput,
  unbuiltLab,
  writeRecord,
} from './platform/lab.ts'
import { labStatus } from './platform/lab-status.ts'
import { renderAll } from './platform/manifests/manifests.ts'
import {
  isObjectStoreUri,
  type ObjectStoreOptions,
  objectStoreCorpus,
  refuseStoreOptions,
} from './platform/object-store.ts'
import { toYaml } from './platform/render.ts'
import { addressesOf, addressLines, statusText, statusValue } from './platform/status-text.ts'
import { elapsedLines, type StepOutput, Steps } from './platform/steps.ts'
import { PORTS, sharedHost } from './platform/topology.ts'

const EXIT = { worked: 0, diverged: 1, usage: 2, undecided: 3, machinery: 4, interrupted: 130 } as const
const EXIT_OF_VERDICT: Readonly<Record<Outcome, number>> = {
  resilient: EXIT.worked,
  diverged: EXIT.diverged,
  inconclusive: EXIT.undecided,
  invalid: EXIT.undecided,
}

const root = import.meta.dirname
const runsFolder = join(process.cwd(), 'runs')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

/** Ctrl-C or SIGTERM: everything is undone, then the process leaves with 130. */
class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

type Common = {
  readonly json?: boolean
  readonly context?: string
  readonly kubeconfig?: string
  readonly registry?: string
  readonly grafana?: boolean
}

const stop = new AbortController()

function clusterOf({ context, kubeconfig, registry, grafana }: Common): Cluster {
  if (context === undefined) {
    if (grafana !== true) return new LocalCluster(labFolders())
    throw new UserError(
      'NO_PUBLIC_IMAGES',
      'Cannot bring Grafana to the local cluster: its nodes pull from no public registry',
      'The console draws the same dashboards; or name a cluster that can, with --context.',
    )
  }
  const kubeconfigPath =
    kubeconfig ?? process.env.KUBECONFIG ?? join(process.env.HOME ?? '', '.kube', 'config')
  return new ContextCluster({ kubeconfigPath, context }, registry, grafana)
}

const recordOf = ({ context }: Common) => recordPath(labFolders().state, context)
const baselineOf = ({ context }: Common) => baselinePath(labFolders().state, context)

function stepOutput(): StepOutput {
  const interactive = process.stderr.isTTY === true && process.stdout.isTTY === true
  return { stream: process.stderr, interactive, nowMs: () => performance.now() }
}

/** JSON for programs, text for people; both on stdout, so that progress on stderr never mixes with it. */
function print({ json }: Common, value: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`)
}

const images = (registry: Promise<string>, progress: Progress, signal: AbortSignal) =>
  ensureImages({ root, folders: labFolders(), registry }, progress, signal)

const observability = () => ({ ...alertFiles(), dashboards: dashboardFiles(), policy: policyFile() })

/** One process at a time may change a lab; the others wait and say for whom. */
function changing<T>(options: Common, work: () => Promise<T>): Promise<T> {
  return changeLab(recordOf(options), elapsedLines(stepOutput()), stop.signal, work)
}

async function up(options: Common & { readonly corpus: string }): Promise<void> {
  const size = corpusSize(options.corpus)
  const corpus = async (built: BuiltImages, progress: Progress, signal: AbortSignal) =>
    options.context === undefined
      ? ensureGeneratedCorpus(size, ingestImage(built), labFolders(), progress, signal)
      : null
  const parts = {
    cluster: clusterOf(options),
    images,
    corpus,
    observability: observability(),
    recordPath: recordOf(options),
  }
  await changing(options, async () => {
    if (options.context === undefined) await requireRoom(labFolders())
    await bringUp(parts, new Steps(stepOutput(), stop.signal))
  })
  await healLeftovers(options)
}

async function status(options: Common): Promise<number> {
  const record = await readRecord(recordOf(options))
  const state = await labStatus(new KubeconfigApiServer(record.access, stop.signal))
  const { kubeconfigPath } = record.access
  const urls = addressesOf(record)
  const value = statusValue(state, urls, kubeconfigPath)
  print(options, value, statusText(state, urls, kubeconfigPath))
  return EXIT.worked
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const versionsNow = () => ({
  divergence: version,
  node: process.versions.node,
  judge: judgeVersion(root),
})

function dependenciesOf(record: LabRecord, cluster: Cluster, baselineFile: string): RunDependencies {
  const self = { host: hostname(), pid: process.pid, isAlive }
  const remoteWriteUrl = `http://${sharedHost('prometheus')}:${PORTS.prometheus}/api/v1/write`
  const { access, images } = record
  const lab = connectLab({ access, cluster, images, remoteWriteUrl, self })
  return {
    ...lab,
    progress: elapsedLines(stepOutput()),
    judge,
    renderers: { html: renderHtml, markdown: renderMarkdown },
    runsFolder,
    baselineFile,
    versions: versionsNow(),
  }
}

type Connected = { readonly record: LabRecord; readonly cluster: Cluster }

/** Does `work` with the lab that `up` made, and lets go of its agents afterwards. */
async function withLab<T>(
  options: Common,
  work: (dependencies: RunDependencies, connected: Connected) => Promise<T>,
): Promise<T> {
  const record = await readRecord(recordOf(options))
  const cluster = clusterOf(options)
  const dependencies = dependenciesOf(record, cluster, baselineOf(options))
  try {
    return await work(dependencies, { record, cluster })
  } finally {
    dependencies.agents.close()
  }
}

/** Undoes what runs left that were killed, as `run` itself does before it begins. */
async function healLeftovers(options: Common): Promise<void> {
  await withLab(options, async dependencies => {
    const found = await leftovers(dependencies)
    for (const { description } of found) dependencies.progress(`healing: ${description}`)
    await undoLeftovers(found, dependencies.executor, stop.signal)
  })
}

async function faults(kind: string | undefined, options: Common): Promise<number> {
  const rows = chosenFaults(describeFaults(), kind)
  print(options, rows, faultsText(rows))
  return EXIT.worked
}

async function schema(): Promise<number> {
  process.stdout.write(experimentJsonSchema())
  return EXIT.worked
}

type InjectOptions = Common & {
  readonly set: readonly string[]
  readonly duration?: string
  readonly seed: string
}

async function injectFaults(what: string, options: InjectOptions): Promise<number> {
  const { set, duration, seed } = options
  const chosen = await faultsToInject({ what, set, duration })
  const injection = { ...chosen, seed: seedOf(seed, 'inject'), settleSeconds: 120, watchSeconds: 30 }
  const result = await withLab(options, dependencies => inject(injection, dependencies, stop.signal))
  print(options, result, injectText(result))
  return exitOfInjection(result)
}

function exitOfInjection({ ended, faults: done, residue }: InjectResult): number {
  if (residue.length > 0) return EXIT.machinery
  if (ended === 'interrupted') return EXIT.interrupted
  return done.every(({ effect }) => effect.proven) ? EXIT.worked : EXIT.undecided
}

async function halt(
  options: Common & { readonly release?: boolean; readonly reason: string },
): Promise<number> {
  return await withLab(options, async (dependencies, { cluster }) => {
    if (options.release === true) {
      const untold = await releaseHalt(dependencies)
      print(options, { released: true, untold }, releaseText(untold))
      return untold.length === 0 ? EXIT.worked : EXIT.machinery
    }
    const report = await haltAll(options.reason, { ...dependencies, cluster })
    print(options, report, haltText(report))
    return report.left.length === 0 ? EXIT.worked : EXIT.machinery
  })
}

async function audit(options: Common): Promise<number> {
  const report = await withLab(options, dependencies => auditEverywhere(dependencies))
  print(options, report, auditText(report))
  return report.residue.length === 0 ? EXIT.worked : EXIT.machinery
}

async function report(
  options: Common & { readonly week: string; readonly output?: string },
): Promise<number> {
  const { access } = await readRecord(recordOf(options))
  const text = await fetchWeek(
    kubeConfigOf(access),
    options.week,
    options.json ? 'json' : 'markdown',
    stop.signal,
  )
  if (options.output === undefined) process.stdout.write(`${text.trimEnd()}\n`)
  else await writeTo(options.output, text)
  return EXIT.worked
}

async function writeTo(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(
      'OUTPUT_UNWRITABLE',
      `Cannot write ${file}: ${error.message}`,
      'Name a file in a folder that is there.',
    )
  })
}

type LoadFlags = Common & Readonly<Record<string, string | undefined>>

async function ramp(options: LoadFlags): Promise<number> {
  const given = rampOptions(options)
  const report = await withLab(options, dependencies => runRamp(given, dependencies, stop.signal))
  const page = join(report.folder, 'ramp.html')
  await writeFile(page, rampHtml(report))
  print(options, report, `${rampText(report)}\n\nreport      ${page}`)
  return EXIT.worked
}

async function soak(options: LoadFlags): Promise<number> {
  const given = soakOptions(options)
  const report = await withLab(options, dependencies => runSoak(given, dependencies, stop.signal))
  print(options, report, soakText(report))
  return Object.values(report.wear).some(({ worn }) => worn) ? EXIT.diverged : EXIT.worked
}

async function rehearse(file: string, options: Common): Promise<number> {
  const { experiment } = await loadExperiment(file)
  const rehearsed = await withLab(options, dependencies => dryRun(experiment, dependencies, stop.signal))
  print(options, rehearsed, dryRunText(rehearsed))
  return rehearsed.problems.length === 0 ? EXIT.worked : EXIT.machinery
}

async function run(file: string, options: Common & { readonly dryRun?: boolean }): Promise<number> {
  if (options.dryRun === true) return rehearse(file, options)
  const experiment = await loadExperiment(file)
  const result = await withLab(options, dependencies => runExperiment(experiment, dependencies, stop.signal))
  const files = {
    report: join(result.folder, RUN_FILES.html),
    markdown: join(result.folder, RUN_FILES.markdown),
  }
  print(
    options,
    {
      runId: result.runId,
      folder: result.folder,
      residue: result.residue,
      ...files,
      ...(result.verdict === null ? {} : withCalibration(result.verdict, result)),
    },
    runText(result, files.report),
  )
  if (result.residue.length > 0) return EXIT.machinery
  return result.verdict ? EXIT_OF_VERDICT[result.verdict.verdict] : EXIT.interrupted
}

async function judgeAgain(folder: string, options: Common): Promise<number> {
  const recorded = await readRun(folder)
  const { input, samples, calibration = null } = recorded
  const verdict = judge(samples, input)
  print(options, withCalibration(verdict, recorded), renderTerminal(verdict, input.runId, calibration))
  return EXIT_OF_VERDICT[verdict.verdict]
}

const EXIT_OF_HONESTY = { honest: EXIT.worked, unproven: EXIT.undecided, dishonest: EXIT.machinery } as const

async function calibrateJudge(file: string, options: Common & { readonly runs: string }): Promise<number> {
  const { experiment } = await loadExperiment(file)
  const report = await calibrate(experiment, {
    judge,
    progress: elapsedLines(stepOutput()),
    runsFolder: options.runs,
    versions: versionsNow(),
    nowMs: Date.now,
  })
  print(options, report, calibrateText(report))
  return EXIT_OF_HONESTY[honesty(report.calibration)]
}

function ingest(source: string, options: Common & ObjectStoreOptions): Promise<number> {
  return changing(options, () => ingestNow(source, options))
}

async function ingestNow(source: string, options: Common & ObjectStoreOptions): Promise<number> {
  const path = recordOf(options)
  const record = await readRecord(path)
  const lab = { record, deploy, write: (next: LabRecord) => writeRecord(path, next) }
  const steps = new Steps(stepOutput(), stop.signal)
  if (isObjectStoreUri(source)) {
    const given = objectStoreCorpus(source, options, record.facts.kind, process.env, Date.now())
    const api = (signal?: AbortSignal) => new KubeconfigApiServer(record.access, signal)
    const corpus = await ingestStore(given, { ...lab, api }, steps)
    print(options, { corpus }, `Both groups hold what ${corpus.uri} holds.`)
    return EXIT.worked
  }
  refuseStoreOptions(source, options)
  const built = (progress: Progress, signal: AbortSignal) =>
    images(clusterOf(options).registry(progress, signal), progress, signal)
  let leftOut: readonly LeftOut[] = []
  const own = async (folder: string, image: string, progress: Progress, signal: AbortSignal) => {
    const copied = await ensureOwnCorpus(folder, image, labFolders(), progress, signal)
    leftOut = copied.leftOut
    return copied.corpus
  }
  const corpus = await ingestFolder(source, { ...lab, images: built, corpus: own }, steps)
  const warning = leftOutText(leftOut)
  if (warning !== undefined) process.stderr.write(`${warning}\n`)
  print(options, { corpus, leftOut }, `Both groups hold ${corpus.name}.`)
  return EXIT.worked
}

async function down(options: Common & { readonly all?: boolean }): Promise<number> {
  const isShared = options.context !== undefined
  const caches = options.all === true
  const files = [recordOf(options), baselineOf(options)]
  const lab = { cluster: clusterOf(options), isShared, caches, files }
  await changing(options, () => bringDown(lab, new Steps(stepOutput(), stop.signal)))
  print(options, { removed: true, caches }, 'Everything that up made is gone.')
  return EXIT.worked
}

async function doctor(options: Common): Promise<number> {
  const checks =
    options.context === undefined
      ? await localChecks()
      : await contextChecks(clusterOf(options), options.registry, stop.signal)
  print(options, { checks }, checksText(checks))
  return checks.every(({ ok }) => ok) ? EXIT.worked : EXIT.usage
}

async function render(options: Common): Promise<number> {
  const record = await readRecord(recordOf(options)).catch(error => {
    if (error instanceof UserError && error.code === 'NOT_UP') return unbuilt(options)
    throw error
  })
  const objects = renderAll(renderInput(record))
  print(options, objects, toYaml(objects).trimEnd())
  return EXIT.worked
}

/** What `up` would deploy, where it has not finished yet. */
async function unbuilt(options: Common): Promise<Omit<LabRecord, 'access'>> {
  const cluster = clusterOf(options)
  // Another cluster has to be asked for its facts; the local one is the same everywhere.
  if (options.context !== undefined) await cluster.up(() => undefined, stop.signal)
  process.stderr.write(
    "The lab is not up: images are called NAME:unbuilt here, and can be pulled once './divergence up' has built them.\n",
  )
  return unbuiltLab(cluster.facts, observability())
}

async function start(options: Common & { readonly corpus: string }): Promise<number> {
  const beganMs = performance.now()
  await up(options)
  process.stderr.write(
    `Both groups serve data after ${((performance.now() - beganMs) / 1000).toFixed(0)} s. Taking a zone away from one of them ...\n`,
  )
  const code = await run(join(root, 'chaos', 'experiments', 'zone-outage.yaml'), options)
  if (!options.json)
    process.stdout.write(`${addressLines(addressesOf(await readRecord(recordOf(options)))).join('\n')}\n`)
  return code
}

function program(): Command {
  const cli = new Command('divergence')
    .description('Chaos experiments judged against an untouched twin.')
    .version(version)
    .showHelpAfterError("('divergence --help' and 'divergence COMMAND --help' have examples)")
    .exitOverride()
  addExamples(cli, ['start', 'run chaos/experiments/zone-outage.yaml', 'up --help', 'load ramp --help'])
  const command = (words: CommandWords, work: (...args: never[]) => Promise<number>, parent = cli) =>
    addCommand(parent, words).action(async (...args: unknown[]) => {
      process.exitCode = await work(...(args as never[]))
    })
  command(LAB_COMMANDS.start, start)
  command(LAB_COMMANDS.up, async (options: Common & { corpus: string }) => {
    await up(options)
    return status(options)
  })
  command(LAB_COMMANDS.status, status)
  command(CHAOS_COMMANDS.run, run)
  command(CHAOS_COMMANDS.inject, injectFaults)
  command(CHAOS_COMMANDS.faults, faults)
  command(CHAOS_COMMANDS.schema, schema)
  command(CHAOS_COMMANDS.halt, halt)
  command(CHAOS_COMMANDS.audit, audit)
  command(CHAOS_COMMANDS.judge, judgeAgain)
  command(CHAOS_COMMANDS.calibrate, calibrateJudge)
  command(CHAOS_COMMANDS.report, report)
  const load = cli
    .command('load')
    .description('load without an experiment: a ramp to the breakpoint, or a soak')
  addExamples(load, [...CHAOS_COMMANDS.ramp.examples, ...CHAOS_COMMANDS.soak.examples])
  command(CHAOS_COMMANDS.ramp, ramp, load)
  command(CHAOS_COMMANDS.soak, soak, load)
  command(LAB_COMMANDS.ingest, ingest)
  command(LAB_COMMANDS.render, render)
  command(LAB_COMMANDS.doctor, doctor)
  command(LAB_COMMANDS.down, down)
  return cli
}

/** The exit code of a failure, told on stderr with what to do next. */
function failure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.worked : EXIT.usage
  if (stop.signal.aborted) {
    process.stderr.write('Interrupted. Everything that was begun is undone.\n')
    return EXIT.interrupted
  }
  const told = error instanceof UserError || error instanceof MachineryError
  process.stderr.write(`${told ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  if (told) process.stderr.write(`${error.hint}\n`)
  return error instanceof UserError ? EXIT.usage : EXIT.machinery
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.stderr.write('Still undoing: please wait.\n')
    stop.abort(new Interrupted(`interrupted by ${name}`))
  })
}
// A closed pipe ('divergence status | head') is the reader's right.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

try {
  await program().parseAsync()
} catch (error) {
  process.exitCode = failure(error)
}
