/** Where Pulumi begins: reads the settings, makes the lab's surroundings, and tells what to do next. */
import * as pulumi from '@pulumi/pulumi'
import { UserError } from '../errors.ts'
import { makeLab } from './lab.ts'
import { parseSettings, type Settings } from './settings.ts'

/** Settings of this project, by name without its prefix. */
function ownConfig(): Record<string, string> {
  const prefix = `${pulumi.getProject()}:`
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix))
  return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]))
}

/** @throws RunError which Pulumi prints without a stack */
function settings(): Settings {
  try {
    return parseSettings(ownConfig())
  } catch (error) {
    if (error instanceof UserError) throw new pulumi.RunError(`${error.message}\n${error.hint}`)
    throw error
  }
}

export const { context, registry, kubeconfig, next } = makeLab(settings())
