import { FORWARDED_PORTS, type Group, PORTS } from '../topology.ts'
import { deployment } from './deployment.ts'
import { haproxyConfig } from './haproxy-config.ts'
import { type RenderInput, specOf } from './input.ts'
import { configAnnotation, configMap, type KubernetesObject, metadata, selectorLabels } from './object.ts'
import { httpProbes, imageReference, outsideTheGroups } from './pod.ts'

const SERVICE = 'edge'
const CONFIG_NAME = 'edge-config'

const NODE_PORTS: Readonly<Record<Group, number>> = {
  control: FORWARDED_PORTS.controlGateway,
  experiment: FORWARDED_PORTS.experimentGateway,
}

/** The group's load balancer, outside the zones as a cloud's would be. */
export function edge(group: Group, input: RenderInput): readonly KubernetesObject[] {
  const { image, replicas, resources } = specOf(input.topology, SERVICE)
  const files = { 'haproxy.cfg': haproxyConfig(group, specOf(input.topology, 'gateway').replicas) }
  return [
    configMap(metadata(group, group, SERVICE, CONFIG_NAME), files),
    service(group, input),
    deployment(group, group, SERVICE, {
      replicas,
      update: 'surge',
      annotations: configAnnotation(files),
      pod: outsideTheGroups(),
      // The longest write, 7 tries of 2.5 s, and the preStop before it.
      stopSeconds: 22,
      volumes: [{ name: 'config', configMap: { name: CONFIG_NAME } }],
      program: {
        image: imageReference(input.images, image),
        command: ['haproxy', '-db', '-f', '/etc/edge/haproxy.cfg'],
      },
      resources,
      container: {
        ports: [
          { name: 'http', containerPort: PORTS.edge },
          { name: 'metrics', containerPort: PORTS.edgeMetrics },
        ],
        // An edge without a single gateway still answers, quickly, 503; but none starts before it has found one.
        ...httpProbes({
          port: PORTS.edgeMetrics,
          startPath: '/readyz',
          readyPath: '/healthz',
          alivePath: '/healthz',
          startSeconds: 300,
        }),
        // SIGTERM would cut open requests off: SIGUSR1 lets them end, after everybody has seen the pod leave.
        lifecycle: {
          preStop: { exec: { command: ['sh', '-c', 'sleep 2; kill -USR1 1; sleep 18'] } },
        },
        volumeMounts: [{ name: 'config', mountPath: '/etc/edge', readOnly: true }],
      },
    }),
  ]
}

/** Forwarded to the machine by the local cluster; inside the cluster only everywhere else. */
function service(group: Group, input: RenderInput): KubernetesObject {
  const port = { name: 'http', port: PORTS.edge, protocol: 'TCP' }
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(group, group, SERVICE),
    spec: {
      selector: selectorLabels(group, SERVICE),
      ...(input.facts.kind === 'local'
        ? { type: 'NodePort', ports: [{ ...port, nodePort: NODE_PORTS[group] }] }
        : { type: 'ClusterIP', ports: [port] }),
    },
  }
}
