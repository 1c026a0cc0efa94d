/**
 * Where each group of a running lab breaks, beside the original's published figures. The generator is a k6 on this
 * machine that goes to the groups' addresses outside the cluster, so it needs no image and nothing is deployed.
 * The rates of one run belong together; on a machine that does anything else meanwhile they are too low.
 *
 *   K6=path/to/k6 node bench/breakpoint.ts [--rates 50,100,200] [--groups control] [options of 'divergence load ramp']
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type AloneDependencies, runRamp } from '../chaos/load-alone.ts'
import { RAMP_FLAGS, rampOptions } from '../chaos/load-options.ts'
import { systemClock } from '../chaos/measurement/clock.ts'
import { rampHtml, rampText } from '../chaos/report/ramp.ts'
import { LOAD_POD } from '../load/job.ts'
import { type LoadPlan, planToEnvironment } from '../load/plan.ts'
import { FORWARDED_PORTS } from '../platform/topology.ts'

const SCRIPT = fileURLToPath(new URL('../load/script.ts', import.meta.url))

/** Exit code of a process that was ended by a signal, as a shell tells it. */
const KILLED = 137

/** k6 as a process of this machine. */
async function localLoad(): Promise<AloneDependencies['load']> {
  const folder = await mkdtemp(join(tmpdir(), 'breakpoint-'))
  const samples = join(folder, 'samples.csv')
  const summary = join(folder, 'summary.json')
  let child: ChildProcess | null = null
  let log = ''
  return {
    async start(plan: LoadPlan) {
      await writeFile(samples, '')
      const args = ['run', '--quiet', '--log-format', 'raw', '--console-output', samples, SCRIPT]
      const env = {
        ...process.env,
        ...planToEnvironment(plan),
        LOAD_SUMMARY_PATH: summary,
        K6_NO_USAGE_REPORT: 'true',
        K6_AUTO_EXTENSION_RESOLUTION: 'false',
      }
      child = spawn(process.env.K6 ?? LOAD_POD.generator, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
      child.stderr?.on('data', chunk => {
        log = `${log}${chunk}`.slice(-4000)
      })
      await once(child, 'spawn')
    },
    async *stream(offset, signal) {
      const file = await open(samples)
      try {
        const buffer = Buffer.alloc(1 << 20)
        for (let at = offset; ; ) {
          const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
          at += bytesRead
          if (bytesRead > 0) yield Buffer.from(buffer.subarray(0, bytesRead))
          else await systemClock.sleep(200, signal)
        }
      } finally {
        await file.close()
      }
    },
    state: async () => ({
      exitCode: child?.exitCode ?? (child?.signalCode == null ? null : KILLED),
      log,
    }),
    sampleBytes: async () => (await stat(samples)).size,
    summary: async () => JSON.parse(await readFile(summary, 'utf8')),
    end: async () => void child?.kill('SIGINT'),
    clockOffset: async () => ({ offsetMs: 0, roundTripMs: 0 }),
    async remove() {
      if (child === null) return
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        child.kill('SIGKILL')
        await exited
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const flags = Object.fromEntries(
  RAMP_FLAGS.map(([flag]) => [flag.slice(2, flag.indexOf(' ')), { type: 'string' as const }]),
)
const options = rampOptions(parseArgs({ options: flags }).values as Readonly<Record<string, string>>)
const report = await runRamp(
  options,
  {
    load: await localLoad(),
    // A generator of this machine is stopped with this process, by Ctrl-C as well: nobody else has to.
    leases: {
      take: async () => ({ lost: new AbortController().signal, release: async () => {} }),
      list: async () => [],
      remove: async () => {},
    },
    lock: {
      acquire: async () => ({ lost: new AbortController().signal, release: async () => {} }),
      holder: async () => null,
    },
    clock: systemClock,
    urls: {
      control: `http://127.0.0.1:${FORWARDED_PORTS.controlGateway}`,
      experiment: `http://127.0.0.1:${FORWARDED_PORTS.experimentGateway}`,
    },
    progress: message => console.error(message),
    runsFolder: join(process.cwd(), 'runs'),
  },
  new AbortController().signal,
)
const page = join(report.folder, 'ramp.html')
await writeFile(page, rampHtml(report))
console.log(`${rampText(report)}\n\n${page}`)
