import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { UserError } from '../../../platform/errors.ts'
import { type Policy, policySchema } from './policy.ts'

/**
 * Reads the policy that oncall is deployed with.
 *
 * @param path null: there is none
 * @throws UserError POLICY_FILE when it cannot be read, or says something else
 */
export async function readPolicy(path: string | null): Promise<Policy | null> {
  if (path === null) return null
  try {
    return policySchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause)
    throw new UserError(
      'POLICY_FILE',
      `Cannot read the policy '${path}': ${reason}`,
      'It is rendered by `divergence up`; without OC_POLICY_FILE oncall runs without one.',
      { cause },
    )
  }
}
