import http from 'node:http'
import https from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { CoreV1Api } from '@kubernetes/client-node'
import { SHARED_NAMESPACE } from '../platform/topology.ts'
import { MirrorRefused, type RunMirror } from './publish.ts'

/** The API server passes on what is sent here, on every cluster alike, and keeps `authorization` for itself. */
const ONCALL = `/api/v1/namespaces/${SHARED_NAMESPACE}/services/oncall:http/proxy`
const TOKEN_HEADER = 'x-divergence-token'
const TOKEN = { namespace: SHARED_NAMESPACE, name: 'oncall-tokens', key: 'runner' } as const

/** Of an answer that is told as a reason, characters. */
const LONGEST_REASON = 300

type Call = {
  readonly method: 'POST' | 'PUT'
  readonly path: string
  readonly type: string
  readonly body: string
}

/** oncall, by the API server that a kubeconfig names. */
export function oncallMirror(config: KubeConfig): RunMirror {
  const core = config.makeApiClient(CoreV1Api)
  let token: string | undefined
  const tokenNow = async (): Promise<string> => {
    if (token !== undefined) return token
    const { namespace, name, key } = TOKEN
    const { data } = await core.readNamespacedSecret({ namespace, name })
    const encoded = data?.[key]
    if (encoded === undefined) throw new Error(`Secret ${namespace}/${name} has no key '${key}'`)
    token = Buffer.from(encoded, 'base64').toString()
    return token
  }
  const call = async (request: Call, signal: AbortSignal): Promise<void> => {
    const { status, body } = await send(config, request, await tokenNow(), signal)
    if (status >= 200 && status < 300) return
    // A token that was made anew is read anew.
    if (status === 401) token = undefined
    const reason = `oncall said ${status}, ${body.slice(0, LONGEST_REASON)}`
    throw status === 400 || status === 413 ? new MirrorRefused(reason) : new Error(reason)
  }
  return {
    send: (runId, message, signal) =>
      call(
        {
          method: 'POST',
          path: `/api/runs/${runId}/entries`,
          type: 'application/json',
          body: JSON.stringify(message),
        },
        signal,
      ),
    report: (runId, html, signal) =>
      call({ method: 'PUT', path: `/api/runs/${runId}/report`, type: 'text/html', body: html }, signal),
  }
}

async function send(
  config: KubeConfig,
  { method, path, type, body }: Call,
  token: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  const server = config.getCurrentCluster()?.server.replace(/\/$/, '') ?? ''
  const options: https.RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const { request: open } = server.startsWith('http:') ? http : https
  const request = open(
    `${server}${ONCALL}${path}`,
    {
      ...options,
      method,
      signal,
      headers: {
        ...options.headers,
        'content-type': type,
        'content-length': Buffer.byteLength(body),
        [TOKEN_HEADER]: token,
      },
    },
    response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      )
    },
  )
  request.on('error', reject)
  request.end(body)
  return promise
}
