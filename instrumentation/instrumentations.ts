import { createRequire, syncBuiltinESMExports } from 'node:module'
import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node'
import type { Instrumentation } from '@opentelemetry/instrumentation'
import { register } from 'import-in-the-middle/register-hooks.mjs'
import { instrumentationConfig } from './instrumentation-config.ts'
import type { Env, InstrumentationName } from './settings.ts'

/**
 * Specifiers under which programs import what can be instrumented. Modules of Node's are changed where they are, and undici
 * tells of itself without being changed.
 */
const MODULES: Readonly<Record<InstrumentationName, readonly string[]>> = {
  http: [],
  express: ['express'],
  undici: [],
  pg: ['pg', 'pg-pool'],
}

/** Instruments the named packages and no others, when they are imported from now on. */
export function instrumentationsFor(names: readonly InstrumentationName[], env: Env): Instrumentation[] {
  // OpenTelemetry's own hook works in a thread of its own and takes every module; this one works in place, on these.
  register({ include: names.flatMap(name => MODULES[name]) })
  // The package reads this variable itself; unset, it would enable all forty.
  process.env.OTEL_NODE_ENABLED_INSTRUMENTATIONS = names.join(',')
  const instrumentations = getNodeAutoInstrumentations(instrumentationConfig(env))
  if (names.includes('http')) changeNow(['http', 'https'])
  return instrumentations
}

/** Modules of Node's are changed when they are required; who imports from them by name sees that only when told to. */
function changeNow(names: readonly string[]): void {
  const require = createRequire(import.meta.url)
  for (const name of names) require(name)
  syncBuiltinESMExports()
}
