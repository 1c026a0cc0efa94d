import type { LiveState } from '../../contract.ts'
import { announce, byId, element } from './dom.mts'
import { change, openForm, whenSignedIn } from './session.mts'

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

async function signedIn(button: HTMLElement, why: string, go: () => Promise<unknown>): Promise<void> {
  try {
    await whenSignedIn(button, why, go)
  } finally {
    // What had the focus before the form may be hidden since: then the browser gives it to nobody.
    if (document.activeElement === document.body) byId(byId('halt').hidden ? 'release' : 'halt').focus()
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
      await change('/api/halt', 'POST', { reason: reason.value.trim() || 'halted from the console' })
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
      await change('/api/halt', 'DELETE')
      announce('The halt is released.')
      changed()
    },
  })
}
