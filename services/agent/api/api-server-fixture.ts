import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EventStreams, type Kubernetes, kubernetesOver } from './kubernetes.ts'

const COLLECTION = /\/namespaces\/chaos\/(leases|configmaps)$/
const LEASE = /\/leases\/([a-z0-9-]+)$/
const SELECTORS = { leases: 'divergence/fault-lease', configmaps: 'metadata.name=halt' }
const UNCORDON = [{ undo: 'uncordon', node: 'experiment-a' }]

type Kind = 'leases' | 'configmaps'
type Stored = { readonly metadata: { readonly name: string; readonly resourceVersion: string } }
type Event = { readonly version: number; readonly kind: Kind; readonly line: string }
type Stream = { readonly kind: Kind; readonly response: ServerResponse }

/** An API server on a port of its own that keeps leases and the halt, and lets them be listed and watched. */
export class ApiServerFixture {
  /** What it was asked, in order: `list leases`, `watch configmaps`, `PATCH /api/v1/nodes/a`. */
  readonly asked: string[] = []
  /** Streams that begin from now on say nothing and do not end; those that are open say nothing more. */
  isSilent = false
  /** What is answered to changes. */
  changeStatus = 200
  /** What happened before this version is forgotten. */
  #oldest = 0
  #version = 0
  readonly #objects = { leases: new Map<string, Stored>(), configmaps: new Map<string, Stored>() }
  readonly #events: Event[] = []
  readonly #streams = new Set<Stream>()
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null
  #port = 0

  async start(): Promise<void> {
    this.#server = createServer((question, response) => this.#answer(question, response))
    this.#server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.listen(this.#port, '127.0.0.1', resolve)
    await promise
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Without a word to anybody; it may be started again. */
  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server?.close(() => resolve())
    for (const socket of this.#sockets) socket.destroy()
    await promise
  }

  get client(): Kubernetes & EventStreams {
    return kubernetesOver(
      (options, onResponse) => request({ host: '127.0.0.1', port: this.#port, ...options }, onResponse),
      async () => 'token',
    )
  }

  has(lease: string): boolean {
    return this.#objects.leases.has(lease)
  }

  setLease(name: string, renewTime: string, durationSeconds = 8): void {
    const annotations = { 'divergence/undo': JSON.stringify(UNCORDON) }
    this.#put('leases', name, { annotations }, { spec: { renewTime, leaseDurationSeconds: durationSeconds } })
  }

  setHalt(isOn: boolean): void {
    if (isOn) this.#put('configmaps', 'halt', {}, { data: { reason: 'test' } })
    else this.#remove('configmaps', 'halt')
  }

  /** Ends all streams in order. */
  endStreams(): void {
    for (const { response } of this.#streams) response.end()
  }

  /** Streams from any version up to now are refused; those that are open are told so. */
  expire(): void {
    this.#oldest = ++this.#version
    for (const { response } of this.#streams) response.end(EXPIRED)
  }

  /** As often as it was asked so. */
  count(what: string): number {
    return this.asked.filter(each => each === what).length
  }

  async streaming(): Promise<void> {
    await eventually(() => new Set([...this.#streams].map(({ kind }) => kind)).size === 2)
  }

  #put(kind: Kind, name: string, metadata: object, rest: object): void {
    const version = ++this.#version
    const type = this.#objects[kind].has(name) ? 'MODIFIED' : 'ADDED'
    const object = { metadata: { name, resourceVersion: String(version), ...metadata }, ...rest }
    this.#objects[kind].set(name, object)
    this.#tell({ version, kind, line: `${JSON.stringify({ type, object })}\n` })
  }

  #remove(kind: Kind, name: string): boolean {
    const object = this.#objects[kind].get(name)
    if (object === undefined) return false
    this.#objects[kind].delete(name)
    this.#tell({ version: ++this.#version, kind, line: `${JSON.stringify({ type: 'DELETED', object })}\n` })
    return true
  }

  #tell(event: Event): void {
    this.#events.push(event)
    for (const { kind, response } of this.#streams) {
      if (kind !== event.kind || this.isSilent) continue
      // In two pieces, as a network may cut it.
      response.write(event.line.slice(0, 20))
      setImmediate(() => response.write(event.line.slice(20)))
    }
  }

  #answer(question: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(question.url ?? '', 'http://fixture')
    const kind = COLLECTION.exec(pathname)?.[1] as Kind | undefined
    if (kind === undefined) {
      json(response, this.#change(question.method ?? '', pathname), {})
      return
    }
    const selector = searchParams.get(kind === 'leases' ? 'labelSelector' : 'fieldSelector')
    const isWatch = searchParams.get('watch') === '1'
    this.asked.push(`${isWatch ? 'watch' : 'list'} ${kind}`)
    const items = [...this.#objects[kind].values()]
    if (question.headers.authorization !== 'Bearer token') json(response, 401, {})
    else if (selector !== SELECTORS[kind]) json(response, 400, { message: `selector ${selector}` })
    else if (isWatch) this.#stream(kind, searchParams, response)
    else json(response, 200, { metadata: { resourceVersion: String(this.#version) }, items })
  }

  #stream(kind: Kind, query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion'))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    if (from < this.#oldest) {
      response.end(EXPIRED)
      return
    }
    const stream = { kind, response }
    this.#streams.add(stream)
    response.on('close', () => this.#streams.delete(stream))
    if (this.isSilent) return
    const missed = this.#events.filter(event => event.kind === kind && event.version > from)
    for (const { line } of missed) response.write(line)
    const timer = setTimeout(
      () => !this.isSilent && response.end(),
      Number(query.get('timeoutSeconds')) * 1000,
    )
    response.on('close', () => clearTimeout(timer))
  }

  /** @returns status */
  #change(method: string, path: string): number {
    this.asked.push(`${method} ${path}`)
    const lease = method === 'DELETE' ? LEASE.exec(path)?.[1] : undefined
    return lease !== undefined && !this.#remove('leases', lease) ? 404 : this.changeStatus
  }
}

const EXPIRED = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } })}\n`

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** @throws Error when it does not come true in time */
export async function eventually(isTrue: () => boolean, withinMs = 20_000): Promise<void> {
  const untilMs = performance.now() + withinMs
  while (!isTrue()) {
    if (performance.now() > untilMs) throw new Error(`not true within ${withinMs} ms: ${isTrue}`)
    await sleep(5)
  }
}
