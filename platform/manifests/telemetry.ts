import type { V1EnvVar } from '@kubernetes/client-node'
import type { ImageName } from '../topology.ts'
import { type Group, PORTS, sharedHost } from '../topology.ts'
import type { RenderInput } from './input.ts'
import type { Owner } from './object.ts'
import { env, envFromField, envFromSecret, imageReference } from './pod.ts'
import { EVENT_KEY, EVENT_SECRET } from './secrets.ts'

/** Share of the requests that are traced from end to end. */
const TRACED_SHARE = 0.05

/** Each gateway keeps at most so many traces a second: 5 % of 400 requests. Beyond that tracing would add to an overload. */
const TRACES_PER_SECOND = 20

/**
 * Where a program of a group sends its traces and error events, in the standard variables. The program also learns where
 * it runs; without `ZONE` its node stands for its zone.
 *
 * @param image what it runs from: its hash is the release that stands on every span and event
 */
export function telemetryEnv(
  group: Group,
  service: string,
  input: RenderInput,
  image: ImageName,
): V1EnvVar[] {
  return [
    ...tracesEnv(group, service, input, image),
    // The key only tells whose events these are. Kubernetes puts it into the address.
    envFromSecret('SENTRY_KEY', EVENT_SECRET, EVENT_KEY),
    env('SENTRY_DSN', `http://$(SENTRY_KEY)@${sharedHost('oncall')}:${PORTS.oncall}/1`),
    env('SENTRY_RELEASE', releaseOf(input, image)),
    env('SENTRY_ENVIRONMENT', group),
  ]
}

/** The same without error events, also for what is shared. */
export function tracesEnv(owner: Owner, service: string, input: RenderInput, image: ImageName): V1EnvVar[] {
  return [
    envFromField('POD_NAME', 'metadata.name'),
    envFromField('NODE_NAME', 'spec.nodeName'),
    env('OTEL_TRACES_EXPORTER', 'zipkin'),
    env('OTEL_METRICS_EXPORTER', 'none'),
    env('OTEL_LOGS_EXPORTER', 'none'),
    env('OTEL_EXPORTER_ZIPKIN_ENDPOINT', `http://${sharedHost('zipkin')}:${PORTS.zipkin}/api/v2/spans`),
    env('OTEL_SERVICE_NAME', service),
    env(
      'OTEL_RESOURCE_ATTRIBUTES',
      `group=${owner},service.namespace=${owner},service.version=${releaseOf(input, image)},service.instance.id=$(POD_NAME),host.name=$(NODE_NAME)`,
    ),
    env('OTEL_TRACES_SAMPLER', 'parentbased_traceidratio'),
    env('OTEL_TRACES_SAMPLER_ARG', TRACED_SHARE),
    env('TRACES_PER_SECOND', TRACES_PER_SECOND),
  ]
}

/** What follows the last colon of the image's reference: the hash of everything that is in it. */
function releaseOf({ images }: RenderInput, image: ImageName): string {
  const reference = imageReference(images, image)
  return reference.slice(reference.lastIndexOf(':') + 1)
}
