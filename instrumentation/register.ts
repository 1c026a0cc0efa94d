/**
 * Starts telemetry before a program does: `node --import ./instrumentation/register.ts services/NAME/main.ts`. What is
 * started is said by the standard variables (settings.ts); with none of them set nothing is loaded.
 */
import { UserError } from '../platform/errors.ts'
import { type Env, type TelemetrySettings, telemetrySettings } from './settings.ts'
import { FLUSH_MS, withinLimit } from './shutdown.ts'
import { setTelemetry } from './telemetry.ts'

const log = (event: string, fields: Readonly<Record<string, unknown>>): void => {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...fields }))
}

function settingsOrExit(env: Env): TelemetrySettings {
  try {
    return telemetrySettings(env)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    console.error(`${error.message}\n${error.hint}`)
    process.exit(2)
  }
}

const { place, traces, events } = settingsOrExit(process.env)
if (traces !== undefined || events !== undefined) {
  const trouble = (fields: Readonly<Record<string, unknown>>) => log('telemetry trouble', fields)
  // Traces first: what is loaded after them can be instrumented.
  const spans =
    traces && (await (await import('./traces.ts')).startTraces(traces, place, process.env, trouble))
  const errors = events && (await import('./events.ts')).startEvents(events, place)
  setTelemetry({
    tracer: spans?.tracer,
    report: errors?.report,
    shutdown: async () => {
      const tasks = [() => spans?.shutdown(), () => errors?.shutdown(FLUSH_MS)]
      for (const message of await withinLimit(
        tasks.map(task => async () => task()),
        FLUSH_MS,
      )) {
        trouble({ message })
      }
    },
  })
}
