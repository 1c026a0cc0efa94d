import http from 'node:http'
import https from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { SHARED_NAMESPACE } from '../platform/topology.ts'

/** The API server passes on what is sent here, on every cluster alike, and keeps `authorization` for itself. */
const ONCALL = `/api/v1/namespaces/${SHARED_NAMESPACE}/services/oncall:http/proxy`

export type OncallRequest = {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Below oncall's own root, with its query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export type OncallAnswer = { readonly status: number; readonly body: string }

/** Asks oncall by the API server that a kubeconfig names. Rejects when that one cannot be reached. */
export async function askOncall(
  config: KubeConfig,
  { method, path, headers, body }: OncallRequest,
  signal: AbortSignal,
): Promise<OncallAnswer> {
  const server = config.getCurrentCluster()?.server.replace(/\/$/, '') ?? ''
  const options: https.RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  const { promise, resolve, reject } = Promise.withResolvers<OncallAnswer>()
  const { request: open } = server.startsWith('http:') ? http : https
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const request = open(
    `${server}${ONCALL}${path}`,
    { ...options, method, signal, headers: { ...options.headers, ...headers, ...length } },
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
