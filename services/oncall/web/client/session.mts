import type { SessionState } from '../../contract.ts'
import { ask, Refused, wordsOf } from './api.mts'
import { announce, byId, element } from './dom.mts'

let session: SessionState = { signedIn: false }
/** The first answer of the server. */
let known: Promise<void> = Promise.resolve()
const listeners: (() => void)[] = []

export function onSessionChange(changed: () => void): void {
  listeners.push(changed)
}

/** Waits for what the server says first: nobody who is signed in is to be asked for the token again. */
export async function isSignedIn(): Promise<boolean> {
  await known
  return session.signedIn
}

/** Header that tells the server that a change was asked for by this page, not by another site. */
export function changeHeaders(): Record<string, string> {
  return {
    'content-type': 'application/json',
    ...(session.signedIn ? { 'x-csrf-token': session.csrfToken } : {}),
  }
}

function set(next: SessionState): void {
  session = next
  const button = byId<HTMLButtonElement>('session')
  button.hidden = false
  button.textContent = next.signedIn ? 'Sign out' : 'Sign in'
  for (const changed of listeners) changed()
}

/** Asks the server whether this browser is signed in. */
export async function readSession(): Promise<void> {
  set(await ask<SessionState>('/api/session').catch(() => ({ signedIn: false }) as const))
}

export function enableSession(): void {
  byId('session').addEventListener('click', () => (session.signedIn ? signOut() : signIn()))
  known = readSession()
}

async function signOut(): Promise<void> {
  try {
    await ask('/api/session', { method: 'DELETE', headers: changeHeaders() })
    announce('You are signed out.')
  } catch (error) {
    announce(`Signing out failed. ${wordsOf(error)}`)
  }
  await readSession()
}

/** Opens the form for the token; resolves with whether the person is signed in then. */
export function signIn(
  why = 'Reading needs no sign-in. Halting, releasing and acting on alerts do.',
): Promise<boolean> {
  const token = element('input', {
    id: 'token',
    name: 'token',
    type: 'password',
    autocomplete: 'current-password',
    required: '',
  })
  return openForm({
    title: 'Sign in',
    why,
    fields: [
      element(
        'div',
        { className: 'field' },
        element('label', { text: 'Console token', for: 'token' }),
        token,
      ),
      element(
        'p',
        { className: 'note' },
        'It stands in the cluster: ',
        element('code', {
          text: "kubectl -n observability get secret oncall-tokens -o jsonpath='{.data.console}' | base64 -d",
        }),
      ),
    ],
    confirm: { text: 'Sign in', className: 'button primary' },
    submit: async () => {
      set(
        await ask<SessionState>('/api/session', {
          method: 'POST',
          headers: changeHeaders(),
          body: JSON.stringify({ token: token.value }),
        }),
      )
      announce('You are signed in.')
    },
  })
}

/** Whether a button was pressed, and who pressed it is not done yet. */
let isPressed = false

/** Does what a button is for, after asking who is not signed in for the token. @param why what needs it */
export async function whenSignedIn(
  button: HTMLElement,
  why: string,
  go: () => Promise<unknown>,
): Promise<void> {
  // Who presses again because nothing happened yet wants one form, not two.
  if (isPressed) return
  isPressed = true
  try {
    if ((await whileBusy(button, isSignedIn())) || (await signIn(why))) await go()
  } finally {
    isPressed = false
  }
}

/** Shows on a button that it was heard, until the answer is there: a slow server takes seconds. */
async function whileBusy<Answer>(button: HTMLElement, answer: Promise<Answer>): Promise<Answer> {
  const label = button.lastChild
  const text = label?.textContent ?? ''
  button.setAttribute('aria-busy', 'true')
  if (label !== null) label.textContent = 'Asking the server ...'
  try {
    return await answer
  } finally {
    button.removeAttribute('aria-busy')
    if (label !== null) label.textContent = text
  }
}

/** Asks the server for what only those may who are signed in. @throws as `ask` does */
export async function change<Answer>(
  path: string,
  method: 'POST' | 'DELETE',
  body?: unknown,
): Promise<Answer> {
  try {
    return await ask<Answer>(path, {
      method,
      headers: changeHeaders(),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (error) {
    // The session ran out while the page stood open.
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) await readSession()
    throw error
  }
}

export type Form = {
  readonly title: string
  readonly why: string
  readonly fields: readonly Node[]
  readonly confirm: { readonly text: string; readonly className: string }
  /** A throw keeps the form open and says why. */
  readonly submit: () => Promise<void>
}

/** A modal form. The browser keeps the focus inside, closes it on Escape, and gives the focus back. */
export function openForm({ title, why, fields, confirm, submit }: Form): Promise<boolean> {
  const problem = element('p', { className: 'problem', role: 'alert' })
  const send = element('button', { text: confirm.text, className: confirm.className, type: 'submit' })
  const cancel = element('button', { text: 'Cancel', className: 'button', type: 'button' })
  const form = element(
    'form',
    {},
    element('h2', { text: title, id: 'dialog-title' }),
    element('p', { text: why }),
    ...fields,
    problem,
    element('div', { className: 'buttons' }, cancel, send),
  )
  const dialog = element('dialog', { 'aria-labelledby': 'dialog-title' }, form)
  let done = false
  const closed = new Promise<boolean>(resolve => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(done)
    })
  })
  cancel.addEventListener('click', () => dialog.close())
  form.addEventListener('submit', async event => {
    event.preventDefault()
    send.disabled = true
    problem.textContent = ''
    try {
      await submit()
      done = true
      dialog.close()
    } catch (error) {
      problem.textContent = wordsOf(error)
    } finally {
      send.disabled = false
    }
  })
  document.body.append(dialog)
  dialog.showModal()
  return closed
}
