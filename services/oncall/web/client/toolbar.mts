import type { Dashboard, Variable } from '../panels/dashboard.ts'
import { byId, element } from './dom.mts'

/** Lengths of time that can be shown, and times between two readings; seconds. */
const RANGES = [300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800]
const REFRESHES = [0, 5, 10, 30, 60, 300]

export type Toolbar = {
  readonly rangeSeconds: () => number
  /** 0: not by itself. */
  readonly refreshSeconds: () => number
  /** The variables with all values they can have. */
  readonly variables: () => readonly Variable[]
  readonly chosen: () => Readonly<Record<string, readonly string[]>>
  readonly offer: (name: string, values: readonly string[]) => void
  readonly onChange: (changed: () => void) => void
}

/** What is shown stands in the page's address as well, so that it can be handed on. */
export function makeToolbar({ variables: defined, rangeSeconds, refreshSeconds }: Dashboard): Toolbar {
  const address = new URLSearchParams(location.search)
  let changed: () => void = () => undefined
  const variables = new Map(defined.map(variable => [variable.name, variable]))
  const chosen = new Map<string, readonly string[]>()
  for (const { name, chosen: first } of defined) {
    const given = address.getAll(`var-${name}`).filter(value => value !== '$__all')
    chosen.set(name, address.has(`var-${name}`) ? given : first)
  }
  const tell = () => {
    const parameters = new URLSearchParams({ range: rangeSelect.value, refresh: refreshSelect.value })
    for (const [name, values] of chosen) {
      for (const value of values.length === 0 ? ['$__all'] : values) parameters.append(`var-${name}`, value)
    }
    history.replaceState(null, '', `?${parameters}`)
    changed()
  }
  const rangeSelect = select('range', RANGES, Number(address.get('range')) || rangeSeconds, 'last ', tell)
  const refreshSelect = select(
    'refresh',
    REFRESHES,
    address.has('refresh') ? Number(address.get('refresh')) : refreshSeconds,
    'every ',
    tell,
  )
  byId('toolbar').addEventListener('submit', event => {
    event.preventDefault()
    tell()
  })
  // A list that hangs open over the panels is closed by a click elsewhere and by Escape.
  const close = (except: EventTarget | null) => {
    for (const open of document.querySelectorAll<HTMLDetailsElement>('.choice[open], .about[open]')) {
      if (!(except instanceof Node && open.contains(except))) open.open = false
    }
  }
  document.addEventListener('click', event => close(event.target))
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return
    const open = document.activeElement?.closest<HTMLDetailsElement>('details[open]')
    close(null)
    open?.querySelector('summary')?.focus()
  })
  return {
    rangeSeconds: () => Number(rangeSelect.value),
    refreshSeconds: () => Number(refreshSelect.value),
    variables: () => [...variables.values()],
    chosen: () => Object.fromEntries(chosen),
    offer: (name, values) => {
      const variable = variables.get(name)
      if (variable === undefined) return
      const all = { ...variable, values }
      variables.set(name, all)
      if (all.hidden) return
      byId('variables').append(choice(all, chosen, tell))
    },
    onChange: next => {
      changed = next
    },
  }
}

function select(
  id: string,
  values: readonly number[],
  chosen: number,
  before: string,
  tell: () => void,
): HTMLSelectElement {
  const made = byId<HTMLSelectElement>(id)
  const offered = [...new Set([...values, chosen])].sort((one, other) => one - other)
  made.replaceChildren(
    ...offered.map(seconds => {
      const option = element('option', {
        value: String(seconds),
        text: seconds === 0 ? 'off' : before + words(seconds),
      })
      option.selected = seconds === chosen
      return option
    }),
  )
  made.addEventListener('change', tell)
  return made
}

function words(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${seconds / 60} min`
  return seconds < 86_400 ? `${seconds / 3600} h` : `${seconds / 86_400} d`
}

/** A variable: boxes to tick when several can be chosen, else a list. */
function choice(variable: Variable, chosen: Map<string, readonly string[]>, tell: () => void): HTMLElement {
  const { name, label, values, multi, includeAll } = variable
  const id = `var-${name}`
  if (!multi) {
    const list = element('select', { id })
    const offered = [...(includeAll ? [''] : []), ...values]
    for (const value of offered) {
      const option = element('option', { value, text: value === '' ? 'All' : value })
      option.selected = (chosen.get(name)?.[0] ?? '') === value
      list.append(option)
    }
    list.addEventListener('change', () => {
      chosen.set(name, list.value === '' ? [] : [list.value])
      tell()
    })
    return element('div', { className: 'field' }, element('label', { text: label, for: id }), list)
  }
  const summary = element('summary', { id })
  const name_ = () => {
    const picked = chosen.get(name) ?? []
    summary.textContent = picked.length === 0 ? 'All' : picked.join(', ')
    summary.setAttribute('aria-label', `${label}: ${summary.textContent}`)
  }
  const boxes = values.map(value => {
    const box = element('input', { type: 'checkbox', value })
    box.checked = chosen.get(name)?.includes(value) ?? false
    box.addEventListener('change', () => {
      chosen.set(
        name,
        boxes.filter(({ checked }) => checked).map(one => one.value),
      )
      name_()
      tell()
    })
    return box
  })
  name_()
  const list = element('fieldset', {}, element('legend', { className: 'hidden', text: label }))
  for (const box of boxes) list.append(element('label', {}, box, box.value))
  if (boxes.length === 0) list.append(element('p', { className: 'note', text: 'Prometheus knows no value.' }))
  return element(
    'div',
    { className: 'field' },
    element('label', { text: label, for: id }),
    element('details', { className: 'choice' }, summary, list),
  )
}
