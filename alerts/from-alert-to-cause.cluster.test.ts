import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import type { Browser } from 'playwright-core'
import { stringify } from 'yaml'
import { SIGNALS } from '../instrumentation/signals.ts'
import { FORWARDED_PORTS } from '../platform/topology.ts'
import type {
  AlertEvent,
  AttackState,
  ErrorEvent,
  EventGroup,
  EventGroupDetail,
  LiveState,
} from '../services/oncall/contract.ts'
import { launchChromium } from '../services/oncall/web/chromium.ts'
import { weekOf } from '../services/oncall/weekly/iso-week.ts'
import type { WeekReport } from '../services/oncall/weekly/report.ts'

/*
 * On the running local lab: the way of somebody on call. Somebody locks a table of the experimental group's
 * database; from the alert the test goes on to a request, its trace, the error event, and the attack. Each step takes from the one
 * before it what it looks for.
 */

const MINUTE_MS = 60_000
jest.setTimeout(5 * MINUTE_MS)

const at = (port: number, path: string) => `http://127.0.0.1:${port}${path}`
const EDGE = at(FORWARDED_PORTS.experimentGateway, '')
const PROMETHEUS = at(FORWARDED_PORTS.prometheus, '/api/v1')
const ONCALL = at(FORWARDED_PORTS.oncall, '')
const ZIPKIN = at(FORWARDED_PORTS.zipkin, '/api/v2')

const REQUESTS_PER_SECOND = 20
/** One request in so many asks for its trace to be kept, as a client that is debugged does. */
const TRACED_ONE_IN = 4
/** One in so many is a write: without any, the standbys never hear of the lock, and go on answering. */
const WRITTEN_ONE_IN = 10
const ATTACK = {
  faults: [
    {
      kind: 'slow-database',
      select: { group: 'experiment' },
      mode: 'lock',
      table: 'instruments',
      durationSeconds: 150,
    },
  ],
  blastRadius: { maxTargets: 1, keepHealthy: 0 },
}

type Span = {
  readonly traceId: string
  readonly name?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly localEndpoint?: { readonly serviceName?: string }
}

let runner: ChildProcess
let said = ''
let browser: Browser
const asking = new AbortController()
/** The attack as oncall knows it. What is older than it has another cause. */
let attack: AttackState
/** Alerts that fired already when the attack was ordered, by instance. */
let firedBefore: ReadonlySet<string>

beforeAll(async () => {
  browser = await launchChromium(process.env.CHROMIUM)
  await untilQuiet()
  const { songs } = await ask<{ songs: { hash: string }[] }>(`${EDGE}/songs?limit=1`)
  const song = songs[0]?.hash ?? ''
  const folder = await mkdtemp(join(tmpdir(), 'walk-'))
  const file = join(folder, 'faults.yaml')
  await writeFile(file, stringify(ATTACK))
  const cli = join(import.meta.dirname, '..', 'cli.ts')
  firedBefore = new Set((await firing()).map(({ instance }) => instance))
  runner = spawn(process.execPath, [cli, 'inject', file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [runner.stdout, runner.stderr]) stream?.on('data', text => (said += text))
  void keepAsking(song)
  attack = await eventually('the attack to be on', async () => {
    const { attacks } = await ask<LiveState>(`${ONCALL}/api/live`)
    return attacks.find(({ kind }) => kind === 'slow-database')
  })
}, 7 * MINUTE_MS)

afterAll(async () => {
  asking.abort()
  await browser.close()
  const ended = runner.exitCode === null ? once(runner, 'exit') : undefined
  runner.kill('SIGINT')
  await ended
}, MINUTE_MS)

/** Listeners of the experimental group. What becomes of a request is the attack's business. */
async function keepAsking(song: string): Promise<void> {
  for (let asked = 0; !asking.signal.aborted; asked++) {
    const id = (bytes: number) => randomBytes(bytes).toString('hex')
    const headers: Record<string, string> =
      asked % TRACED_ONE_IN === 0 ? { traceparent: `00-${id(16)}-${id(8)}-01` } : {}
    const isWrite = asked % WRITTEN_ONE_IN === 1
    const write = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify({ song }),
    }
    fetch(`${EDGE}/${isWrite ? 'plays' : 'instruments'}`, {
      signal: AbortSignal.timeout(5_000),
      ...(isWrite ? write : { headers }),
    })
      .then(answer => answer.arrayBuffer())
      .catch(() => undefined)
    await sleep(1000 / REQUESTS_PER_SECOND)
  }
}

async function ask<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}: ${(await answer.text()).slice(0, 200)}`)
  return (await answer.json()) as T
}

/** Asks again and again until there is an answer. */
async function eventually<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
  const giveUpMs = Date.now() + 3 * MINUTE_MS
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (Date.now() > giveUpMs) throw new Error(`Waited in vain for ${what}; the runner says:\n${said}`)
    await sleep(1_000)
  }
}

const firing = () => ask<readonly AlertEvent[]>(`${ONCALL}/api/alerts?state=firing&limit=1000`)

/**
 * Alerts that only what failed within the last minute can keep up: their short window is 30 s of 30 s rates. The slower ones
 * look back for five minutes and more, and speak of the experiment before this one as long as that.
 */
const isFastBurn = ({ name }: AlertEvent) => /^RunBudgetBurnFast$|^MostlyFailing$/.test(name)
const ofGateway = ({ service }: AlertEvent) => service === 'gateway'

/**
 * An experiment may have ended a second ago. That an alert fires now and did not when the attack was ordered shows that it
 * began since; its `firedMs` does not, as one that fires again within five minutes keeps its old one. So no fast alert of the
 * gateway may fire before, in either group, and for a whole minute, as the last failures become an alert only after half of
 * one.
 */
async function untilQuiet(): Promise<void> {
  let burntMs = Date.now()
  await eventually('a minute without a burn alert of the gateway', async () => {
    const alerts = await firing()
    if (alerts.some(one => isFastBurn(one) && ofGateway(one))) burntMs = Date.now()
    return Date.now() - burntMs >= MINUTE_MS || undefined
  })
}

/** Fast burn alerts that began after the attack was ordered. */
async function burningSince(): Promise<readonly AlertEvent[]> {
  return (await firing()).filter(one => isFastBurn(one) && !firedBefore.has(one.instance))
}

async function exemplarsOfFailures(): Promise<ReadonlySet<string>> {
  const failures = `${SIGNALS.metrics.gatewayRequestDuration.name}_bucket{group="experiment",status=~"5.."}`
  const range = `start=${attack.beginMs / 1000}&end=${Date.now() / 1000}`
  const { data } = await ask<{ data: { exemplars: { labels: { trace_id?: string } }[] }[] }>(
    `${PROMETHEUS}/query_exemplars?query=${encodeURIComponent(failures)}&${range}`,
  )
  return new Set(data.flatMap(({ exemplars }) => exemplars.flatMap(({ labels }) => labels.trace_id ?? [])))
}

async function eventsOf(group: string): Promise<readonly ErrorEvent[]> {
  const groups = await ask<readonly EventGroup[]>(`${ONCALL}/api/event-groups?group=${group}&limit=100`)
  const recent = groups.filter(({ lastMs }) => lastMs >= attack.beginMs)
  const details = await Promise.all(
    recent.map(({ fingerprint }) => ask<EventGroupDetail>(`${ONCALL}/api/event-groups/${fingerprint}`)),
  )
  return details.flatMap(({ events }) => events).filter(({ atMs }) => atMs >= attack.beginMs)
}

/** Of the service whose budget burns, and of requests that failed and that an exemplar names. */
async function eventsOfExemplars(): Promise<readonly ErrorEvent[]> {
  const exemplars = await exemplarsOfFailures()
  return (await eventsOf('experiment')).filter(
    ({ service, traceId }) => service === 'gateway' && traceId !== null && exemplars.has(traceId),
  )
}

describe('from an alert to its cause', () => {
  let event: ErrorEvent
  let spans: readonly Span[]

  test('the budget burns: an alert of the experimental group is recorded, and none of the control group', async () => {
    await eventually('a burn alert of the gateway', async () =>
      (await burningSince()).find(one => one.group === 'experiment' && ofGateway(one)),
    )
    expect((await burningSince()).filter(({ group }) => group === 'control')).toEqual([])
  })

  test('an exemplar of the failures leads to a trace, and an error event has the same trace', async () => {
    event = await eventually(
      'an error event of a request that an exemplar names',
      async () => (await eventsOfExemplars())[0],
    )
    expect(event).toMatchObject({ group: 'experiment', traceId: expect.stringMatching(/^[0-9a-f]{32}$/) })
  })

  test('the trace leads through gateway and recommender to a statement', async () => {
    // Who never came to his turn in the database has no statement in his trace; others that failed have. Spans of the
    // two services come at their own times.
    ;({ event, spans } = await eventually('a whole trace', async () => {
      for (const event of await eventsOfExemplars()) {
        const spans = await ask<readonly Span[]>(`${ZIPKIN}/trace/${event.traceId}`).catch(() => [])
        if (spans.some(isStatement) && serviceNames(spans).includes('gateway')) return { event, spans }
      }
      return undefined
    }))
    expect(serviceNames(spans)).toEqual(['gateway', 'recommender'])
    const statements = spans.filter(isStatement).map(({ tags }) => tags)
    expect(statements).toContainEqual(expect.objectContaining({ error: expect.any(String) }))
    expect(event.exceptions.flatMap(({ frames }) => frames).length).toBeGreaterThan(0)
    expect(event.breadcrumbs.length).toBeGreaterThan(0)
  })

  test('the console names the attack, and shows the event with its trace', async () => {
    const live = await ask<LiveState>(`${ONCALL}/api/live`)
    expect(live.attacks).toEqual([
      expect.objectContaining({ kind: 'slow-database', group: 'experiment', endMs: null }),
    ])

    const page = await browser.newPage()
    await page.goto(`${ONCALL}/`)
    await page.getByText('slow-database').first().waitFor()
    await page.goto(`${ONCALL}/events/${event.fingerprint}?event=${event.eventId}`)
    const link = page.locator(`a[href*="${event.traceId}"]`).first()
    await link.waitFor()
    expect(await link.getAttribute('href')).toContain(`:${FORWARDED_PORTS.zipkin}/zipkin/traces/`)
    await page
      .getByRole('region', { name: 'Attacked at that time' })
      .getByText('slow-database', { exact: true })
      .waitFor()
    await page.close()
  })

  test('the report of the week has it: what the attack induced, and an incident of the gateway with what users felt', async () => {
    const week = weekOf(attack.beginMs).name
    const { report, sev } = await eventually('an incident of the gateway that users feel', async () => {
      const report = await ask<WeekReport>(`${ONCALL}/api/weeks/${week}`)
      const sev = report.sevs.find(
        ({ group, service, endedMs }) => group === 'experiment' && service === 'gateway' && endedMs === null,
      )
      return sev === undefined || sev.impact === null ? undefined : { report, sev }
    })
    // It may have begun with an experiment a few minutes before: what opens again so soon is the same incident.
    expect(sev).toMatchObject({ induced: true, sharedCause: false })
    expect(sev.level).toBeLessThanOrEqual(2)
    expect(sev.slos).toContain('gateway-availability')
    expect(report.runs.map(({ runId }) => runId)).toContain(attack.runId)
    const induced = report.alerts.find(
      owner => owner.group === 'experiment' && owner.service === 'gateway' && owner.induced,
    )
    expect(induced?.events).toBeGreaterThan(0)
    expect(induced?.open).toBeGreaterThan(0)
    expect(
      report.sevs.filter(({ group, openedMs }) => group === 'control' && openedMs > attack.beginMs),
    ).toEqual([])
    expect(report.coverage.kinds.map(({ kind }) => kind)).toContain('slow-database')

    const page = await browser.newPage()
    await page.goto(`${ONCALL}/weeks/${week}`)
    await page.getByRole('heading', { name: 'Incidents' }).waitFor()
    expect(await page.locator(`a[href="/runs/${attack.runId}"]`).count()).toBeGreaterThan(0)
    await page.close()
  })
})

function serviceNames(spans: readonly Span[]): readonly (string | undefined)[] {
  return [...new Set(spans.map(({ localEndpoint }) => localEndpoint?.serviceName))].sort()
}

function isStatement({ tags }: Span): boolean {
  return tags?.['db.system'] !== undefined || tags?.['db.system.name'] !== undefined
}
