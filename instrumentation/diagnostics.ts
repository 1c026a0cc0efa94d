import type { DiagLogger } from '@opentelemetry/api'
import { KeyedLimiter } from './rate-limit.ts'
import { scrubText } from './scrub.ts'

/** Told of what goes wrong with telemetry itself. */
export type TroubleLog = (fields: Readonly<Record<string, unknown>>) => void

/** Longer messages are cut: some hold a whole stack. */
const MOST_CHARACTERS = 300

/** A store that is away fails every batch: one line a minute says as much. */
const TROUBLE_RATE = { burst: 1, everyMs: 60_000 }

/** OpenTelemetry's own warnings and errors as lines of the log: spans that get lost must not get lost unseen. */
export function diagnosticsLogger(trouble: TroubleLog, nowMs: () => number): DiagLogger {
  const limiter = new KeyedLimiter(TROUBLE_RATE, nowMs)
  const say =
    (level: string) =>
    (message: string, ...details: unknown[]): void => {
      const text = scrubText([message, ...details.map(String)].join(' ')).slice(0, MOST_CHARACTERS)
      const suppressed = limiter.take(`${level} ${text.slice(0, 60)}`)
      if (suppressed !== undefined) trouble({ level, message: text, suppressed })
    }
  const nothing = (): void => {}
  return { error: say('error'), warn: say('warning'), info: nothing, debug: nothing, verbose: nothing }
}
