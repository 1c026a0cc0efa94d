import { ApiException, KubeConfig } from '@kubernetes/client-node'
import type { ClusterAccess } from './cluster/cluster.ts'
import { UserError } from './errors.ts'

/**
 * The kubeconfig of a cluster, set to its context.
 *
 * @throws UserError when there is no such file, it cannot be read, or it has no such context
 */
export function kubeConfigOf({ kubeconfigPath, context }: ClusterAccess): KubeConfig {
  const config = new KubeConfig()
  try {
    config.loadFromFile(kubeconfigPath)
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new UserError(
      missing ? 'KUBECONFIG_MISSING' : 'KUBECONFIG_UNREADABLE',
      `Cannot use context '${context}': ${missing ? `there is no kubeconfig '${kubeconfigPath}'` : `'${kubeconfigPath}' is no kubeconfig that can be read, ${reasonOf(cause)}`}`,
      'Pass --kubeconfig with the file that has the context, or set KUBECONFIG to it.',
      { cause },
    )
  }
  const names = config.getContexts().map(({ name }) => name)
  if (!names.includes(context)) {
    throw new UserError(
      'CONTEXT_UNKNOWN',
      `Cannot use context '${context}': '${kubeconfigPath}' has ${names.join(', ') || 'no contexts'}`,
      'Pass --context with one of these names, or set KUBECONFIG to the file that has it.',
    )
  }
  config.setCurrentContext(context)
  return config
}

/** What a person can use of an error: not the headers of an answer, and what is under `fetch failed`. */
export function reasonOf(error: unknown): string {
  if (error instanceof ApiException) return `the API server said ${error.code}`
  if (!(error instanceof Error)) return String(error)
  const { message, code } = (error.cause ?? {}) as Partial<NodeJS.ErrnoException>
  // A name of two addresses fails twice, and the sum of both has no message.
  return message || code || error.message
}
