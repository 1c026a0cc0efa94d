import { alignColumns } from './columns.ts'
import type { LabRecord } from './lab.ts'
import type { LabState, ServiceState } from './lab-status.ts'
import { FORWARDED_PORTS, GROUPS, PORTS, SHARED_NAMESPACE } from './topology.ts'

/** What a person opens: base URLs on this machine; null where the cluster does not bring them here. */
export type Addresses = Readonly<
  Record<'control' | 'experiment' | 'console' | 'prometheus' | 'traces', string | null>
>

export function addressesOf({ facts }: Pick<LabRecord, 'facts'>): Addresses {
  const local = (port: number) => (facts.kind === 'local' ? `http://127.0.0.1:${port}` : null)
  return {
    control: local(FORWARDED_PORTS.controlGateway),
    experiment: local(FORWARDED_PORTS.experimentGateway),
    console: local(FORWARDED_PORTS.oncall),
    prometheus: local(FORWARDED_PORTS.prometheus),
    traces: local(FORWARDED_PORTS.zipkin),
  }
}

export function addressLines(addresses: Addresses): string[] {
  if (addresses.control === null) {
    const open = (namespace: string, service: string, ports: string) =>
      `kubectl -n ${namespace} port-forward service/${service} ${ports}`
    return [
      'Open them with:',
      `  ${open('control', 'edge', `${FORWARDED_PORTS.controlGateway}:${PORTS.edge}`)}`,
      `  ${open('experiment', 'edge', `${FORWARDED_PORTS.experimentGateway}:${PORTS.edge}`)}`,
      // Notifications of alerts lead to the console at this port.
      `  ${open(SHARED_NAMESPACE, 'oncall', `${FORWARDED_PORTS.oncall}:${PORTS.oncall}`)}`,
      `  ${open(SHARED_NAMESPACE, 'prometheus', `${FORWARDED_PORTS.prometheus}:${PORTS.prometheus}`)}`,
      `  ${open(SHARED_NAMESPACE, 'zipkin', `${FORWARDED_PORTS.zipkin}:${PORTS.zipkin}`)}`,
    ]
  }
  return Object.entries(addresses).map(([name, url]) => `${name.padEnd(12)}${url}`)
}

/** The lab as programs read it: its state, and where its services are opened. */
export function statusValue(state: LabState, addresses: Addresses, kubeconfigPath: string) {
  const groups = {
    control: { gateway: addresses.control, ...state.groups.control },
    experiment: { gateway: addresses.experiment, ...state.groups.experiment },
  }
  return { ...state, kubeconfig: kubeconfigPath, prometheus: addresses.prometheus, groups }
}

/** The lab as a table: where each pod runs, or why it does not. */
export function statusText(state: LabState, addresses: Addresses, kubeconfigPath: string): string {
  const rows = [
    ...GROUPS.flatMap(group => state.groups[group].services.map(service => serviceRow(group, service))),
    ...state.shared.map(service => serviceRow('shared', service)),
  ]
  const unready = state.nodes.filter(node => !node.ready).map(node => node.name)
  return [
    alignColumns([['group', 'service', 'ready', 'where'], ...rows]),
    '',
    unready.length === 0 ? `${state.nodes.length} nodes Ready` : `Not ready: ${unready.join(', ')}`,
    ...addressLines(addresses),
    `kubectl     KUBECONFIG=${kubeconfigPath}`,
  ].join('\n')
}

function serviceRow(group: string, { service, ready, desired, pods }: ServiceState): string[] {
  const whole = ready >= desired
  const places = pods.map(pod => `${pod.node}${pod.role === 'primary' ? ' (primary)' : ''}`)
  const late = pods.filter(pod => !pod.ready && pod.why).map(pod => `${pod.name}: ${pod.why}`)
  return [group, service, `${ready}/${desired}`, (whole ? places : late).join(whole ? ', ' : '; ')]
}
