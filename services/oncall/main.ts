/**
 * oncall: what Prometheus says of alerts, what programs say of their errors, what the runner says of its runs, and the
 * console that shows them. Run as `node services/oncall/main.ts`; settings in config.ts.
 *
 * What its service account may do, and nothing else: get, list and watch pods and nodes; get and delete the ConfigMap of
 * the halt, and create ConfigMaps in its namespace.
 */
import { KubeConfig } from '@kubernetes/client-node'
import { telemetry } from '../../instrumentation/telemetry.ts'
import { UserError } from '../../platform/errors.ts'
import { type OncallConfig, parseConfig } from './config.ts'
import { kubernetesLab } from './lab-reader.ts'
import { startOncall } from './oncall.ts'
import { consoleRouter } from './web/console.ts'

const log = (event: string, fields: Readonly<Record<string, unknown>>): void => {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...fields }))
}

function configOrExit(): OncallConfig {
  try {
    return parseConfig(process.env)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    console.error(`${error.message}\n${error.hint}`)
    process.exit(2)
  }
}

const config = configOrExit()
const { report, shutdown } = telemetry()
const kubernetes = new KubeConfig()
kubernetes.loadFromDefault()
const parts = { lab: kubernetesLab(kubernetes), pages: consoleRouter, log, report }
const oncall = await startOncall(config, parts)

// An error that nobody caught is told, and oncall goes on: it is needed most while things fail.
const stray = (what: string, error: unknown): void => {
  log(what, { error: error instanceof Error ? String(error.stack) : String(error) })
  report?.({ error, level: 'fatal', fingerprint: [what, error instanceof Error ? error.name : typeof error] })
}
process.on('uncaughtException', error => stray('uncaught exception', error))
process.on('unhandledRejection', reason => stray('unhandled rejection', reason))

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await oncall.drain()
    await shutdown()
    process.exit(0)
  })
}
