import { Resolver } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { Pool } from 'undici'
import { Breaker, type BreakerLimits } from './breaker.ts'

export type EndpointLimits = {
  readonly connectTimeoutMs: number
  /** Idle connections are closed after that long; must be below the upstream's own keep-alive. */
  readonly idleMs: number
  readonly connections: number
  /** Most silence within an answer's body, milliseconds. */
  readonly bodyIdleMs: number
}

/** One recommender: its connections, its breaker, and how busy it is with us. */
export type Endpoint = {
  /** `address:port`. */
  readonly authority: string
  readonly breaker: Breaker
  pool: Pool
  /** Tries that it works on, those that nobody waits for any more among them. */
  inFlight: number
  /** Those. */
  readonly letGo: Set<{ readonly abandon: () => void }>
}

/** Tells of changes that a person should see in log and metrics. */
export type EndpointObserver = {
  readonly breaker: (authority: string, open: boolean) => void
  readonly appeared: (authority: string) => void
  readonly gone: (authority: string) => void
  readonly lookupFailed: (error: unknown) => void
  /** A look-up ended, well or not, after so many seconds. */
  readonly lookedUp: (outcome: 'ok' | 'failed', seconds: number) => void
}

/** Finds the authorities (`address:port`) of all endpoints. */
export type Lookup = () => Promise<readonly string[]>

/** Looks `host` up with a resolver of its own, so that a slow name server cannot occupy the thread pool. */
export function dnsLookup(host: string, port: number): Lookup {
  if (isIPv4(host)) return async () => [`${host}:${port}`]
  const resolver = new Resolver({ timeout: 300, tries: 2 })
  // The final dot keeps the resolver from trying the search domains first.
  const absolute = host.endsWith('.') ? host : `${host}.`
  return async () => (await resolver.resolve4(absolute)).map(address => `${address}:${port}`)
}

/** The recommenders that DNS names, and the choice among them. */
export class Endpoints {
  readonly #lookup: Lookup
  readonly #limits: EndpointLimits
  readonly #breakerLimits: BreakerLimits
  readonly #observer: EndpointObserver
  readonly #nowMs: () => number
  #known: readonly Endpoint[] = []
  #turn = 0
  #timer: NodeJS.Timeout | undefined

  constructor(
    lookup: Lookup,
    limits: EndpointLimits,
    breakerLimits: BreakerLimits,
    observer: EndpointObserver,
    nowMs: () => number,
  ) {
    this.#lookup = lookup
    this.#limits = limits
    this.#breakerLimits = breakerLimits
    this.#observer = observer
    this.#nowMs = nowMs
  }

  get size(): number {
    return this.#known.length
  }

  /** Looks the endpoints up once. A failure or an empty answer keeps those known: stale is better than none. */
  async refresh(): Promise<void> {
    let authorities: readonly string[]
    const beganMs = this.#nowMs()
    const seconds = () => (this.#nowMs() - beganMs) / 1000
    try {
      authorities = await this.#lookup()
      this.#observer.lookedUp('ok', seconds())
    } catch (error) {
      this.#observer.lookedUp('failed', seconds())
      this.#observer.lookupFailed(error)
      return
    }
    if (authorities.length === 0) return
    const kept = this.#known.filter(endpoint => authorities.includes(endpoint.authority))
    for (const endpoint of this.#known) {
      if (kept.includes(endpoint)) continue
      this.#retire(endpoint)
      this.#observer.gone(endpoint.authority)
    }
    const added = authorities
      .filter(authority => !kept.some(endpoint => endpoint.authority === authority))
      .map(authority => this.#make(authority))
    this.#known = [...kept, ...added]
    for (const endpoint of added) this.#observer.appeared(endpoint.authority)
  }

  /** Refreshes now and then every `everyMs` after the last look-up ended. */
  async start(everyMs: number): Promise<void> {
    await this.refresh()
    const again = () => {
      this.#timer = setTimeout(async () => {
        await this.refresh()
        if (this.#timer !== undefined) again()
      }, everyMs)
      this.#timer.unref()
    }
    again()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await Promise.allSettled(this.#known.map(endpoint => endpoint.pool.destroy()))
  }

  /**
   * The least busy endpoint that is not in `tried`, ties broken in turn. An ejected one only when there is no other:
   * a wrong ejection must not become an outage.
   */
  pick(tried: readonly Endpoint[]): Endpoint | undefined {
    return (
      this.#leastBusy(endpoint => endpoint.breaker.admits && !tried.includes(endpoint)) ??
      this.#leastBusy(endpoint => !tried.includes(endpoint))
    )
  }

  /** Whether an endpoint is left that is not in `tried` and not ejected. */
  hasFresh(tried: readonly Endpoint[]): boolean {
    return this.#known.some(endpoint => endpoint.breaker.admits && !tried.includes(endpoint))
  }

  /** Notes that `endpoint` answered in time. */
  succeeded(endpoint: Endpoint): void {
    if (endpoint.breaker.succeed()) this.#observer.breaker(endpoint.authority, false)
  }

  /**
   * Notes that `endpoint` failed; `hard` when it could not be reached at all. For being slow or erring only a minority
   * is ejected: when most are, the load is the cause, and fewer endpoints would make it worse.
   */
  failed(endpoint: Endpoint, hard: boolean): void {
    const wasOpen = endpoint.breaker.open
    const ejected = this.#known.filter(({ breaker }) => breaker.open).length
    if (!endpoint.breaker.fail(hard, ejected + 1 <= this.#known.length / 2)) return
    if (!wasOpen) this.#observer.breaker(endpoint.authority, true)
    // The probe shall open a new connection: on an old one to a dead node it would be sent and wait in vain,
    // on a new one it fails within the connect time-out and has sent nothing.
    this.#retire(endpoint)
    endpoint.pool = this.#makePool(endpoint.authority)
  }

  #leastBusy(fits: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    const known = this.#known
    let best: Endpoint | undefined
    for (let step = 0; step < known.length; step++) {
      const endpoint = known[(this.#turn + step) % known.length]
      if (endpoint === undefined || !fits(endpoint)) continue
      if (best === undefined || endpoint.inFlight < best.inFlight) best = endpoint
    }
    if (best !== undefined) this.#turn = (this.#turn + 1) % known.length
    return best
  }

  #make(authority: string): Endpoint {
    return {
      authority,
      breaker: new Breaker(this.#breakerLimits, this.#nowMs),
      pool: this.#makePool(authority),
      inFlight: 0,
      letGo: new Set(),
    }
  }

  #makePool(authority: string): Pool {
    return new Pool(`http://${authority}`, {
      connections: this.#limits.connections,
      connect: { timeout: this.#limits.connectTimeoutMs },
      keepAliveTimeout: this.#limits.idleMs,
      keepAliveMaxTimeout: this.#limits.idleMs,
      // The exchange has its own clock for the time until the answer begins.
      headersTimeout: 0,
      bodyTimeout: this.#limits.bodyIdleMs,
    })
  }

  /** Lets the tries end that somebody waits for (each has its own deadline), then closes the connections. */
  #retire({ pool, letGo }: Endpoint): void {
    for (const attempt of [...letGo]) attempt.abandon()
    pool.close().catch(() => pool.destroy())
  }
}
