/** The gateway: the only door to the recommender. Run as `node services/gateway/main.ts`; settings in config.ts. */
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
const gateway = await startGateway(config, dnsLookup(config.upstream.host, config.upstream.port), log)

// One gateway that dies of a stray error takes its connections with it, and the same error soon takes the others:
// an error that nobody caught is logged, and the gateway goes on.
process.on('uncaughtException', error => log('uncaught exception', { error: String(error.stack) }))
process.on('unhandledRejection', reason => log('unhandled rejection', { error: String(reason) }))

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    gateway.drain().then(() => process.exit(0))
  })
}
