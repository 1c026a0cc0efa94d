import type { LiveState } from '../../contract.ts'
import { ask, Refused } from './api.mts'
import { announce, byId, element } from './dom.mts'
import { changeHeaders, isSignedIn, openForm, readSession, signIn } from './session.mts'

/**
 * The buttons that end every attack, and that let attacks begin again.
 *
 * @param changed what to do once the switch has been turned: look again
 */
export function enableHalt(changed: () => void): void {
  const halt = byId<HTMLButtonElement>('halt')
  halt.disabled = false
  const release = byId('release')
  halt.addEventListener('click', () => signedIn(halt, 'Halting needs it.', () => askForReason(changed)))
  release.addEventListener('click', () =>
    signedIn(release, 'Releasing needs it.', () => askForRelease(changed)),
  )
}

/** Which of the two is offered. */
export function showHalt(state: LiveState): void {
  const halt = byId('halt')
  const release = byId('release')
  const hadFocus = document.activeElement === halt || document.activeElement === release
  halt.hidden = state.halt !== null
  release.hidden = state.halt === null
  if (hadFocus) (state.halt === null ? halt : release).focus()
}

/** Whether a button was pressed, and who pressed it is not done yet. */
let isPressed = false

async function signedIn(button: HTMLElement, why: string, go: () => Promise<unknown>): Promise<void> {
  // Who presses again because nothing happened yet wants one form, not two.
  if (isPressed) return
  isPressed = true
  try {
    if ((await whileBusy(button, isSignedIn())) || (await signIn(why))) await go()
  } finally {
    isPressed = false
    // What had the focus before the form may be hidden since: then the browser gives it to nobody.
    if (document.activeElement === document.body) byId(byId('halt').hidden ? 'release' : 'halt').focus()
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

function askForReason(changed: () => void): Promise<boolean> {
  const reason = element('input', {
    id: 'reason',
    required: '',
    maxlength: '200',
    value: 'halted from the console',
  })
  return openForm({
    title: 'Halt all attacks?',
    why: 'Every fault that is on is ended and undone, whoever began it, and none begins until the halt is released.',
    fields: [
      element('div', { className: 'field' }, element('label', { text: 'Reason', for: 'reason' }), reason),
    ],
    confirm: { text: 'Halt', className: 'button danger' },
    submit: async () => {
      await change('POST', JSON.stringify({ reason: reason.value.trim() || 'halted from the console' }))
      announce('Everything is halted.')
      changed()
    },
  })
}

function askForRelease(changed: () => void): Promise<boolean> {
  return openForm({
    title: 'Release the halt?',
    why: 'Faults may begin again. What was halted is not resumed.',
    fields: [],
    confirm: { text: 'Release', className: 'button primary' },
    submit: async () => {
      await change('DELETE')
      announce('The halt is released.')
      changed()
    },
  })
}

async function change(method: 'POST' | 'DELETE', body?: string): Promise<void> {
  try {
    await ask('/api/halt', { method, headers: changeHeaders(), ...(body === undefined ? {} : { body }) })
  } catch (error) {
    // The session ran out while the page stood open.
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) await readSession()
    throw error
  }
}
