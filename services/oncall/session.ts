import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { SessionState } from './contract.ts'

/*
 * A person signs in with the console's token and gets a session: a signed cookie that no script can read, and a second
 * token, made from it, that only pages of the same origin can send along. Reading needs no session.
 */

export const COOKIE = 'divergence_session'
export const CSRF_HEADER = 'x-csrf-token'

/** A working day; then one signs in again. */
const LIFETIME_MS = 12 * 3_600_000
const ID_BYTES = 18

/** Whether both are the same, in a time that does not tell how much of them is. */
export function isSameSecret(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}

export type Session = { readonly id: string; readonly expiresMs: number }

/** Makes and reads sessions. They live in their cookies alone, so a restart ends none. */
export class Sessions {
  readonly #secret: string
  readonly #isSecure: boolean

  /** @param isSecure whether browsers come by https only */
  constructor(secret: string, isSecure: boolean) {
    this.#secret = secret
    this.#isSecure = isSecure
  }

  open(nowMs: number): Session {
    return { id: randomBytes(ID_BYTES).toString('base64url'), expiresMs: nowMs + LIFETIME_MS }
  }

  /** Value of `set-cookie`. */
  cookie({ id, expiresMs }: Session): string {
    const value = `${id}.${expiresMs}.${this.#sign(`session:${id}.${expiresMs}`)}`
    return `${COOKIE}=${value}; ${this.#attributes(LIFETIME_MS / 1000)}`
  }

  /** Value of `set-cookie` that takes it away. */
  noCookie(): string {
    return `${COOKIE}=; ${this.#attributes(0)}`
  }

  /** The session of a request; null: none, forged or over. */
  read(headers: IncomingHttpHeaders, nowMs: number): Session | null {
    for (const part of (headers.cookie ?? '').split(';')) {
      const [name = '', value = ''] = part.trim().split('=', 2)
      if (name !== COOKIE) continue
      const [id = '', expires = '', signature = ''] = value.split('.')
      if (!isSameSecret(signature, this.#sign(`session:${id}.${expires}`))) continue
      const expiresMs = Number(expires)
      if (expiresMs > nowMs) return { id, expiresMs }
    }
    return null
  }

  csrfToken({ id }: Session): string {
    return this.#sign(`csrf:${id}`)
  }

  state(session: Session | null): SessionState {
    if (session === null) return { signedIn: false }
    return { signedIn: true, csrfToken: this.csrfToken(session), expiresMs: session.expiresMs }
  }

  /** Whether a page of ours sent this, for the person whose session it is. */
  isOurs(headers: IncomingHttpHeaders, session: Session): boolean {
    const sent = headers[CSRF_HEADER]
    return isSameOrigin(headers) && typeof sent === 'string' && isSameSecret(sent, this.csrfToken(session))
  }

  #attributes(maxAgeSeconds: number): string {
    const secure = this.#isSecure ? '; Secure' : ''
    return `Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('base64url')
  }
}

/** Whether the page that made the browser send this came from where it is sent to. A browser always says so of a change. */
export function isSameOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return false
  const origin = URL.parse(headers.origin ?? '')
  return origin !== null && origin.host !== '' && origin.host === headers.host
}
