import { PORTS, SHARED_NAMESPACE } from '../topology.ts'
import { daemonSet } from './daemon-set.ts'
import type { RenderInput } from './input.ts'
import type { KubernetesObject } from './object.ts'
import { basePod, CONTAINER_DEFAULTS, imageReference, resourceRequirements } from './pod.ts'

const SERVICE = 'node-exporter'

/** What is read of a node; the others cost time at every scrape and answer no question of ours. */
const COLLECTORS = [
  'cpu',
  'diskstats',
  'filefd',
  'filesystem',
  'loadavg',
  'meminfo',
  'netdev',
  'netstat',
  'pressure',
  'sockstat',
  'stat',
  'time',
  'timex',
  'uname',
  'vmstat',
]

/** One on every node, whatever its taints: CPU, memory, disk, network and clock as the node's kernel counts them. */
export function nodeExporter(input: RenderInput): readonly KubernetesObject[] {
  const probe = { httpGet: { path: '/', port: PORTS.nodeExporter } }
  return [
    daemonSet(SHARED_NAMESPACE, SERVICE, {
      pod: {
        ...basePod(),
        serviceAccountName: SERVICE,
        tolerations: [{ operator: 'Exists' }],
        // The node's network and processes are what is measured.
        hostNetwork: true,
        hostPID: true,
        terminationGracePeriodSeconds: 2,
      },
      container: {
        image: imageReference(input.images, 'observability'),
        command: [
          'prometheus-node-exporter',
          `--web.listen-address=:${PORTS.nodeExporter}`,
          '--web.disable-exporter-metrics',
          '--path.procfs=/host/proc',
          '--path.sysfs=/host/sys',
          '--path.rootfs=/host/root',
          '--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run|host|var/lib/(containerd|kubelet)/.+)($|/)',
          '--collector.netdev.device-exclude=^(veth.*|lo)$',
          '--collector.disable-defaults',
          ...COLLECTORS.map(name => `--collector.${name}`),
        ],
        ...CONTAINER_DEFAULTS,
        resources: resourceRequirements(input.topology.shared[SERVICE]),
        ports: [{ name: 'metrics', containerPort: PORTS.nodeExporter, hostPort: PORTS.nodeExporter }],
        readinessProbe: { ...probe, periodSeconds: 5, timeoutSeconds: 2 },
        livenessProbe: { ...probe, periodSeconds: 20, timeoutSeconds: 5 },
        volumeMounts: [
          { name: 'proc', mountPath: '/host/proc', readOnly: true },
          { name: 'sys', mountPath: '/host/sys', readOnly: true },
          {
            name: 'root',
            mountPath: '/host/root',
            readOnly: true,
            mountPropagation: 'HostToContainer',
          },
        ],
      },
      volumes: [
        { name: 'proc', hostPath: { path: '/proc' } },
        { name: 'sys', hostPath: { path: '/sys' } },
        { name: 'root', hostPath: { path: '/' } },
      ],
    }),
  ]
}
