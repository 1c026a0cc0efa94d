import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Where Debian, Ubuntu, Fedora and Chrome's own packages put a Chromium. */
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
] as const

/** Headless, in a container too, and without asking the network for anything but the pages of the test. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
] as const

/**
 * The Chromium that browser tests run in.
 *
 * @param given path of the environment variable CHROMIUM; it goes before all others
 * @throws Error that says what to install
 */
export function findChromium(
  given: string | undefined,
  exists: (path: string) => boolean = existsSync,
): string {
  if (given !== undefined && given !== '') {
    if (exists(given)) return given
    throw new Error(`Cannot start Chromium: CHROMIUM is '${given}', and there is no such file`)
  }
  const found = PLACES.find(exists)
  if (found !== undefined) return found
  throw new Error(
    'Cannot start Chromium: none is installed. Install it (Debian and Ubuntu: apt-get install chromium), or name one in CHROMIUM',
  )
}

/** Starts the Chromium that `findChromium` finds. @param given path of the environment variable CHROMIUM */
export function launchChromium(given: string | undefined): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(given), args: [...ARGUMENTS] })
}
