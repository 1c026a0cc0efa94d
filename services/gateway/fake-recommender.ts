import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { type GatewayConfig, parseConfig } from './config.ts'
import { type Gateway, startGateway, type Telling } from './gateway.ts'

/** What a fake recommender was asked. */
export type Asked = {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers a request whose body was read. */
export type Behaviour = (response: ServerResponse, asked: Asked) => void

/** A real HTTP server on 127.0.0.1 that behaves, or misbehaves, as a test says. */
export class FakeRecommender {
  readonly asked: Asked[] = []
  behaviour: Behaviour
  readonly #server: Server
  readonly port: number

  private constructor(server: Server, behaviour: Behaviour) {
    this.#server = server
    this.behaviour = behaviour
    this.port = (server.address() as AddressInfo).port
  }

  static async start(behaviour: Behaviour): Promise<FakeRecommender> {
    const late: { fake?: FakeRecommender } = {}
    const listener: RequestListener = (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () => {
        const { method = '', url = '', headers } = request
        const asked = { method, url, headers, body: Buffer.concat(chunks).toString() }
        late.fake?.asked.push(asked)
        late.fake?.behaviour(response, asked)
      })
    }
    const server = createServer(listener)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    late.fake = new FakeRecommender(server, behaviour)
    return late.fake
  }

  get authority(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Stops as a killed pod does: open connections are reset, new ones refused. */
  async stop(): Promise<void> {
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}

/** Answers 200 with a small JSON body. */
export const healthy: Behaviour = response => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
}

/** Takes the request and never answers. */
export const silent: Behaviour = () => {}

/** Holds answers back until they are released: all, and all to come, or only the one that was asked for as `nth`. */
export function held(): { readonly behaviour: Behaviour; readonly release: (nth?: number) => void } {
  const waiting: (() => void)[] = []
  let released = false
  return {
    behaviour: (response, asked) => {
      if (released) healthy(response, asked)
      else waiting.push(() => healthy(response, asked))
    },
    release: nth => {
      if (nth !== undefined) {
        waiting[nth]?.()
        return
      }
      released = true
      for (const answer of waiting) answer()
    },
  }
}

/** Answers `status` with a problem body. */
export const failing =
  (status: number): Behaviour =>
  response => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(`{"status":${status}}`)
  }

/** Breaks the connection off without an answer. */
export const resetting: Behaviour = response => {
  response.destroy()
}

/**
 * Settings of the gateway for tests, and `env` on top of them. Looking up and draining are quick; tries are so patient that
 * a busy machine makes none overdue: a test of slowness sets its own times.
 */
export function testConfig(env: Readonly<Record<string, string>> = {}): GatewayConfig {
  return parseConfig({
    GW_UPSTREAM_HOST: 'recommender.test',
    GW_LISTEN_HOST: '127.0.0.1',
    GW_LISTEN_PORT: '0',
    GW_METRICS_PORT: '0',
    GW_DNS_REFRESH_MS: '10',
    GW_READ_TRY_MS: '4000',
    GW_READ_DEADLINE_MS: '4000',
    GW_WRITE_TRY_MS: '4000',
    GW_WRITE_DEADLINE_MS: '4000',
    GW_EJECT_MS: '60000',
    GW_DRAIN_NOTICE_MS: '30',
    GW_DRAIN_DEADLINE_MS: '200',
    ...env,
  })
}

/** A gateway in front of fakes, and what a test asks about it. */
export type Scene = {
  readonly gateway: Gateway
  readonly url: string
  /** Lines of the log. */
  readonly events: readonly string[]
  /** The endpoints that DNS names from the next look-up on. */
  readonly setEndpoints: (authorities: readonly string[]) => void
  /** Lets every look-up from now on fail, or succeed again. */
  readonly failLookups: (failing: boolean) => void
  /** How often DNS was asked. */
  readonly lookups: () => number
  /** Sum of the metric lines that start with `prefix`; 0 when there is none. */
  readonly metric: (prefix: string) => Promise<number>
}

export async function startScene(
  authorities: readonly string[],
  env: Readonly<Record<string, string>> = {},
  telling?: Telling,
): Promise<Scene> {
  let named = authorities
  let lookups = 0
  let failing = false
  const events: string[] = []
  const gateway = await startGateway(
    testConfig(env),
    async () => {
      lookups += 1
      if (failing) throw new Error('no name server answers')
      return named
    },
    event => events.push(event),
    telling,
  )
  return {
    gateway,
    events,
    url: `http://127.0.0.1:${gateway.port}`,
    lookups: () => lookups,
    failLookups: value => {
      failing = value
    },
    setEndpoints: next => {
      named = next
    },
    metric: async prefix => {
      const answer = await fetch(`http://127.0.0.1:${gateway.metricsPort}/metrics`)
      const lines = (await answer.text()).split('\n').filter(line => line.startsWith(prefix))
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
  }
}

/** Waits until `holds` does. @throws Error when it never did */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const givenUpAtMs = performance.now() + 5000
  while (!(await holds())) {
    if (performance.now() > givenUpAtMs) throw new Error(`Cannot wait any longer: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
