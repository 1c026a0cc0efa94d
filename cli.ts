/** The composition root: commands, what they are made of, and exit codes. The only file that touches `process`. */
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import { stringify } from 'yaml'
import { alertFiles } from './alerts/files.ts'
import { leftovers, undoLeftovers } from './chaos/audit.ts'
import {
  auditText,
  chosenFaults,
  dryRunText,
  faultsText,
  haltText,
  injectText,
  releaseText,
  runText,
} from './chaos/command-text.ts'
import { dryRun } from './chaos/dry-run.ts'
import { loadExperiment } from './chaos/experiment.ts'
import { experimentJsonSchema } from './chaos/experiment-schema.ts'
import { describeFaults } from './chaos/faults/describe.ts'
import { haltAll, releaseHalt } from './chaos/halt.ts'
import { type InjectResult, inject } from './chaos/inject.ts'
import { faultsToInject } from './chaos/inject-spec.ts'
import { RUN_FILES, readRun } from './chaos/journal.ts'
import { judge } from './chaos/judgement/judge.ts'
import type { Outcome } from './chaos/judgement/verdict.ts'
import { connectLab } from './chaos/lab/connect.ts'
import { runRamp, runSoak } from './chaos/load-alone.ts'
import { type Flag, RAMP_FLAGS, rampOptions, SOAK_FLAGS, soakOptions } from './chaos/load-options.ts'
import { renderHtml } from './chaos/report/html.ts'
import { renderMarkdown } from './chaos/report/markdown.ts'
import { rampHtml, rampText } from './chaos/report/ramp.ts'
import { soakText } from './chaos/report/soak.ts'
import { renderTerminal } from './chaos/report/terminal.ts'
import { auditEverywhere } from './chaos/residue-everywhere.ts'
import { runExperiment } from './chaos/run.ts'
import type { RunDependencies } from './chaos/run-dependencies.ts'
import { dashboardFiles } from './dashboards/files.ts'
import { KubeconfigApiServer } from './platform/api-server.ts'
import { removeAll } from './platform/apply.ts'
import { checksText } from './platform/checks-text.ts'
import type { Cluster, Progress } from './platform/cluster/cluster.ts'
import { ContextCluster, contextChecks } from './platform/cluster/context.ts'
import { localChecks } from './platform/cluster/local/checks.ts'
import {
  CORPUS_SIZES,
  type CorpusSize,
  ensureGeneratedCorpus,
  ensureOwnCorpus,
} from './platform/cluster/local/corpus.ts'
import { labFolders } from './platform/cluster/local/folders.ts'
import { LocalCluster } from './platform/cluster/local/local.ts'
import { MachineryError, UserError } from './platform/errors.ts'
import { type BuiltImages, ensureImages } from './platform/images/build.ts'
import { ingestFolder, ingestImage, ingestStore } from './platform/ingest.ts'
import {
  bringUp,
  deploy,
  type LabRecord,
  readRecord,
  recordPath,
  renderInput,
  writeRecord,
} from './platform/lab.ts'
import { labStatus } from './platform/lab-status.ts'
import { renderAll } from './platform/manifests/manifests.ts'
import {
  CREDENTIAL_SOURCES,
  isObjectStoreUri,
  type ObjectStoreOptions,
  objectStoreCorpus,
  refuseStoreOptions,
} from './platform/object-store.ts'
import { addressesOf, addressLines, statusText } from './platform/status-text.ts'
import { type StepOutput, Steps } from './platform/steps.ts'
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
}

const stop = new AbortController()

function clusterOf({ context, kubeconfig, registry }: Common): Cluster {
  if (context === undefined) return new LocalCluster(labFolders())
  const kubeconfigPath =
    kubeconfig ?? process.env.KUBECONFIG ?? join(process.env.HOME ?? '', '.kube', 'config')
  return new ContextCluster({ kubeconfigPath, context }, registry)
}

const recordOf = ({ context }: Common) => recordPath(labFolders().state, context)

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

async function up(options: Common & { readonly corpus: CorpusSize }): Promise<void> {
  const corpus = async (built: BuiltImages, progress: Progress, signal: AbortSignal) =>
    options.context === undefined
      ? ensureGeneratedCorpus(options.corpus, ingestImage(built), progress, signal)
      : null
  const observability = { ...alertFiles(), dashboards: dashboardFiles() }
  const parts = { cluster: clusterOf(options), images, corpus, observability, recordPath: recordOf(options) }
  await bringUp(parts, new Steps(stepOutput(), stop.signal))
  await healLeftovers(options)
}

async function status(options: Common): Promise<number> {
  const record = await readRecord(recordOf(options))
  const state = await labStatus(new KubeconfigApiServer(record.access, stop.signal))
  const { kubeconfigPath } = record.access
  const urls = addressesOf(record)
  const groups = {
    control: { gateway: urls.control, ...state.groups.control },
    experiment: { gateway: urls.experiment, ...state.groups.experiment },
  }
  const value = { ...state, kubeconfig: kubeconfigPath, prometheus: urls.prometheus, groups }
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

const versions = { divergence: version, node: process.versions.node }

function dependenciesOf(record: LabRecord, cluster: Cluster): RunDependencies {
  const self = { host: hostname(), pid: process.pid, isAlive }
  const { stream, nowMs } = stepOutput()
  const beganMs = nowMs()
  const progress = (message: string) =>
    void stream.write(`${((nowMs() - beganMs) / 1000).toFixed(1).padStart(7)}s  ${message}\n`)
  const remoteWriteUrl = `http://${sharedHost('prometheus')}:${PORTS.prometheus}/api/v1/write`
  const { access, images } = record
  const lab = connectLab({ access, cluster, images, remoteWriteUrl, self })
  return {
    ...lab,
    progress,
    judge,
    renderers: { html: renderHtml, markdown: renderMarkdown },
    runsFolder,
    baselineFile: join(labFolders().state, `baseline-${access.context}.json`),
    versions,
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
  const dependencies = dependenciesOf(record, cluster)
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
  const injection = { ...chosen, seed: Number(seed), settleSeconds: 120, watchSeconds: 30 }
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
    { runId: result.runId, folder: result.folder, residue: result.residue, ...files, ...result.verdict },
    runText(result, files.report),
  )
  if (result.residue.length > 0) return EXIT.machinery
  return result.verdict ? EXIT_OF_VERDICT[result.verdict.verdict] : EXIT.interrupted
}

async function judgeAgain(folder: string, options: Common): Promise<number> {
  const { input, samples } = await readRun(folder)
  const verdict = judge(samples, input)
  print(options, verdict, renderTerminal(verdict))
  return EXIT_OF_VERDICT[verdict.verdict]
}

async function ingest(source: string, options: Common & ObjectStoreOptions): Promise<number> {
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
  const corpus = await ingestFolder(source, { ...lab, images: built, corpus: ensureOwnCorpus }, steps)
  print(options, { corpus }, `Both groups hold ${corpus.name}.`)
  return EXIT.worked
}

async function down(options: Common & { readonly all?: boolean }): Promise<number> {
  const cluster = clusterOf(options)
  const steps = new Steps(stepOutput(), stop.signal)
  steps.add('down', [], async progress => {
    if (options.context !== undefined) {
      const access = await cluster.up(progress, steps.signal)
      await removeAll(new KubeconfigApiServer(access, steps.signal), progress, steps.signal)
    }
    await cluster.down({ caches: options.all === true }, progress)
    await rm(recordOf(options), { force: true })
  })
  await steps.run()
  print(options, { removed: true, caches: options.all === true }, 'Everything that up made is gone.')
  return EXIT.worked
}

async function doctor(options: Common): Promise<number> {
  const checks = options.context === undefined ? await localChecks() : await contextChecks(clusterOf(options))
  print(options, { checks }, checksText(checks))
  return checks.every(({ ok }) => ok) ? EXIT.worked : EXIT.usage
}

async function render(options: Common): Promise<number> {
  const record = await readRecord(recordOf(options))
  const objects = renderAll(renderInput(record))
  print(
    options,
    objects,
    objects
      .map(object => stringify(object))
      .join('---\n')
      .trimEnd(),
  )
  return EXIT.worked
}

async function start(options: Common & { readonly corpus: CorpusSize }): Promise<number> {
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
  const command = (name: string, description: string, examples: readonly string[], parent = cli) =>
    parent
      .command(name)
      .description(description)
      .option('--json', 'print JSON on stdout; progress stays on stderr')
      .option('--context <name>', 'use this context of a kubeconfig instead of the local cluster')
      .option(
        '--kubeconfig <file>',
        'kubeconfig that has the context (default: $KUBECONFIG, then ~/.kube/config)',
      )
      .addHelpText(
        'after',
        `\nExamples:\n${examples.map(example => `  $ ./divergence ${example}`).join('\n')}`,
      )
  const leave =
    (work: (...args: never[]) => Promise<number>) =>
    async (...args: unknown[]) => {
      process.exitCode = await work(...(args as never[]))
    }
  const corpus = () =>
    new Option('--corpus <size>', 'how many songs to fill both groups with')
      .choices(CORPUS_SIZES)
      .default('small')
  const registry = () =>
    new Option(
      '--registry <prefix>',
      'registry that this machine may push to and the nodes of --context pull from',
    )

  command('start', 'up, then the zone outage, then its verdict', ['start'])
    .addOption(corpus())
    .addOption(registry())
    .action(leave(start))
  command('up', 'bring up Kubernetes and both groups, filled with songs', [
    'up',
    'up --corpus full',
    'up --context staging --registry registry.example.com/chaos',
  ])
    .addOption(corpus())
    .addOption(registry())
    .action(
      leave(async (options: Common & { corpus: CorpusSize }) => {
        await up(options)
        return status(options)
      }),
    )
  command('status', 'both groups, service by service, and where to open them', [
    'status',
    'status --json',
  ]).action(leave(status))
  command('run <file>', 'run an experiment and judge it', [
    'run chaos/experiments/zone-outage.yaml',
    'run chaos/experiments/pod-kill.yaml --json',
    'run chaos/experiments/network-latency.yaml --dry-run',
  ])
    .option('--dry-run', 'say what would be done to whom and when, and what would keep it from starting')
    .action(leave(run))
  command('inject <what>', 'attack without load or verdict, and undo it; Ctrl-C undoes at once', [
    'inject latency --set select.services=[gateway] --set select.zone=b --set delayMs=100 --duration 30s',
    'inject kill-pod --set select.services=[recommender] --set select.count=1',
    'inject faults.yaml',
  ])
    .option(
      '--set <key=value>',
      "parameter of the fault, as often as needed; see 'divergence faults KIND'",
      (word: string, words: readonly string[]) => [...words, word],
      [],
    )
    .option('--duration <time>', "how long the fault stays on: '30s', '2m'")
    .option('--seed <number>', 'seed of random picks', '1')
    .addHelpText(
      'after',
      '\nA file holds `faults:`, a list as in an experiment, and, if wanted, `blastRadius:`.',
    )
    .action(leave(injectFaults))
  command('faults [kind]', 'every kind of fault, or one with its parameters, units and ranges', [
    'faults',
    'faults latency',
    'faults --json',
  ]).action(leave(faults))
  command('schema', 'the JSON Schema of an experiment file, by which editors complete and check', [
    'schema > docs/experiment.schema.json',
  ]).action(leave(schema))
  command('halt', 'end every fault at once, whoever began it, and let none begin', [
    'halt',
    "halt --reason 'customer demo'",
    'halt --release',
  ])
    .option('--release', 'let faults begin again')
    .option('--reason <text>', 'why, for whoever is refused meanwhile', 'divergence halt')
    .action(leave(halt))
  command('audit', 'list what faults left behind: exit code 4 if there is anything', [
    'audit',
    'audit --json',
  ]).action(leave(audit))
  command('judge <run>', 'compute the verdict of a run again from its journal, offline', [
    'judge runs/20261121T060102Z-zone-outage',
  ]).action(leave(judgeAgain))
  const load = cli
    .command('load')
    .description('load without an experiment: a ramp to the breakpoint, or a soak')
  const shape = (name: string, description: string, flags: readonly Flag[], examples: readonly string[]) =>
    flags.reduce(
      (made, [flag, text, byDefault]) => made.option(flag, text, byDefault),
      command(name, description, examples, load),
    )
  shape('ramp', 'raise the load step by step until each group breaks', RAMP_FLAGS, [
    'load ramp',
    'load ramp --groups experiment --rates 100,200,400 --step 30',
  ]).action(leave(ramp))
  shape('soak', 'steady load for long, and whether it wears the groups', SOAK_FLAGS, [
    'load soak --rate 50 --duration 3600',
  ]).action(leave(soak))
  command('ingest <source>', 'load MIDI files, of a folder or an object store, into both groups', [
    'ingest ~/music/midi',
    'ingest s3a://my-bucket/midi --context staging',
    'ingest s3a://my-bucket/midi --s3-endpoint https://storage.example.com',
  ])
    .option('--s3-endpoint <url>', "base URL of a store that is not AWS's, as the pods reach it")
    .option('--s3-region <name>', 'region of the bucket (default: $AWS_REGION)')
    .addOption(
      new Option(
        '--s3-credentials <whose>',
        'pods: an identity of their own; caller: $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY, given to the pods while they read (default: caller with --s3-endpoint or on the local cluster, else pods)',
      ).choices(CREDENTIAL_SOURCES),
    )
    .option('--generation <name>', 'names a state of the folder: one that was loaded is not read again')
    .action(leave(ingest))
  command('render', 'print the Kubernetes objects that up applies', ['render', 'render --json']).action(
    leave(render),
  )
  command('doctor', 'say what this machine or context lacks, and what to do about it', [
    'doctor',
    'doctor --context staging',
  ]).action(leave(doctor))
  command('down', 'remove all that up made', ['down', 'down --all'])
    .option('--all', 'remove images and caches as well')
    .action(leave(down))
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
