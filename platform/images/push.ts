import type { Progress } from '../cluster/cluster.ts'
import type { RunCommand } from './build.ts'

/** HTTP status of a HEAD request, or undefined where nobody answers. */
export type AskStatus = (url: string, signal: AbortSignal) => Promise<number | undefined>

/** Media types of what `docker push` uploads; without them a registry answers for an older format. */
const MANIFESTS =
  'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'

export const askStatus: AskStatus = async (url, signal) => {
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(5000)])
    return (await fetch(url, { method: 'HEAD', headers: { accept: MANIFESTS }, signal: limited })).status
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

export type PushRequest = {
  /** Tag in the local Docker engine. */
  readonly tag: string
  /** `REGISTRY/NAME:HASH` */
  readonly reference: string
}

/**
 * Uploads an image unless the registry has it. A registry that does not answer such questions to strangers is pushed to
 * in any case: that costs little when it has the layers.
 */
export async function push(
  { tag, reference }: PushRequest,
  tools: { readonly run: RunCommand; readonly ask: AskStatus },
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  if ((await tools.ask(manifestUrl(reference), signal)) === 200) return
  progress('uploading to the registry')
  const hint = `Is the registry reachable from this machine, and are you logged in? Try: docker push ${reference}`
  await tools.run('docker', ['tag', tag, reference], { signal })
  try {
    await tools.run('docker', ['push', '--quiet', reference], { signal, hint })
  } catch (error) {
    if (!hasItAlready(error)) throw error
  } finally {
    // The tag is only for the upload; an aborted one must not leave it behind either.
    await tools.run('docker', ['image', 'rm', '--no-prune', reference])
  }
}

/**
 * A registry whose tags are immutable refuses one that it has, the same image too (ECR: aws/containers-roadmap#2179). A tag
 * is the hash of what is in the image: what is there is this image.
 */
function hasItAlready(error: unknown): boolean {
  return error instanceof Error && /already exists in the .+ repository .+ immutable/.test(error.message)
}

/** Where a registry answers for a manifest. Docker speaks plain HTTP with registries on the machine itself, and only there. */
export function manifestUrl(reference: string): string {
  const [, host = '', path = '', tag = ''] = /^([^/]+)\/(.+):([^:/]+)$/.exec(reference) ?? []
  const scheme = /^(127\.|localhost(:|$)|\[::1\])/.test(host) ? 'http' : 'https'
  return `${scheme}://${host}/v2/${path}/manifests/${tag}`
}
