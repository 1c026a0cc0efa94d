/** How long a program waits for its telemetry when it ends, milliseconds. */
export const FLUSH_MS = 2000

/**
 * Runs all at once and returns when they are done or `limitMs` has passed, whatever became of them.
 *
 * @returns what went wrong, one text each
 */
export async function withinLimit(
  tasks: readonly (() => Promise<unknown>)[],
  limitMs: number,
): Promise<readonly string[]> {
  const troubles: string[] = []
  const all = Promise.all(
    tasks.map(async task => {
      try {
        await task()
      } catch (error) {
        troubles.push(String(error))
      }
    }),
  )
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(() => {
      troubles.push(`not done within ${limitMs} ms`)
      resolve()
    }, limitMs)
  })
  await Promise.race([all, late])
  clearTimeout(timer)
  return troubles
}
