import { MachineryError, UserError } from '../../platform/errors.ts'
import type { AgentErrorCode } from '../../services/agent/protocol.ts'

/** An agent was reached and said no; nothing was done. */
export class AgentRefusal extends MachineryError {
  readonly code: AgentErrorCode
  readonly node: string

  constructor(node: string, code: AgentErrorCode, message: string) {
    super(`The agent on ${node} refuses (${code}): ${message}`, HINTS[code])
    this.code = code
    this.node = node
  }
}

const HINTS: Readonly<Record<AgentErrorCode, string>> = {
  NOT_UNDERSTOOD: "The agent is of another version: run './divergence up' again.",
  TARGET_NOT_EXPERIMENTAL: 'Only what is in the experimental group may be attacked.',
  TARGET_GONE: 'The lab changed between selection and attack; run it again.',
  CANNOT_BE_DONE: "See what a fault needs with 'divergence faults KIND'.",
  CAPABILITY_MISSING: 'Choose another fault, or a node whose kernel has what it needs.',
  HALTED: "Allow faults again with 'divergence halt --release'.",
  ALREADY_BEGUN: 'A fault begins at most once; run it again to get a new one.',
  UNKNOWN_FAULT: 'The agent forgot it, or another one has it.',
  FAILED: "See the agent's log: 'kubectl -n chaos logs -l service=agent'.",
}

/** Refusals that a person can do something about without mending our machinery. */
const MENDABLE: readonly AgentErrorCode[] = [
  'TARGET_NOT_EXPERIMENTAL',
  'CANNOT_BE_DONE',
  'CAPABILITY_MISSING',
  'HALTED',
]

/** The error a run ends with when an agent refused. */
export function toldRefusal(error: unknown): unknown {
  if (!(error instanceof AgentRefusal) || !MENDABLE.includes(error.code)) return error
  return new UserError(error.code, error.message, error.hint, { cause: error })
}
