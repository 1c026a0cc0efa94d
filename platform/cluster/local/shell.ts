import { ExecaError, execa } from 'execa'
import { MachineryError } from '../../errors.ts'

export type CommandOptions = {
  readonly signal?: AbortSignal
  /** Text for the command's standard input. */
  readonly input?: string
  /** Added to the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>
  readonly folder?: string
  /** The command is ended after this time, milliseconds; no limit when missing. */
  readonly timeoutMs?: number
  /** What to do when it fails; shown to the user. */
  readonly hint?: string
  /** Called with each line of output, as it is written. */
  readonly onLine?: (line: string) => void
}

const SHOWN_LINES = 12

/**
 * Runs a program of this machine to its end.
 *
 * @returns its standard output, without the last line break
 * @throws MachineryError with the last lines it wrote, when it cannot be started, fails or exceeds its time
 * @throws the reason of `signal` when that was aborted
 */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { signal, input, environment, folder, timeoutMs, hint, onLine } = options
  try {
    const child = execa(program, args, {
      all: true,
      stdin: input === undefined ? 'ignore' : 'pipe',
      ...(input === undefined ? {} : { input }),
      ...(environment === undefined ? {} : { env: environment }),
      ...(folder === undefined ? {} : { cwd: folder }),
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    })
    if (onLine) for await (const line of child.iterable({ from: 'all' })) onLine(line)
    return (await child).stdout
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof ExecaError)) throw error
    const why = error.timedOut
      ? `it took longer than ${timeoutMs} ms`
      : error.exitCode === undefined
        ? error.originalMessage
        : `exit code ${error.exitCode}`
    const written = String(error.all ?? '')
      .trim()
      .split('\n')
      .slice(-SHOWN_LINES)
      .join('\n')
    throw new MachineryError(
      `Cannot run '${[program, ...args].join(' ').slice(0, 300)}': ${why}${written ? `\n${written}` : ''}`,
      hint ?? 'Run it by hand to see what is wrong, then try again.',
      { cause: error },
    )
  }
}

/** As `run`, but a failure is an answer: `undefined`. For questions such as "is it there?". */
export async function tryRun(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string | undefined> {
  try {
    return await run(program, args, options)
  } catch (error) {
    if (error instanceof MachineryError) return undefined
    throw error
  }
}
