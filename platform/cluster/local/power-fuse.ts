import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { MachineryError } from '../../errors.ts'
import type { Zone } from '../../topology.ts'

/*
 * A node without power cannot end its own fault. A small process of its own session does it instead: it holds the end of
 * a pipe whose other end is the runner's, and a runner that dies, however it dies, closes it.
 */

/** Said once the fuse waits; only then may the power go. */
const READY = 'ready\n'
/** Said by the runner when the power is on again: there is nothing left to do. */
const DONE = 'done\n'

const PROGRAM = join(import.meta.dirname, 'power-fuse-program.ts')

/** The fuse itself has so long to start. */
const READY_WITHIN_MS = 10_000
/** The runner ends the fault at its time; the fuse waits a little longer before it does. */
const MARGIN_SECONDS = 5
/** Between two tries when Docker does not answer, and for how long. */
const AGAIN_AFTER_MS = 1_000
const GIVE_UP_AFTER_MS = 600_000
/** The runner may have died while its order to take the power was on its way: the power is looked at again so often. */
const LOOKS = 3
const LOOK_AGAIN_AFTER_MS = 2_000

export type Fuse = {
  /** The power is on again. */
  defuse(): void
}

/**
 * Starts a fuse that gives a zone its power back when this process ends, or after the time.
 *
 * @returns once it waits
 * @throws MachineryError when it does not start: then the power must not be taken
 */
export async function lightFuse(zone: Zone, seconds: number): Promise<Fuse> {
  const fuse = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', PROGRAM, zone, String(seconds)],
    // A session of its own: Ctrl-C in the runner's terminal does not reach it.
    { detached: true, stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' },
  )
  const { stdin, stdout } = fuse
  const failed = (why: string) =>
    new MachineryError(
      `Cannot light the fuse that gives zone ${zone} its power back: ${why}`,
      'The power was not taken.',
    )
  const ready = once(stdout, 'data', { signal: AbortSignal.timeout(READY_WITHIN_MS) })
  const exited = once(fuse, 'exit').then(([code]) => {
    throw failed(`it ended with ${code}`)
  })
  try {
    await Promise.race([ready, exited])
  } catch (error) {
    exited.catch(() => undefined)
    ready.catch(() => undefined)
    fuse.kill('SIGKILL')
    throw error instanceof MachineryError ? error : failed((error as Error).message)
  }
  exited.catch(() => undefined)
  // A fuse that went off has closed its end of the pipe; telling it is then no use and no error.
  stdin.on('error', () => undefined)
  stdout.destroy()
  // The runner does not wait for its fuse; the pipe closes with the runner.
  fuse.unref()
  ;(stdin as unknown as { unref(): void }).unref()
  return { defuse: () => void stdin.end(DONE) }
}

export type FuseWork = {
  readonly input: Readable
  readonly output: Writable
  readonly seconds: number
  /** Gives the power back where it is off. */
  readonly powerOn: () => Promise<void>
  readonly sleep: (durationMs: number) => Promise<unknown>
  readonly tell: (message: string) => Promise<void>
}

/**
 * The fuse's own life.
 *
 * @returns `defused` when the runner gave the power back itself, `lit` when the fuse did
 * @throws the last error when Docker did not answer for ten minutes
 */
export async function burn(work: FuseWork): Promise<'defused' | 'lit'> {
  const reason = await untilOver(work)
  if (reason === DONE) return 'defused'
  await work.tell(`giving the power back: ${reason}`)
  for (let look = 1; look <= LOOKS; look++) {
    await powerOnAtLast(work)
    if (look < LOOKS) await work.sleep(LOOK_AGAIN_AFTER_MS)
  }
  await work.tell('the power is on')
  return 'lit'
}

/** @returns why the fuse has to act, or DONE */
async function untilOver({ input, output, seconds }: FuseWork): Promise<string> {
  const { promise: why, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(() => resolve('its time is over'), (seconds + MARGIN_SECONDS) * 1000)
  let heard = ''
  input.setEncoding('utf8')
  input.on('data', (text: string) => {
    heard += text
    if (heard.includes(DONE)) resolve(DONE)
  })
  input.on('end', () => resolve('the runner is gone'))
  input.on('error', () => resolve('the runner is gone'))
  output.write(READY)
  try {
    return await why
  } finally {
    clearTimeout(timer)
  }
}

async function powerOnAtLast({ powerOn, sleep, tell }: FuseWork): Promise<void> {
  const untilMs = Date.now() + GIVE_UP_AFTER_MS
  for (;;) {
    try {
      return await powerOn()
    } catch (error) {
      await tell(`cannot give the power back: ${(error as Error).message}`)
      if (Date.now() >= untilMs) throw error
      await sleep(AGAIN_AFTER_MS)
    }
  }
}
