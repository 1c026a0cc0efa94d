/**
 * The gateway: the only door to the recommender. Run as `node services/gateway/main.ts`; settings in config.ts. With
 * `--import ./instrumentation/register.ts` before it, it also tells of single requests.
 */
import { telemetry } from '../../instrumentation/telemetry.ts'
import { UserError } from '../../platform/errors.ts'
import { type GatewayConfig, parseConfig } from './config.ts'
import { dnsLookup } from './endpoints.ts'
import { startGateway } from './gateway.ts'

const log = (event: string, fields: Readonly<Record<string, unknown>>): void => {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...fields }))
}

function configOrExit(): GatewayConfig {
  try {
    return parseConfig(process.env)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    console.error(`${error.message}\n${error.hint}`)
    process.exit(2)
  }
}

const config = configOrExit()
const { tracer, report, shutdown } = telemetry()
const traces = tracer && new (await import('./traces.ts')).GatewayTraces(tracer)
const lookup = dnsLookup(config.upstream.host, config.upstream.port)
const gateway = await startGateway(config, lookup, log, { report, traces })

// One gateway that dies of a stray error takes its connections with it, and the same error soon takes the others:
// an error that nobody caught is told, and the gateway goes on.
process.on('uncaughtException', error => gateway.stray('uncaught exception', error))
process.on('unhandledRejection', reason => gateway.stray('unhandled rejection', reason))

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await gateway.drain()
    await shutdown()
    process.exit(0)
  })
}
