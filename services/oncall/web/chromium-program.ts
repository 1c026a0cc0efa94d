/** Sees to it that there is a Chromium for the browser tests: installs it on Debian and Ubuntu when this process may. */

import { installPackages } from '../../../platform/cluster/local/engine.ts'
import { UserError } from '../../../platform/errors.ts'
import { findChromium } from './chromium.ts'

function whyNone(): string | undefined {
  try {
    findChromium(process.env.CHROMIUM)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const missing = whyNone()
if (missing !== undefined) {
  const otherwise = new UserError('NO_CHROMIUM', missing, 'Install it: sudo apt-get install chromium.')
  const tell = (message: string) => void process.stderr.write(`${message}\n`)
  try {
    await installPackages(['chromium'], otherwise, tell, new AbortController().signal)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  }
}
