import type { ActionOnAlert } from '../../contract.ts'
import { renderActions } from '../pages/alert-actions.ts'
import { announce, element, show } from './dom.mts'
import { change, openForm, whenSignedIn } from './session.mts'

/** What was typed about an event and is not kept by the server yet: a form that is closed loses nothing. */
const drafts = new Map<string, string>()

for (const button of document.querySelectorAll<HTMLButtonElement>('.acted button')) {
  button.disabled = false
  button.addEventListener('click', () =>
    whenSignedIn(button, 'Acknowledging and noting need it.', () => act(button)),
  )
}

async function act(button: HTMLButtonElement): Promise<void> {
  const cell = button.closest<HTMLElement>('.acted')
  const done = cell?.querySelector('.done')
  if (!cell || !done) throw new Error('Cannot act: the button stands in no cell of an alert')
  const { instance = '', fired = '', name = '' } = cell.dataset
  const path = `/api/alerts/${encodeURIComponent(instance)}/${encodeURIComponent(fired)}/actions`
  const { action } = button.dataset
  const isNote = action === 'noted'
  const note = element('textarea', {
    id: 'note',
    rows: '4',
    maxlength: '500',
    ...(isNote ? { required: '' } : {}),
  })
  note.value = drafts.get(path) ?? ''
  note.addEventListener('input', () => drafts.set(path, note.value))
  const wasDone = await openForm({
    title: isNote ? `Note on ${name}` : `Acknowledge ${name}?`,
    why: isNote
      ? 'Everybody who reads this page can read it. An alert with a note is not counted as noisy.'
      : 'It says that somebody sees to it. An alert that was acknowledged is not counted as noisy; it fires on.',
    fields: [
      element(
        'div',
        { className: 'field' },
        element('label', { text: isNote ? 'Note' : 'Note, if there is something to say', for: 'note' }),
        note,
      ),
    ],
    confirm: { text: isNote ? 'Keep the note' : 'Acknowledge', className: 'button primary' },
    submit: async () => {
      const text = note.value.trim()
      const body = { action, ...(text === '' ? {} : { note: text }) }
      show(done, renderActions(await change<readonly ActionOnAlert[]>(path, 'POST', body)))
      drafts.delete(path)
    },
  })
  // Not before the form is closed: what stands behind it is not told.
  if (wasDone) announce(isNote ? `The note on ${name} is kept.` : `${name} is acknowledged.`)
}
