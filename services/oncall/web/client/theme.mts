import { THEMES, type ThemeName, type Tokens } from '../tokens.ts'
import { announce, byId } from './dom.mts'

const YEAR_SECONDS = 31_536_000
const system = matchMedia('(prefers-color-scheme: dark)')

export function currentTheme(): ThemeName {
  const chosen = document.documentElement.dataset.theme
  if (chosen === 'light' || chosen === 'dark') return chosen
  return system.matches ? 'dark' : 'light'
}

export function currentTokens(): Tokens {
  return THEMES[currentTheme()]
}

/** Calls back when the colours change: charts hold theirs in pixels and have to be drawn again. */
export function onThemeChange(changed: () => void): void {
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ['data-theme'] })
  system.addEventListener('change', changed)
}

/** The button that turns the theme; the choice goes into a cookie, so that the next page comes in it at once. */
export function enableTheme(): void {
  const button = byId<HTMLButtonElement>('theme')
  const name = () =>
    button.setAttribute('aria-label', `Use the ${currentTheme() === 'dark' ? 'light' : 'dark'} theme`)
  button.hidden = false
  name()
  onThemeChange(name)
  button.addEventListener('click', () => {
    const next = currentTheme() === 'dark' ? 'light' : 'dark'
    document.documentElement.dataset.theme = next
    // biome-ignore lint/suspicious/noDocumentCookie: one of two words; not every browser has the Cookie Store yet
    document.cookie = `theme=${next}; path=/; max-age=${YEAR_SECONDS}; samesite=strict`
    announce(`The ${next} theme is on.`)
  })
}
