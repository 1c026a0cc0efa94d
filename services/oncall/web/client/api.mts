/** A refusal of the server, in its words. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** A question is given up after this time: the next one is asked anyway. Milliseconds. */
const PATIENCE_MS = 8000

/**
 * Asks this page's own server.
 *
 * @throws Refused with the server's words; TypeError when nobody answers
 */
export async function ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  const signal = AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), ...(init.signal ? [init.signal] : [])])
  const response = await fetch(path, {
    ...init,
    signal,
    credentials: 'same-origin',
    headers: { accept: 'application/json', ...init.headers },
  })
  const text = await response.text()
  if (!response.ok)
    throw new Refused(response.status, problemOf(text) ?? `The server answered ${response.status}.`)
  return (text === '' ? null : JSON.parse(text)) as Answer
}

/** RFC 9457, or what Prometheus says through the proxy. */
function problemOf(text: string): string | null {
  try {
    const { detail, title, error } = JSON.parse(text) as Record<string, unknown>
    return [detail, error, title].find((one): one is string => typeof one === 'string' && one !== '') ?? null
  } catch {
    return null
  }
}

export function wordsOf(error: unknown): string {
  if (error instanceof Refused) return error.message
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'There was no answer in time.'
  return 'The server cannot be reached.'
}
