/**
 * What telemetry costs the gateway: requests a second, CPU time of a request and latency, with nothing switched on, with
 * the sampling of the lab, with its share alone, with every request traced, and with the packages' own instrumentation
 * instead of the gateway's. The lab keeps a share of the requests, and no more than a bound of traces in each second: here,
 * where a gateway is driven to its limit, the bound is what counts.
 * All gateways run on this machine beside each other, before the same recommender. For requests a second and latency they
 * are asked in turn, for CPU time all at once, so that the machine's moods hit all alike: the ratios count, not the
 * figures. On a machine that does something else as well, only that of CPU time is steady.
 *
 *   node bench/telemetry.ts [rounds]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { quantileSorted } from 'simple-statistics'
import { Pool } from 'undici'

const SELF = fileURLToPath(import.meta.url)
const GATEWAY = fileURLToPath(new URL('../services/gateway/main.ts', import.meta.url))
const REGISTER = new URL('../instrumentation/register.ts', import.meta.url).href
const SONG = '/songs/0123456789abcdef0123456789abcdef'

const CLIENTS = 32
/** Of each gateway, when all are asked at once. */
const CLIENTS_TOGETHER = 8
const TOGETHER_SECONDS = 2
const WARM_SECONDS = 2
/** Short, so that what is compared is measured under the same load of the machine. */
const ROUND_SECONDS = 0.5
/** Of the open loop in each round. */
const PACED_SECONDS = 0.5
/** Requests a second of the open loop that measures latency: far below what any of them can. */
const PACED_PER_SECOND = 300

/** On a busy machine a gateway would shed and repeat requests, and the bench would measure that. */
const PATIENT = {
  GW_READ_TRY_MS: '30000',
  GW_READ_DEADLINE_MS: '30000',
  GW_LATENCY_TARGET_MS: '30000',
  GW_QUEUE_WAIT_MS: '30000',
  GW_CONNECT_TIMEOUT_MS: '10000',
  GW_QUEUE_LENGTH: '1000',
}

type Variant = {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  readonly registered: boolean
}
type Gateway = { readonly process: ChildProcess; readonly port: number; readonly metricsPort: number }
type Samples = {
  readonly variant: Variant
  readonly gateway: Gateway
  readonly rates: number[]
  readonly cpuMicros: number[]
  readonly latenciesMs: number[]
}

/** What the lab sets, with another share of sampled requests. */
const traced = (sink: number, share: string) => ({
  OTEL_TRACES_EXPORTER: 'zipkin',
  OTEL_EXPORTER_ZIPKIN_ENDPOINT: `http://127.0.0.1:${sink}/api/v2/spans`,
  OTEL_SERVICE_NAME: 'gateway',
  OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'none',
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: share,
  SENTRY_DSN: `http://key@127.0.0.1:${sink}/1`,
})

function variants(sink: number): readonly Variant[] {
  return [
    { name: 'off', settings: {}, registered: false },
    { name: 'registered, nothing switched on', settings: {}, registered: true },
    {
      name: '5 % sampled, 20 a second at most, as deployed',
      settings: { ...traced(sink, '0.05'), TRACES_PER_SECOND: '20' },
      registered: true,
    },
    { name: '5 % sampled, no bound', settings: traced(sink, '0.05'), registered: true },
    { name: '100 % sampled', settings: traced(sink, '1'), registered: true },
    {
      name: '5 %, no bound, and http instrumented by its package',
      settings: { ...traced(sink, '0.05'), OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http' },
      registered: true,
    },
  ]
}

/** A recommender that answers at once, and a store that takes spans and events and forgets them. */
function runUpstream(): void {
  const body = JSON.stringify({
    name: 'song',
    instruments: Array.from({ length: 12 }, (_, code) => ({ code })),
  })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const server = createServer((request, response) => {
    if (request.method === 'GET') response.writeHead(200, headers).end(body)
    else request.resume().once('end', () => response.writeHead(202).end())
  })
  server.keepAliveTimeout = 75_000
  server.listen(0, '127.0.0.1', () =>
    console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })),
  )
}

/** The first line of JSON that says a port. */
async function startProcess(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<Gateway> {
  const clean = Object.entries(process.env).filter(([name]) => !/^(OTEL_|SENTRY_|GW_|TRACES_)/.test(name))
  const child = spawn(process.execPath, args, {
    env: { ...Object.fromEntries(clean), ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // A bench that is ended early leaves no gateways behind.
  process.once('exit', () => child.kill('SIGKILL'))
  let text = ''
  while (true) {
    const [chunk] = await once(child.stdout, 'data')
    text += String(chunk)
    const line = text.split('\n').find(each => each.includes('"port"') && each.endsWith('}'))
    if (line !== undefined) {
      child.stdout.resume()
      return { process: child, ...JSON.parse(line) }
    }
  }
}

async function startGateway(variant: Variant, upstream: number): Promise<Gateway> {
  const settings = {
    ...variant.settings,
    GW_UPSTREAM_HOST: '127.0.0.1',
    GW_UPSTREAM_PORT: String(upstream),
    GW_LISTEN_HOST: '127.0.0.1',
    GW_LISTEN_PORT: '0',
    GW_METRICS_PORT: '0',
    ...PATIENT,
  }
  return startProcess([...(variant.registered ? ['--import', REGISTER] : []), GATEWAY], settings)
}

async function stop({ process: child }: { readonly process: ChildProcess }): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function ask(pool: Pool): Promise<number> {
  const startedAtMs = performance.now()
  const { statusCode, body } = await pool.request({ method: 'GET', path: SONG })
  await body.dump()
  if (statusCode !== 200) throw new Error(`Cannot measure: status ${statusCode}`)
  return performance.now() - startedAtMs
}

/** Requests per second of clients that ask again as soon as they are answered. */
async function closedLoop(port: number, seconds: number, clients = CLIENTS): Promise<number> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: clients })
  const startedAtMs = performance.now()
  const endMs = startedAtMs + seconds * 1000
  let answered = 0
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await ask(pool)
      answered += 1
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const rate = answered / ((performance.now() - startedAtMs) / 1000)
  await pool.close()
  return rate
}

/** Latencies of requests that start at a fixed rate, however the others fare; milliseconds. */
async function openLoop(port: number, seconds: number): Promise<readonly number[]> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 256 })
  const asked: Promise<number>[] = []
  const startedAtMs = performance.now()
  while (asked.length < PACED_PER_SECOND * seconds) {
    const due = ((performance.now() - startedAtMs) / 1000) * PACED_PER_SECOND
    while (asked.length < Math.min(due, PACED_PER_SECOND * seconds)) asked.push(ask(pool))
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  const latencies = await Promise.all(asked)
  await pool.close()
  return latencies
}

async function cpuSeconds({ metricsPort }: Gateway): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1])
}

/** CPU time of one request while all other gateways are asked as well, microseconds. */
async function cpuMicrosTogether(gateway: Gateway): Promise<number> {
  const before = await cpuSeconds(gateway)
  const startedAtMs = performance.now()
  const rate = await closedLoop(gateway.port, TOGETHER_SECONDS, CLIENTS_TOGETHER)
  const answered = rate * ((performance.now() - startedAtMs) / 1000)
  return (((await cpuSeconds(gateway)) - before) / answered) * 1e6
}

async function memoryMiB({ metricsPort }: Gateway): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / 2 ** 20
}

const quantile = (values: readonly number[], share: number): number =>
  quantileSorted(
    [...values].sort((left, right) => left - right),
    share,
  )

/** Median of the ratios of rounds: each compares two measurements that were taken seconds apart. */
function pairedRatio(values: readonly number[], to: readonly number[]): number {
  return quantile(
    values.map((value, round) => value / (to[round] ?? Number.NaN)),
    0.5,
  )
}

async function measure(samples: readonly Samples[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    // Whoever is asked first has the cooler caches: each round begins with another one.
    const order = samples.map((_, index) => samples[(index + round) % samples.length])
    for (const each of order) {
      if (each === undefined) continue
      each.rates[round] = await closedLoop(each.gateway.port, ROUND_SECONDS)
      each.latenciesMs.push(...(await openLoop(each.gateway.port, PACED_SECONDS)))
    }
    await Promise.all(
      samples.map(async ({ gateway, cpuMicros }) => {
        cpuMicros[round] = await cpuMicrosTogether(gateway)
      }),
    )
  }
}

async function compare(rounds: number): Promise<void> {
  const upstream = await startProcess([SELF, 'run-upstream'], {})
  const samples: Samples[] = []
  try {
    for (const variant of variants(upstream.port)) {
      const gateway = await startGateway(variant, upstream.port)
      samples.push({ variant, gateway, rates: [], cpuMicros: [], latenciesMs: [] })
      await closedLoop(gateway.port, WARM_SECONDS)
    }
    await measure(samples, rounds)
    const off = samples[0]
    const rows = []
    for (const { variant, gateway, rates, cpuMicros, latenciesMs } of samples) {
      rows.push({
        telemetry: variant.name,
        'requests/s': Math.round(quantile(rates, 0.5)),
        'ratio to off': pairedRatio(rates, off?.rates ?? []).toFixed(3),
        'CPU us/request': Math.round(quantile(cpuMicros, 0.5)),
        'CPU ratio to off': pairedRatio(cpuMicros, off?.cpuMicros ?? []).toFixed(3),
        'p50 ms': quantile(latenciesMs, 0.5).toFixed(2),
        'p99 ms': quantile(latenciesMs, 0.99).toFixed(1),
        'memory MiB': Math.round(await memoryMiB(gateway)),
      })
    }
    console.log(
      `\n${CLIENTS} clients, ${rounds} rounds of ${ROUND_SECONDS} s in turn; latency at ${PACED_PER_SECOND} requests/s`,
    )
    console.table(rows)
  } finally {
    await Promise.all([upstream, ...samples.map(({ gateway }) => gateway)].map(stop))
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const [wanted = '20'] = process.argv.slice(2)
if (wanted === 'run-upstream') runUpstream()
else if (/^[1-9]\d?$/.test(wanted)) await compare(Number(wanted))
else {
  console.error(`Cannot run '${wanted}' rounds: they are 1 to 99`)
  process.exit(2)
}
