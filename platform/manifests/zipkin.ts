import { FORWARDED_PORTS, PORTS, SHARED_GROUP, SHARED_NAMESPACE } from '../topology.ts'
import { deployment } from './deployment.ts'
import type { RenderInput } from './input.ts'
import type { KubernetesObject } from './object.ts'
import { env, httpProbes, imageReference, outsideTheGroups, scratch } from './pod.ts'
import { sharedService } from './shared-service.ts'

const SERVICE = 'zipkin'

/**
 * Spans that are kept, the newest: 1.8 KB of heap each with the tags of a database call. At the lab's usual rates (6 traces
 * a second, of 6 spans) they reach back 20 minutes.
 */
const SPANS = 50_000
const HEAP_MIB = 320

/** Traces of both groups, in memory: they explain what happened minutes ago, and Prometheus keeps what lasts. */
export function zipkin(input: RenderInput): readonly KubernetesObject[] {
  const temporary = scratch('tmp', '/tmp', 64)
  return [
    sharedService(input, SERVICE, PORTS.zipkin, FORWARDED_PORTS.zipkin),
    deployment(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, {
      replicas: 1,
      update: 'recreate',
      pod: outsideTheGroups(),
      stopSeconds: 5,
      volumes: [temporary.volume],
      program: {
        image: imageReference(input.images, 'zipkin'),
        workingDir: '/opt/zipkin',
        command: [
          '/opt/java/bin/java',
          `-Xmx${HEAP_MIB}m`,
          '-Xss512k',
          '-XX:+UseSerialGC',
          // It starts in half the time, and its work is to store.
          '-XX:TieredStopAtLevel=1',
          '-XX:+ExitOnOutOfMemoryError',
          '-cp',
          'classes:lib/*',
          'zipkin.server.ZipkinServer',
        ],
      },
      resources: input.topology.shared[SERVICE],
      container: {
        env: [
          env('QUERY_PORT', PORTS.zipkin),
          env('STORAGE_TYPE', 'mem'),
          env('MEM_MAX_SPANS', SPANS),
          env('SELF_TRACING_ENABLED', 'false'),
          // Searched by in the page.
          env('AUTOCOMPLETE_KEYS', 'group,zone,http.route,error'),
        ],
        ports: [{ name: 'http', containerPort: PORTS.zipkin }],
        ...httpProbes({
          port: PORTS.zipkin,
          readyPath: '/health',
          alivePath: '/health',
          startSeconds: 180,
        }),
        volumeMounts: [temporary.mount],
      },
    }),
  ]
}
