import type { KubeConfig } from '@kubernetes/client-node'
import { MachineryError, UserError } from '../platform/errors.ts'
import { askOncall, type OncallAnswer } from './oncall-proxy.ts'

/** Of an answer that is told as a reason, characters. */
const LONGEST_REASON = 300
const STATUS_HINT = "Ask './divergence status' what of the lab is not there, then ask again."

/**
 * The report of a week from the records of a lab. Reading needs no token.
 *
 * @param config of the cluster of the lab
 * @param week `2026-W47`, `current` or `last`
 * @throws UserError WEEK_UNKNOWN when there is no such week, LAB_NOT_UP when the cluster has no lab
 * @throws MachineryError when the lab is there and its records cannot be read
 */
export async function fetchWeek(
  config: KubeConfig,
  week: string,
  format: 'json' | 'markdown',
  signal: AbortSignal,
): Promise<string> {
  const path = `/api/weeks/${encodeURIComponent(week)}?format=${format}`
  const answer = await askOncall(config, { method: 'GET', path }, signal).catch((error: unknown) => {
    // Whoever interrupted it knows why.
    if (signal.aborted) throw error
    throw new MachineryError(
      `Cannot read the report of a week: the API server of the cluster does not answer, ${reasonOf(error)}`,
      STATUS_HINT,
      { cause: error },
    )
  })
  if (answer.status === 200) return answer.body
  throw refusal(week, answer)
}

function refusal(week: string, { status, body }: OncallAnswer): Error {
  const told = parsed(body)
  const detail = told.detail ?? told.message ?? body.slice(0, LONGEST_REASON)
  if (status === 400) {
    return new UserError(
      'WEEK_UNKNOWN',
      `Cannot read the report of the week '${week}': there is no such week`,
      `${detail} 'current' and 'last' are understood as well.`,
    )
  }
  if (status === 404 && told.kind === 'Status') {
    return new UserError(
      'LAB_NOT_UP',
      `Cannot read the report of a week: this cluster has no lab, ${detail}`,
      "Bring it up: './divergence up'.",
    )
  }
  if (status === 404) {
    return new MachineryError(
      'Cannot read the report of a week: the records of this lab are kept by an older version, which has none',
      "Bring the present one: './divergence up'.",
    )
  }
  return new MachineryError(
    `Cannot read the report of a week: oncall said ${status}, ${detail.slice(0, LONGEST_REASON)}`,
    STATUS_HINT,
  )
}

type Told = { readonly kind?: string; readonly message?: string; readonly detail?: string }

/** What the API server (a Status) or oncall (a problem) says in a refusal; nothing when it is neither. */
function parsed(body: string): Told {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return {}
  }
  if (typeof value !== 'object' || value === null) return {}
  const text = (name: string) => {
    const found = (value as Readonly<Record<string, unknown>>)[name]
    return typeof found === 'string' ? { [name]: found } : {}
  }
  return { ...text('kind'), ...text('message'), ...text('detail') }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // A refused connection has an empty message and a code.
  return error.message || String((error as NodeJS.ErrnoException).code)
}
