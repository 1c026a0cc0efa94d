import type { KubeConfig } from '@kubernetes/client-node'
import { CoreV1Api } from '@kubernetes/client-node'
import { SHARED_NAMESPACE } from '../platform/topology.ts'
import { askOncall } from './oncall-proxy.ts'
import { MirrorRefused, type RunMirror } from './publish.ts'

/** Not `authorization`: the API server keeps that for itself. */
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
  const call = async ({ method, path, type, body: sent }: Call, signal: AbortSignal): Promise<void> => {
    const headers = { 'content-type': type, [TOKEN_HEADER]: await tokenNow() }
    const { status, body } = await askOncall(config, { method, path, headers, body: sent }, signal)
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
