import { DiagLogLevel, diag, type Tracer, trace } from '@opentelemetry/api'
import type { Instrumentation } from '@opentelemetry/instrumentation'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { boundedSampler } from './bounded-sampler.ts'
import { diagnosticsLogger, type TroubleLog } from './diagnostics.ts'
import { resourceAttributes } from './resource.ts'
import type { Env, InstrumentationName, Place, TracesSettings } from './settings.ts'

export type Traces = { readonly tracer: Tracer; readonly shutdown: () => Promise<void> }

/**
 * Starts OpenTelemetry. Endpoints, batches and a sampler without a bound are the SDK's own business: it reads OTEL_
 * variables.
 *
 * @param trouble told when spans cannot be sent
 */
export async function startTraces(
  settings: TracesSettings,
  place: Place,
  env: Env,
  trouble: TroubleLog,
): Promise<Traces> {
  const nowMs = () => performance.now()
  diag.setLogger(diagnosticsLogger(trouble, nowMs), DiagLogLevel.WARN)
  const sdk = new NodeSDK({
    ...(settings.bound ? { sampler: boundedSampler(settings.bound, nowMs) } : {}),
    // Instead of the SDK's own detectors, which add a dozen attributes of the machine to every span.
    resourceDetectors: [{ detect: () => ({ attributes: { ...resourceAttributes(place, env) } }) }],
    instrumentations: await instrumentations(settings.instrumentations, env),
    // Metrics are prom-client's, logs go to standard output.
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  return { tracer: trace.getTracer('divergence', place.release), shutdown: () => sdk.shutdown() }
}

/** Programs that make their spans themselves do not even load the packages. */
async function instrumentations(names: readonly InstrumentationName[], env: Env): Promise<Instrumentation[]> {
  if (names.length === 0) return []
  const { instrumentationsFor } = await import('./instrumentations.ts')
  return instrumentationsFor(names, env)
}
