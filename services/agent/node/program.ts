import { spawn } from 'node:child_process'
import { env } from 'node:process'

/** More than this is no output that anybody reads, bytes. */
const MOST_OUTPUT = 16 * 1024 * 1024
const COMPLAINT_LENGTH = 600

export type ProgramOptions = {
  readonly input?: string | undefined
  readonly env?: Readonly<Record<string, string>>
  readonly limitMs: number
}

/** A program ended with a status other than 0, could not be started, or took too long. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError'
  /** What it wrote to its standard error. */
  readonly complaint: string

  constructor(message: string, complaint: string) {
    super(message)
    this.complaint = complaint
  }
}

/** Environment of everything that is started: nothing of the agent's own but where programs are, compiled or not. */
export function programEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin', NODE_COMPILE_CACHE } = env
  return { PATH, LC_ALL: 'C', ...(NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {}), ...more }
}

/**
 * Runs a program to its end.
 *
 * @returns its standard output
 * @throws ProgramError
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { input, env: more, limitMs }: ProgramOptions,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const child = spawn(program, args, {
    cwd: '/tmp',
    env: programEnvironment(more),
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const output: Buffer[] = []
  let length = 0
  let complaint = ''
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, limitMs)
  child.stdout?.on('data', (bytes: Buffer) => {
    length += bytes.length
    if (length <= MOST_OUTPUT) output.push(bytes)
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, COMPLAINT_LENGTH)
  })
  // A program that ends before it has read all says why by its status.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  const failed = (why: string) =>
    new ProgramError(`Cannot run ${[program, ...args].join(' ').slice(0, 300)}: ${why}`, complaint)
  child.on('error', error => reject(failed(error.message)))
  child.on('close', (code, signal) => {
    if (late) reject(failed(`it did not end within ${limitMs} ms`))
    else if (code === 0) resolve(Buffer.concat(output).toString('utf8'))
    else reject(failed(complaint.trim() || `it ended with ${signal ?? code}`))
  })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
