import { type ServerResponse, STATUS_CODES } from 'node:http'

/** An answer that says what went wrong, RFC 9457. */
export type Problem = {
  /** HTTP status, 400 to 599. */
  readonly status: number
  /** One sentence for the person who sent the request. */
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Body of a problem answer. `title` is the status phrase, as RFC 9457 wants it for `about:blank`. */
export function problemBody(problem: Problem, requestId: string): string {
  const { status, detail } = problem
  return JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    requestId,
  })
}

/** Answers with `problem`, unless an answer has begun already. */
export function sendProblem(response: ServerResponse, problem: Problem, requestId: string): void {
  if (response.headersSent || response.destroyed) return
  const body = problemBody(problem, requestId)
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-request-id': requestId,
    ...problem.headers,
  })
  response.end(body)
}
