import { SAMPLE_COLUMNS } from '../../load/sample-line.ts'
import type { Sample } from './sample.ts'

/** A sample with what only the runner needs. */
export type LoadRecord = Sample & {
  /** k6's error code, 0 when there was none. */
  readonly errorCode: number
  /** Number of the request in its (group, kind), from 0: makes a write's idempotency key. */
  readonly sequence: number
}

const GROUP = /^(control|experiment)$/
const KIND = /^(read|write)$/
const OUTCOME = /^(ok|error|timeout)$/
const ROUTE = /^[a-z_]{1,40}$/

/** One line of the raw samples, without its end; null when it is damaged. */
export function parseSampleLine(line: string): LoadRecord | null {
  const fields = line.split(',')
  if (fields.length !== SAMPLE_COLUMNS.length) return null
  const [group, route, kind, start, duration, status, outcome, errorCode, sequence] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  if (!GROUP.test(group) || !ROUTE.test(route) || !KIND.test(kind) || !OUTCOME.test(outcome)) return null
  const numbers = [start, duration, status, errorCode, sequence].map(text =>
    /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN,
  )
  if (numbers.some(Number.isNaN)) return null
  const [startMs, durationMs, statusCode, error, number] = numbers as [number, number, number, number, number]
  return {
    group: group as Sample['group'],
    route,
    kind: kind as Sample['kind'],
    startMs,
    durationMs,
    status: statusCode,
    outcome: outcome as Sample['outcome'],
    errorCode: error,
    sequence: number,
  }
}

/** A line of the raw samples that cannot be read. */
export class DamagedSamples extends Error {
  override readonly name = 'DamagedSamples'

  constructor(lineNumber: number, line: string) {
    const start = JSON.stringify(line.slice(0, 80))
    super(`line ${lineNumber} is not a sample: ${start}; expected: ${SAMPLE_COLUMNS.join(',')}`)
  }
}

/** Turns a stream of bytes into records, however the bytes are cut. */
export class SampleParser {
  readonly #decoder = new TextDecoder('utf-8', { fatal: false })
  #rest = ''
  #lines = 0

  /** @throws DamagedSamples */
  push(bytes: Uint8Array): LoadRecord[] {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true })
    const lines = text.split('\n')
    this.#rest = lines.pop() ?? ''
    return lines.map(line => this.#parse(line))
  }

  /** @throws DamagedSamples when the last line has no end: it was cut off */
  end(): void {
    if (this.#rest !== '') throw new DamagedSamples(this.#lines + 1, this.#rest)
  }

  #parse(line: string): LoadRecord {
    this.#lines++
    const record = parseSampleLine(line)
    if (record === null) throw new DamagedSamples(this.#lines, line)
    return record
  }
}
