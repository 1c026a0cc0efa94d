/** How long a process may go on after its last test. */
const PATIENCE_MS = 20_000

/** A connection or timer that a test left open would keep the run from ever ending: that is a failure, told by name. */
export default class ExitReporter {
  onRunComplete() {
    setTimeout(() => {
      process.stderr.write(`Tests left open: ${process.getActiveResourcesInfo().join(', ')}\n`)
      process.exit(1)
    }, PATIENCE_MS).unref()
  }
}
