/**
 * What the gateway costs, what it does beyond its capacity, and what its retry budget does when a third of the
 * recommenders falls silent. Everything runs on this machine, each part in a process of its own; compare the figures of
 * one run with each other, not with those of another.
 *
 *   node bench/gateway.ts [throughput|overload|surge|zone]
 *   node bench/gateway.ts deployed http://127.0.0.1:30081
 *
 * The second asks a group of the lab, which shares the processor with whoever asks: give that one the precedence
 * (`chrt -f 5`), or it measures itself.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { quantileSorted } from 'simple-statistics'
import { Pool } from 'undici'
import { EDGE_TRY_MS } from '../platform/manifests/haproxy-config.ts'
import { parseConfig } from '../services/gateway/config.ts'
import { startGateway } from '../services/gateway/gateway.ts'

const SELF = fileURLToPath(import.meta.url)
const SONG = '/songs/0123456789abcdef0123456789abcdef'

type Part = { readonly process: ChildProcess; readonly port: number; readonly metricsPort: number }
type Outcome = { readonly status: number; readonly latencyMs: number }

/** Starts another part of the bench in a process of its own and waits until it says where it listens. */
async function startPart(role: string, settings: Readonly<Record<string, string>> = {}): Promise<Part> {
  const child = spawn(process.execPath, [SELF, role], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  return { process: child, ...JSON.parse(String(line)) }
}

async function stopPart(part: Part): Promise<void> {
  part.process.kill('SIGKILL')
  await once(part.process, 'exit')
}

/** A recommender with `THREADS` threads that takes `SERVICE_MS` for each request; 0 ms answers at once. */
function runUpstream(): void {
  const threads = Number(process.env.THREADS ?? 1000)
  const serviceMs = Number(process.env.SERVICE_MS ?? 0)
  const body = JSON.stringify({
    name: 'song',
    instruments: Array.from({ length: 12 }, (_, code) => ({ code, name: `i${code}` })),
  })
  const waiting: (() => void)[] = []
  let busy = 0
  const serve = (done: () => void): void => {
    busy += 1
    setTimeout(() => {
      busy -= 1
      waiting.shift()?.()
      done()
    }, serviceMs)
  }
  const server = createServer((_request, response) => {
    const answer = () => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      })
      response.end(body)
    }
    if (serviceMs === 0) answer()
    else if (busy < threads) serve(answer)
    else waiting.push(() => serve(answer))
  })
  server.keepAliveTimeout = 75_000
  server.listen(0, '127.0.0.1', () =>
    console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })),
  )
}

async function runGateway(): Promise<void> {
  const upstreams = (process.env.UPSTREAMS ?? '').split(',')
  const config = parseConfig({
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('GW_'))),
    GW_UPSTREAM_HOST: 'recommender.bench',
    GW_LISTEN_HOST: '127.0.0.1',
    GW_LISTEN_PORT: '0',
    GW_METRICS_PORT: '0',
  })
  const gateway = await startGateway(
    config,
    async () => upstreams,
    () => {},
  )
  console.log(JSON.stringify({ port: gateway.port, metricsPort: gateway.metricsPort }))
}

const startGatewayBefore = (upstreams: readonly Part[], settings: Readonly<Record<string, string>> = {}) =>
  startPart('run-gateway', {
    UPSTREAMS: upstreams.map(({ port }) => `127.0.0.1:${port}`).join(','),
    ...settings,
  })

const urlOf = ({ port }: Part): string => `http://127.0.0.1:${port}`

/** Sum of the metric lines that start with `prefix`. */
async function metric(gateway: Part, prefix: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${gateway.metricsPort}/metrics`)).text()
  const lines = text.split('\n').filter(line => line.startsWith(prefix))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** Asks as the edge does: up to three times after silence, and takes any answer. */
async function askPatiently(pool: Pool, path: string): Promise<Outcome> {
  const startedAtMs = performance.now()
  let status = 0
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const answer = await pool.request({
        method: 'GET',
        path,
        signal: AbortSignal.timeout(EDGE_TRY_MS.read),
      })
      await answer.body.dump()
      status = answer.statusCode
      break
    } catch {
      status = 0
    }
  }
  return { status, latencyMs: performance.now() - startedAtMs }
}

async function ask(pool: Pool, path: string): Promise<Outcome> {
  const startedAtMs = performance.now()
  const { statusCode, body } = await pool.request({ method: 'GET', path })
  await body.dump()
  return { status: statusCode, latencyMs: performance.now() - startedAtMs }
}

/** Requests per second of `clients` clients that ask again as soon as they are answered. */
async function closedLoop(port: number, path: string, clients: number, seconds: number): Promise<number> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: clients })
  const endMs = performance.now() + seconds * 1000
  let answered = 0
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const { status } = await ask(pool, path)
      if (status !== 200) throw new Error(`Cannot measure: status ${status}`)
      answered += 1
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  await pool.close()
  return answered / seconds
}

/** Outcomes of requests that start at a fixed rate, however the others fare. */
async function openLoop(
  urls: readonly string[],
  ratePerSecond: number,
  seconds: number,
  { path = SONG, askOnce = ask }: { readonly path?: string; readonly askOnce?: typeof ask } = {},
): Promise<readonly Outcome[]> {
  const pools = urls.map(url => new Pool(url, { connections: 1000 }))
  const requests: Promise<Outcome>[] = []
  const startedAtMs = performance.now()
  const total = ratePerSecond * seconds
  while (requests.length < total) {
    const due = Math.min(total, ((performance.now() - startedAtMs) / 1000) * ratePerSecond)
    while (requests.length < due) {
      const pool = pools[requests.length % pools.length]
      if (pool !== undefined) requests.push(askOnce(pool, path).catch(() => ({ status: 0, latencyMs: 0 })))
    }
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  const outcomes = await Promise.all(requests)
  await Promise.all(pools.map(pool => pool.close()))
  return outcomes
}

const quantileMs = (outcomes: readonly Outcome[], share: number): string =>
  outcomes.length === 0
    ? '-'
    : quantileSorted(
        outcomes.map(({ latencyMs }) => latencyMs).sort((left, right) => left - right),
        share,
      ).toFixed(0)

/** Requests per second and CPU time, rounds of all targets in turn so that the machine's moods hit all alike. */
async function throughput(): Promise<void> {
  const upstream = await startPart('run-upstream')
  const gateway = await startGatewayBefore([upstream])
  const targets = [
    { name: 'node:http alone', port: upstream.port, path: '/' },
    { name: 'gateway /', port: gateway.port, path: '/' },
    { name: 'gateway, proxied', port: gateway.port, path: SONG },
  ]
  const rounds = targets.map(target => ({ ...target, rates: [] as number[], cpuMicros: [] as number[] }))
  for (const target of rounds) await closedLoop(target.port, target.path, 32, 1)
  for (let round = 0; round < 5; round++) {
    for (const target of rounds) {
      const beforeSeconds = await metric(gateway, 'process_cpu_seconds_total')
      const rate = await closedLoop(target.port, target.path, 32, 3)
      const cpuSeconds = (await metric(gateway, 'process_cpu_seconds_total')) - beforeSeconds
      target.rates.push(rate)
      target.cpuMicros.push((cpuSeconds / (rate * 3)) * 1e6)
    }
  }
  const median = (values: number[]): number =>
    quantileSorted(
      values.sort((left, right) => left - right),
      0.5,
    )
  const alone = median(rounds[0]?.rates ?? [])
  console.log('\nThroughput, 32 clients, median of 5 rounds of 3 s')
  console.table(
    rounds.map(({ name, rates, cpuMicros }) => ({
      target: name,
      'requests/s': Math.round(median(rates)),
      'ratio to node:http': (median(rates) / alone).toFixed(2),
      'gateway CPU us/request': name.startsWith('gateway') ? Math.round(median(cpuMicros)) : '-',
    })),
  )
  await Promise.all([upstream, gateway].map(stopPart))
}

/** Requests per second of three recommenders with 4 threads that take 40 ms each. */
const CAPACITY = 3 * 4 * (1000 / 40)

/** A gateway that admits everything, and the real one. */
const LIMITS = [
  [
    'no limit',
    { GW_CONCURRENCY_MIN: '10000', GW_CONCURRENCY_MAX: '10000', GW_UPSTREAM_CONNECTIONS: '10000' },
  ],
  ['adaptive limit', {}],
] as const

/** Latency of the admitted requests while more are offered than three recommenders can answer. */
async function overload(): Promise<void> {
  const rows = []
  for (const [name, settings] of LIMITS) {
    for (const load of [0.5, 1, 1.5, 2]) {
      const upstreams = await Promise.all(
        [0, 1, 2].map(() => startPart('run-upstream', { THREADS: '4', SERVICE_MS: '40' })),
      )
      const gateway = await startGatewayBefore(upstreams, settings)
      const outcomes = await openLoop([urlOf(gateway)], CAPACITY * load, 10)
      const settled = outcomes.slice(outcomes.length / 5)
      const admitted = settled.filter(({ status }) => status === 200)
      rows.push({
        gateway: name,
        'offered/capacity': load,
        'answered %': ((100 * admitted.length) / settled.length).toFixed(1),
        'shed %': ((100 * settled.filter(({ status }) => status === 503).length) / settled.length).toFixed(1),
        'p50 ms': quantileMs(admitted, 0.5),
        'p99 ms': quantileMs(admitted, 0.99),
      })
      await Promise.all([...upstreams, gateway].map(stopPart))
    }
  }
  console.log(
    `\nOverload: one gateway, three recommenders, capacity ${CAPACITY} requests/s; first 2 of 10 s left out`,
  )
  console.table(rows)
}

/** Whether the pipeline is well again after three seconds of twice its capacity, with an edge that asks again. */
async function surge(): Promise<void> {
  const rows = []
  for (const [name, settings] of LIMITS) {
    const upstreams = await Promise.all(
      [0, 1, 2].map(() => startPart('run-upstream', { THREADS: '4', SERVICE_MS: '40' })),
    )
    const gateways = await Promise.all([0, 1, 2].map(() => startGatewayBefore(upstreams, settings)))
    const urls = gateways.map(urlOf)
    const phases = [
      { phase: 'before', load: 0.7, seconds: 3 },
      { phase: 'surge', load: 2, seconds: 3 },
      { phase: 'first 4 s after', load: 0.7, seconds: 4 },
      { phase: 'next 4 s', load: 0.7, seconds: 4 },
    ]
    // The next phase does not wait for the answers of the one before.
    const running = []
    for (const { load, seconds, phase } of phases) {
      const outcomes = openLoop(urls, CAPACITY * load, seconds, { askOnce: askPatiently })
      running.push({ phase, outcomes })
      await new Promise(resolve => setTimeout(resolve, seconds * 1000))
    }
    for (const { phase, outcomes } of running) {
      const all = await outcomes
      const good = all.filter(({ status }) => status === 200)
      rows.push({
        gateway: name,
        phase,
        'answered %': ((100 * good.length) / all.length).toFixed(1),
        'p50 ms': quantileMs(good, 0.5),
        'p99 ms': quantileMs(good, 0.99),
      })
    }
    await Promise.all([...upstreams, ...gateways].map(stopPart))
  }
  console.log(
    `\nSurge: three gateways, capacity ${CAPACITY} requests/s, 0.7 x, then 2 x for 3 s, then 0.7 x again`,
  )
  console.table(rows)
}

/** One of three recommenders is stopped (it neither answers nor refuses) 2 s into 8 s of reads at two gateways. */
async function zone(): Promise<void> {
  const rows = []
  for (const ratePerSecond of [100, 500]) {
    for (const [name, settings] of [
      ['nothing', { GW_RETRY_BURST: '0', GW_RETRY_PER_SECOND: '0' }],
      ['10 %', { GW_RETRY_BURST: '1', GW_RETRY_PER_SECOND: '0' }],
      ['10 %, burst 50 (default)', {}],
      ['everything', { GW_RETRY_BURST: '100000', GW_RETRY_RATIO: '1' }],
    ] as const) {
      const upstreams = await Promise.all(
        [0, 1, 2].map(() => startPart('run-upstream', { SERVICE_MS: '10' })),
      )
      const gateways = await Promise.all([0, 1].map(() => startGatewayBefore(upstreams, settings)))
      setTimeout(() => upstreams[0]?.process.kill('SIGSTOP'), 2000)
      const outcomes = await openLoop(gateways.map(urlOf), ratePerSecond, 8)
      const sums = async (prefix: string) => {
        const each = await Promise.all(gateways.map(gateway => metric(gateway, prefix)))
        return each.reduce((sum, value) => sum + value, 0)
      }
      const sent =
        (await sums('gateway_upstream_requests_total')) -
        (await sums('gateway_upstream_requests_total{outcome="connect"}'))
      rows.push({
        'reads/s': ratePerSecond,
        budget: name,
        failed: outcomes.filter(({ status }) => status !== 200).length,
        'slower than 1 s': outcomes.filter(({ latencyMs }) => latencyMs > 1000).length,
        'worst ms': quantileMs(outcomes, 1),
        hedges: await sums('gateway_hedges_total{outcome="sent"}'),
        refused: await sums('gateway_hedges_total{outcome="refused"}'),
        amplification: (sent / outcomes.length).toFixed(3),
      })
      await Promise.all([...upstreams, ...gateways].map(stopPart))
    }
  }
  console.log('\nOne of three recommenders falls silent; the retry budget and what comes of it')
  console.table(rows)
}

/** Reads offered to a deployed group at a fixed rate through its edge: its capacity and what it does beyond. */
async function deployed(url: string): Promise<void> {
  const songs = (await (await fetch(`${url}/songs?limit=1`)).json()) as { songs: { hash: string }[] }
  const rows = []
  for (const path of ['/', `/songs/${songs.songs[0]?.hash}`]) {
    for (const ratePerSecond of [200, 500, 750, 1000]) {
      const outcomes = await openLoop([url], ratePerSecond, 8, { path })
      const admitted = outcomes.filter(({ status }) => status === 200)
      const shed = outcomes.filter(({ status }) => status === 503)
      rows.push({
        path: path.slice(0, 12),
        'offered/s': ratePerSecond,
        'answered/s': Math.round(admitted.length / 8),
        shed: shed.length,
        failed: outcomes.length - admitted.length - shed.length,
        'p50 ms': quantileMs(admitted, 0.5),
        'p99 ms': quantileMs(admitted, 0.99),
        'shed p50 ms': quantileMs(shed, 0.5),
      })
      await new Promise(resolve => setTimeout(resolve, 3000))
    }
  }
  console.log(`\nOffered to ${url} for 8 s each`)
  console.table(rows)
}

const BENCHES: Readonly<Record<string, () => Promise<void>>> = { throughput, overload, surge, zone }
const ROLES: Readonly<Record<string, () => void>> = { 'run-upstream': runUpstream, 'run-gateway': runGateway }

const [wanted, url] = process.argv.slice(2)
if (wanted === 'deployed' && url !== undefined) await deployed(url)
else if (wanted !== undefined && ROLES[wanted] !== undefined) ROLES[wanted]()
else if (wanted !== undefined && BENCHES[wanted] === undefined) {
  console.error(
    `Cannot run '${wanted}': the benches are ${Object.keys(BENCHES).join(', ')}, and deployed URL`,
  )
  process.exit(2)
} else {
  for (const [name, bench] of Object.entries(BENCHES))
    if (wanted === undefined || wanted === name) await bench()
}
