import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { join } from 'node:path'

/** What a pod finds its account's credentials in. */
const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'
const TIMEOUT_MS = 3_000
/** A list of the pods of a node is far below it. */
const MOST_BYTES = 8 * 1024 * 1024

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

/** Speaks with the account of the pod. The token is read each time: Kubernetes changes it every hour. */
export async function podKubernetes(
  env: Readonly<Record<string, string | undefined>>,
  folder: string = ACCOUNT_FOLDER,
): Promise<Kubernetes> {
  const host = env.KUBERNETES_SERVICE_HOST
  const port = env.KUBERNETES_SERVICE_PORT
  if (!host || !port) {
    throw new Error(
      'Cannot find the API server: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set',
    )
  }
  const ca = await readFile(join(folder, 'ca.crt'))
  const agent = new Agent({ keepAlive: true, maxSockets: 2, ca })
  const send = async (method: string, path: string, body?: unknown, contentType = 'application/json') => {
    const token = (await readFile(join(folder, 'token'), 'utf8')).trim()
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const question = request(
      {
        host,
        port,
        path,
        method,
        agent,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          ...(payload === undefined
            ? {}
            : { 'content-type': contentType, 'content-length': Buffer.byteLength(payload) }),
        },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      response => {
        const chunks: Buffer[] = []
        let length = 0
        response.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > MOST_BYTES) question.destroy(new Error('the answer is too long'))
          else chunks.push(chunk)
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString('utf8')) }),
        )
      },
    )
    question.on('error', reject)
    question.end(payload)
    return await promise
  }
  return {
    get: path => send('GET', path),
    patch: (path, body) => send('PATCH', path, body, 'application/merge-patch+json'),
    remove: path =>
      send('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }),
  }
}

/** What the API server says went wrong. */
export function reasonOf({ status, body }: Answer): string {
  const message = (body as { message?: unknown } | null)?.message
  return `the API server said ${status}${typeof message === 'string' ? `, ${message}` : ''}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
