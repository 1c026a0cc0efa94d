import { z } from 'zod'
import { ACTIONS, type ActionSpec } from './actions/catalogue.ts'
import { AgentError } from './agent-error.ts'
import type { AgentRequest } from './protocol.ts'

const MOST_ACTIONS = 8
const MOST_DURATION_SECONDS = 3600
const MOST_LEASE_SECONDS = 30

const id = z.string().regex(/^[a-z0-9]{1,24}$/, 'must be 1 to 24 of a-z and 0-9')
const runId = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, dashes')
/** A DNS name, so that it can stand in a path of the API and mean nothing else. */
const objectName = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be a name of Kubernetes')
const uid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a UID of Kubernetes')

const action = z.unknown().transform((value, context): ActionSpec => {
  const name = (value as { action?: unknown } | null)?.action
  if (typeof name !== 'string' || !Object.hasOwn(ACTIONS, name)) {
    context.addIssue({ code: 'custom', message: `action must be one of ${Object.keys(ACTIONS).join(', ')}` })
    return z.NEVER
  }
  const parsed = ACTIONS[name as keyof typeof ACTIONS].schema.safeParse(value)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues) {
    context.addIssue({ code: 'custom', message: issue.message, path: issue.path })
  }
  return z.NEVER
})

const target = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('container'), pod: objectName, podUid: uid, container: objectName }),
  z.strictObject({ kind: z.literal('node'), node: objectName }),
])

const fault = z.strictObject({
  id,
  runId,
  kind: objectName,
  target,
  actions: z.array(action).min(1).max(MOST_ACTIONS),
  durationSeconds: z.number().positive().max(MOST_DURATION_SECONDS),
  leaseSeconds: z.number().min(1).max(MOST_LEASE_SECONDS),
})

const seq = z.int().nonnegative()
const plain = <Op extends string>(op: Op) => z.strictObject({ seq, op: z.literal(op) })
const request = z.discriminatedUnion('op', [
  plain('hello'),
  z.strictObject({ seq, op: z.literal('prepare'), fault }),
  z.strictObject({ seq, op: z.literal('begin'), id }),
  z.strictObject({ seq, op: z.literal('heartbeat'), runId }),
  plain('status'),
  z.strictObject({ seq, op: z.literal('end'), id }),
  plain('snapshot'),
  plain('halt'),
  plain('release'),
])

export type ParsedLine =
  | { readonly ok: true; readonly request: AgentRequest }
  /** `seq` as far as it can be read, that the question finds its answer. */
  | { readonly ok: false; readonly seq: number; readonly error: AgentError }

/** Reads one line; whatever is not exactly a request is refused with what is wrong and what is allowed. Pure. */
export function parseRequest(line: string): ParsedLine {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return refused(-1, 'it is not JSON')
  }
  const parsed = request.safeParse(value)
  if (parsed.success) return { ok: true, request: parsed.data }
  const told = seq.safeParse((value as { seq?: unknown } | null)?.seq)
  const problems = parsed.error.issues.map(issue => {
    const at = issue.path.join('.')
    return at === '' ? issue.message : `${at}: ${issue.message}`
  })
  return refused(told.success ? told.data : -1, problems.join('; '))
}

function refused(at: number, why: string): ParsedLine {
  return {
    ok: false,
    seq: at,
    error: new AgentError('NOT_UNDERSTOOD', `Cannot understand the request: ${why}`),
  }
}
