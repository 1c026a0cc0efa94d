import { readFile } from 'node:fs/promises'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { Agent, request } from 'node:https'
import { join } from 'node:path'

/** What a pod finds its account's credentials in. */
const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'
/** Until an answer is there, or a stream has begun. */
const TIMEOUT_MS = 3_000
/** A list of the pods of a node is far below it. */
const MOST_BYTES = 8 * 1024 * 1024
/** Two for what is asked, and one for each of the two streams, which hold theirs all the time. */
const MOST_CONNECTIONS = 4
/** After this time without a byte the kernel probes a connection; ten probes later, a second each, it gives it up. */
const PROBE_AFTER_MS = 5_000

export type Answer = {
  readonly status: number
  /** Parsed JSON; null when there was none. */
  readonly body: unknown
}

/** The few requests that an agent makes of the API server. */
export type Kubernetes = {
  /** @param path from the root, such as `/api/v1/nodes/a`; names in it are encoded by the caller */
  get(path: string): Promise<Answer>
  /** As a JSON merge patch. */
  patch(path: string, body: unknown): Promise<Answer>
  /** With all that it made. */
  remove(path: string): Promise<Answer>
}

/** What happens to objects, told as it happens. */
export type EventStreams = {
  /**
   * Ends when the server ends it.
   *
   * @param path of a watch, with its query
   * @param signal breaks it off, at any time
   * @throws Error when the server refuses, does not begin within 3 s, breaks off, or is broken off
   */
  events(path: string, signal: AbortSignal): AsyncIterable<unknown>
}

/** Sends a request to one server. */
export type Send = (options: RequestOptions, onResponse: (response: IncomingMessage) => void) => ClientRequest

/** Speaks with the account of the pod. The token is read each time: Kubernetes changes it every hour. */
export async function podKubernetes(
  env: Readonly<Record<string, string | undefined>>,
  folder: string = ACCOUNT_FOLDER,
): Promise<Kubernetes & EventStreams> {
  const host = env.KUBERNETES_SERVICE_HOST
  const port = env.KUBERNETES_SERVICE_PORT
  if (!host || !port) {
    throw new Error(
      'Cannot find the API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set',
    )
  }
  const ca = await readFile(join(folder, 'ca.crt'))
  const agent = new Agent({
    keepAlive: true,
    keepAliveMsecs: PROBE_AFTER_MS,
    maxSockets: MOST_CONNECTIONS,
    ca,
  })
  return kubernetesOver(
    (options, onResponse) => request({ host, port, agent, ...options }, onResponse),
    async () => (await readFile(join(folder, 'token'), 'utf8')).trim(),
  )
}

/** @param readToken asked before each request */
export function kubernetesOver(send: Send, readToken: () => Promise<string>): Kubernetes & EventStreams {
  const open = async (signal: AbortSignal, options: RequestOptions, payload?: string) => {
    const headers = {
      ...options.headers,
      authorization: `Bearer ${await readToken()}`,
      accept: 'application/json',
    }
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const question = send({ ...options, headers, signal }, resolve)
    question.on('error', reject)
    question.end(payload)
    // The signal ends the answer as well, for as long as it comes.
    return (await promise).setEncoding('utf8')
  }
  const ask = async (method: string, path: string, body?: unknown, contentType = 'application/json') => {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers =
      payload === undefined
        ? {}
        : { 'content-type': contentType, 'content-length': Buffer.byteLength(payload) }
    return await answerOf(await open(AbortSignal.timeout(TIMEOUT_MS), { method, path, headers }, payload))
  }
  return {
    get: path => ask('GET', path),
    patch: (path, body) => ask('PATCH', path, body, 'application/merge-patch+json'),
    remove: path =>
      ask('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }),
    async *events(path, signal) {
      const response = await inTime(signal, given => open(given, { method: 'GET', path }))
      if (response.statusCode !== 200) throw new Error(reasonOf(await answerOf(response)))
      yield* jsonLines(response)
    },
  }
}

/** What the API server says went wrong. */
export function reasonOf({ status, body }: Answer): string {
  const message = (body as { message?: unknown } | null)?.message
  return `the API server said ${status}${typeof message === 'string' ? `, ${message}` : ''}`
}

/** @param work given a signal that is aborted with `signal`, and when the work has not ended in time */
async function inTime<T>(signal: AbortSignal, work: (given: AbortSignal) => Promise<T>): Promise<T> {
  const given = new AbortController()
  // Goes on after the work has ended: what it opened is broken off by the same signal.
  signal.addEventListener('abort', () => given.abort(signal.reason), { once: true })
  const tooLate = new Error(`Cannot open a stream: it did not begin within ${TIMEOUT_MS / 1000} s`)
  const timer = setTimeout(() => given.abort(tooLate), TIMEOUT_MS)
  try {
    signal.throwIfAborted()
    return await work(given.signal)
  } catch (error) {
    throw given.signal.reason === tooLate ? tooLate : error
  } finally {
    clearTimeout(timer)
  }
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  let text = ''
  for await (const chunk of response) {
    text += chunk
    if (text.length > MOST_BYTES) throw new Error('the answer is too long')
  }
  return { status: response.statusCode ?? 0, body: parse(text) }
}

async function* jsonLines(chunks: AsyncIterable<string>): AsyncGenerator<unknown> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MOST_BYTES) throw new Error('an event is too long')
    for (const line of lines) if (line !== '') yield JSON.parse(line)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
