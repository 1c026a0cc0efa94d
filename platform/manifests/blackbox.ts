import { stringify } from 'yaml'
import { PORTS, SHARED_GROUP, SHARED_NAMESPACE, sharedHost } from '../topology.ts'
import { daemonSet } from './daemon-set.ts'
import type { RenderInput } from './input.ts'
import { configAnnotation, configMap, type KubernetesObject, metadata } from './object.ts'
import { basePod, CONTAINER_DEFAULTS, imageReference, QUICK_DNS, resourceRequirements } from './pod.ts'

const SERVICE = 'blackbox'
const CONFIG_NAME = 'blackbox-config'

/** Longer than any answer that is still of use, shorter than Prometheus waits for a scrape. */
const TIMEOUT = '3s'

/**
 * What can be asked of a target; which is asked of whom, from where, is told by object-state (services/object-state/probes.ts).
 * An answer of HTTP is good when it comes: what it costs users is told by the gateway itself.
 */
export function blackboxConfig(): string {
  const ip4 = { preferred_ip_protocol: 'ip4' }
  return stringify(
    {
      modules: {
        http: { prober: 'http', timeout: TIMEOUT, http: ip4 },
        icmp: { prober: 'icmp', timeout: TIMEOUT, icmp: ip4 },
        dns: {
          prober: 'dns',
          timeout: TIMEOUT,
          dns: {
            ...ip4,
            transport_protocol: 'udp',
            // With the final dot it is one query. Both groups ask for the same name, so that they can be compared.
            query_name: `${sharedHost('prometheus')}.`,
            query_type: 'A',
            valid_rcodes: ['NOERROR'],
            validate_answer_rrs: { fail_if_none_matches_regexp: ['.+'] },
          },
        },
      },
    },
    { lineWidth: 0 },
  )
}

/**
 * One prober on every node, on the pods' network. That of the system node, which no fault reaches, asks the groups' pods:
 * faults are in the target's own namespace, so it sees what their clients see. Those of the zones ask each other, and the
 * name service.
 */
export function blackbox(input: RenderInput): readonly KubernetesObject[] {
  const files = { 'blackbox.yml': blackboxConfig() }
  const probe = { httpGet: { path: '/-/healthy', port: PORTS.blackbox } }
  return [
    configMap(metadata(SHARED_GROUP, SHARED_NAMESPACE, SERVICE, CONFIG_NAME), files),
    daemonSet(SHARED_NAMESPACE, SERVICE, {
      annotations: configAnnotation(files),
      pod: {
        ...basePod(),
        securityContext: {
          ...basePod().securityContext,
          // Lets it send echo requests without any right.
          sysctls: [{ name: 'net.ipv4.ping_group_range', value: '0 2147483647' }],
        },
        ...QUICK_DNS,
        serviceAccountName: SERVICE,
        tolerations: [{ operator: 'Exists' }],
        terminationGracePeriodSeconds: 2,
      },
      container: {
        image: imageReference(input.images, 'observability'),
        command: [
          'prometheus-blackbox-exporter',
          '--config.file=/etc/blackbox/blackbox.yml',
          `--web.listen-address=:${PORTS.blackbox}`,
          // Each failed probe would be a line: Prometheus keeps them already.
          '--log.level=error',
        ],
        ...CONTAINER_DEFAULTS,
        resources: resourceRequirements(input.topology.shared[SERVICE]),
        ports: [{ name: 'http', containerPort: PORTS.blackbox }],
        readinessProbe: { ...probe, periodSeconds: 5, timeoutSeconds: 2 },
        livenessProbe: { ...probe, periodSeconds: 20, timeoutSeconds: 5 },
        volumeMounts: [{ name: 'config', mountPath: '/etc/blackbox', readOnly: true }],
      },
      volumes: [{ name: 'config', configMap: { name: CONFIG_NAME } }],
    }),
  ]
}
