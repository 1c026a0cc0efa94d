/** A mistake the user can mend (exit code 2). `message` says what cannot be done and why, `hint` what to change. */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly code: string
  readonly hint: string

  constructor(code: string, message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.hint = hint
  }
}

/** A failure of our own machinery: cluster, agent, Prometheus (exit code 4). It is never a finding about the system. */
export class MachineryError extends Error {
  override readonly name = 'MachineryError'
  readonly hint: string

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.hint = hint
  }
}
