/**
 * Attacks the running local lab so that each metric of docs/metrics.md moves, asks Prometheus the page's own query of each
 * for the time before and during the attack, and writes down what it said: `npm run trial:metrics`, or only some of the
 * disturbances: `npm run trial:metrics -- work names`. It takes about a quarter of an hour, and puts everything back.
 *
 * Exit codes: 0 all moved as expected; 1 something did not; 4 a disturbance failed; 130 it was interrupted.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { remember, spreadPods } from '../../chaos/trials/trial.ts'
import { connectTrialLab } from '../../chaos/trials/trial-lab.ts'
import { KubeconfigApiServer } from '../../platform/api-server.ts'
import { labFolders } from '../../platform/cluster/local/folders.ts'
import { readRecord, recordPath } from '../../platform/lab.ts'
import { FORWARDED_PORTS } from '../../platform/topology.ts'
import { COVERAGE } from '../coverage.ts'
import { MOVED_FILE, type MovedFile, type MovedRow } from '../metrics-moved.ts'
import { metricsPage } from '../metrics-page.ts'
import { askPrometheus } from './ask.ts'
import { carryOut } from './carry-out.ts'
import { type Disturbance, disturbances, experimentText } from './disturbances.ts'
import { beginEmptyBatch, repairBatch } from './empty-batch.ts'
import { laterOf } from './expectations.ts'
import { ExperimentRun, stretchesOf, unprovenIn } from './experiment-run.ts'
import { measure, measureUnmoved } from './measure.ts'
import { unexpectedIn } from './unexpected.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const ask = askPrometheus(`http://127.0.0.1:${FORWARDED_PORTS.prometheus}/api/v1`)
const nowSeconds = () => Date.now() / 1000
const say = (text: string) => process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)

// Ctrl-C reaches the run as well: it undoes everything and ends, and when the rest is undone, so do we.
const interrupting = new AbortController()
process.on('SIGINT', () => {
  say('interrupted: ends when everything is undone')
  interrupting.abort(new Error('interrupted'))
})

const names = process.argv.slice(2)
const all = disturbances(await freeMiB())
const unknown = names.filter(name => !all.some(one => one.name === name))
if (unknown.length > 0) {
  throw new Error(`Cannot do '${unknown.join("', '")}': there are ${all.map(({ name }) => name).join(', ')}`)
}
const chosen = all.filter(({ name }) => names.length === 0 || names.includes(name))

const record = await readRecord(recordPath(labFolders().state, undefined))
const api = new KubeconfigApiServer(record.access)
const lab = await connectTrialLab()
const whole = await remember(lab)
await spreadPods(lab, whole)
const beganSeconds = nowSeconds()
const measuredRows: MovedRow[] = []
let file = JSON.parse(await readFile(MOVED_FILE, 'utf8')) as MovedFile
for (const disturbance of chosen) {
  if (interrupting.signal.aborted) break
  try {
    const { record: done, rows } = await disturb(disturbance)
    measuredRows.push(...rows)
    file = {
      lab: `the local lab, seven nodes on one machine with ${availableParallelism()} processors`,
      disturbances: all.flatMap(({ name }) =>
        name === done.name ? [done] : file.disturbances.filter(one => one.name === name),
      ),
      rows: inOrder([...rows, ...file.rows]),
    }
    await write(file)
  } catch (error) {
    // The others are worth looking at all the same.
    say(`${disturbance.name}: FAILED: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 4
  }
}
if (interrupting.signal.aborted) {
  process.exitCode = 130
} else {
  const unmoved = await measureUnmoved({ fromSeconds: beganSeconds, untilSeconds: nowSeconds() }, ask)
  measuredRows.push(...unmoved)
  await write({ ...file, rows: inOrder([...unmoved, ...file.rows]) })
  const unexpected = unexpectedIn(
    measuredRows,
    chosen.map(({ name }) => name),
  )
  for (const sentence of unexpected) say(`NOT as expected: ${sentence}`)
  if (unexpected.length > 0) process.exitCode ??= 1
}
lab.agents.close()

/** Carries one disturbance out and undoes it. */
async function disturb(disturbance: Disturbance) {
  say(`${disturbance.name}: ${disturbance.faults.map(({ kind }) => kind).join(', ')}`)
  const run = await ExperimentRun.start(experimentText(disturbance))
  await carryOut(run, {
    batch: disturbance.hasEmptyBatch
      ? { begin: () => beginEmptyBatch(api), repair: () => repairBatch(api) }
      : null,
    spreadPods: () => spreadPods(lab, whole),
  })
  interrupting.signal.throwIfAborted()
  const entries = await run.entries()
  for (const unproven of unprovenIn(entries)) say(`${disturbance.name}: NOT proven: ${unproven}`)
  const faults = [
    ...disturbance.faults.map(fault => stringify(fault, { collectionStyle: 'flow', lineWidth: 0 }).trim()),
    ...(disturbance.hasEmptyBatch ? ['ingest of a folder that does not exist'] : []),
  ]
  const stretches = stretchesOf(entries)
  const shownSeconds = stretches.during.untilSeconds + laterOf(disturbance.name)
  await sleep(Math.max(0, shownSeconds - nowSeconds()) * 1000, undefined, { signal: interrupting.signal })
  const measured = await measure(disturbance.name, faults, stretches, ask)
  for (const row of measured.rows) if ('changes' in row) say(`  ${told(row)}`)
  return measured
}

function told({ what, changes, alerts }: Extract<MovedRow, { readonly by: string }>): string {
  const parts = Object.entries(changes).map(
    ([owner, { of, before, during, moved }]) =>
      `${owner} ${moved ? 'moved' : 'did not move'}: ${before} -> ${during} (${of})`,
  )
  const states = Object.entries(alerts).map(([name, state]) => `${name} ${state}`)
  return [what, ...parts, ...states].join(' | ')
}

/** Each row once, the first that there is. */
function inOrder(rows: readonly MovedRow[]): readonly MovedRow[] {
  return COVERAGE.flatMap(({ what }) => rows.find(row => row.what === what) ?? [])
}

async function write(content: MovedFile): Promise<void> {
  await writeFile(MOVED_FILE, JSON.stringify(content))
  await promisify(execFile)(join(ROOT, 'node_modules', '.bin', 'biome'), [
    'format',
    '--write',
    MOVED_FILE.pathname,
  ])
  await writeFile(join(ROOT, 'docs', 'metrics.md'), metricsPage(content))
}

/** Room on the disk of the experimental group's nodes, MiB. */
async function freeMiB(): Promise<number> {
  const query = 'min(node_filesystem_avail_bytes{group="experiment",mountpoint="/var/lib/kubelet"})'
  const [series] = await ask(query, nowSeconds() - 30, nowSeconds())
  const bytes = series?.points.at(-1)?.[1]
  if (bytes === undefined) throw new Error('Cannot tell how much room the disk has: Prometheus does not')
  return bytes / 1024 ** 2
}
