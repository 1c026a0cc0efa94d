/**
 * The load, run by k6 as it is. One process drives both groups by the same schedule from the same instant; every
 * request leaves one raw line on the console (`sample-line.ts`; a long soak keeps every n-th), and that file is what the
 * judge reads.
 *
 * k6 run --log-format raw --console-output samples.csv -e LOAD_RUN_ID=... load/script.ts
 */
import exec from 'k6/execution'
import http, { type RefinedResponse } from 'k6/http'
import { Counter } from 'k6/metrics'
import { GROUPS, type Group } from '../platform/topology.ts'
import { idempotencyKey, planFromEnvironment } from './plan.ts'
import { type Kind, sampleEvery, scenarios } from './profiles.ts'
import { type Catalogue, type ReadRequest, readRequest, type WriteRequest, writeRequest } from './requests.ts'
import { sampleLine } from './sample-line.ts'
import { SURGE_ARRIVALS, summarize, surgeMetric } from './summary.ts'
import { surgeAt } from './surge.ts'

const plan = planFromEnvironment(__ENV)
const surges = plan.surges ?? []
const surgeArrivals = new Counter(SURGE_ARRIVALS)
const keepEvery = sampleEvery(plan)
const summaryPath = __ENV.LOAD_SUMMARY_PATH ?? 'summary.json'

/** Songs to choose from; more would only make the setup longer. */
const CATALOGUE_SONGS = 500
const CATALOGUE_PAGE = 100

export const options = {
  scenarios: scenarios(plan),
  discardResponseBodies: true,
  // k6's own `group` tag would shadow ours, and a tag per URL is a time series per song.
  systemTags: ['status', 'method', 'name', 'scenario', 'error_code', 'expected_response'],
  setupTimeout: '60s',
  thresholds: {
    dropped_iterations: ['count==0'],
    // Always true: k6 reports a metric by tag only when a threshold names it.
    'http_reqs{group:control}': ['count>=0'],
    'http_reqs{group:experiment}': ['count>=0'],
    ...Object.fromEntries(
      surges.flatMap((_, index) => GROUPS.map(group => [surgeMetric(index, group), ['count>=0']])),
    ),
  },
}

/** Reads what there is to ask for, and keeps what both groups have. */
export function setup(): Catalogue {
  const control = new Set(hashesOf('control'))
  const hashes = hashesOf('experiment').filter(hash => control.has(hash))
  const instruments = instrumentsOf('control')
  if (hashes.length === 0 || instruments.length === 0) {
    exec.test.abort(
      `Cannot drive load: the groups have ${hashes.length} songs in common and ${instruments.length} instruments`,
    )
  }
  return { hashes, instruments }
}

export function read(catalogue: Catalogue): void {
  const sequence = sequenceOfIteration()
  send('read', sequence, readRequest(plan.seed, sequence, catalogue))
}

export function write(catalogue: Catalogue): void {
  const sequence = sequenceOfIteration()
  send('write', sequence, writeRequest(plan.seed, sequence, catalogue))
}

export function handleSummary(data: unknown): Record<string, string> {
  return { [summaryPath]: JSON.stringify(summarize(plan, data)) }
}

/** Number of the request in its (group, kind), unique over base and surges. */
function sequenceOfIteration(): number {
  return Number(__ENV.LOAD_FIRST_SEQUENCE) + exec.scenario.iterationInTest
}

/** Counts the request for the surge it falls into, if there is one. */
function countForSurge(startMs: number): void {
  // A surge's scenario starts with its window, all others with the load.
  const own = Number(__ENV.LOAD_SURGE ?? -1)
  const index = own >= 0 ? own : surgeAt(surges, startMs - exec.scenario.startTime)
  if (index >= 0) surgeArrivals.add(1, { surge: String(index) })
}

function send(kind: Kind, sequence: number, request: ReadRequest | WriteRequest): void {
  const group = __ENV.LOAD_GROUP as Group
  const timeoutMs = kind === 'read' ? plan.readTimeoutMs : plan.writeTimeoutMs
  const url = plan.urls[group] + request.path
  const parameters = { tags: { name: request.route }, timeout: timeoutMs }
  const startMs = Date.now()
  if (surges.length > 0) countForSurge(startMs)
  const response =
    'body' in request
      ? http.post(url, JSON.stringify(request.body), {
          ...parameters,
          headers: {
            'Content-Type': 'application/json',
            'Idempotency-Key': idempotencyKey(plan.runId, group, sequence),
          },
        })
      : http.get(url, parameters)
  // Chosen before the answer is known, and alike in both groups: what is left out is left out of good and bad alike.
  if (sequence % keepEvery !== 0) return
  const answer = {
    status: response.status,
    errorCode: response.error_code,
    timedMs: timedMs(response),
    elapsedMs: Date.now() - startMs,
  }
  console.log(sampleLine({ group, route: request.route, kind, sequence }, startMs, answer, timeoutMs))
}

function timedMs({ timings }: RefinedResponse<'none'>): number {
  const { blocked, connecting, tls_handshaking, sending, waiting, receiving } = timings
  return blocked + connecting + tls_handshaking + sending + waiting + receiving
}

function hashesOf(group: Group): string[] {
  const hashes: string[] = []
  let cursor: string | null = null
  while (hashes.length < CATALOGUE_SONGS) {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = fetchJson(group, `/songs?limit=${CATALOGUE_PAGE}${after}`) as {
      songs: { hash: string }[]
      next: string | null
    }
    hashes.push(...page.songs.map(song => song.hash))
    cursor = page.next
    if (cursor === null) break
  }
  return hashes
}

function instrumentsOf(group: Group): number[] {
  const { instruments } = fetchJson(group, '/instruments') as { instruments: { code: number }[] }
  return instruments.map(instrument => instrument.code)
}

function fetchJson(group: Group, path: string): unknown {
  const response = http.get(plan.urls[group] + path, {
    responseType: 'text',
    timeout: plan.readTimeoutMs,
    tags: { name: 'setup' },
  })
  if (response.status !== 200) {
    exec.test.abort(
      `Cannot drive load: ${group} answered ${response.status} ${response.error} to ${path} (body: ${response.body})`,
    )
  }
  return JSON.parse(response.body as string)
}
