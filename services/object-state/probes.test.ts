import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { blackboxConfig } from '../../platform/manifests/blackbox.ts'
import { type PlacedPod, PROBE_NAMES, probeTargets } from './probes.ts'

const place = (service: string, address: string, group: string, zone?: string): PlacedPod => ({
  address,
  nodeGroup: group,
  ending: false,
  labels: {
    group: service === 'blackbox' ? 'system' : group,
    ...(zone ? { zone } : {}),
    service,
    namespace: service === 'blackbox' ? 'observability' : group,
    pod: `${service}-${zone ?? 'x'}`,
    node: zone ? `${group}-${zone}` : 'system',
  },
})

const OUTSIDE = place('blackbox', '10.244.10.2', 'system')
const IN_ZONES = [
  place('blackbox', '10.244.21.2', 'experiment', 'a'),
  place('blackbox', '10.244.22.2', 'experiment', 'b'),
  place('blackbox', '10.244.11.2', 'control', 'a'),
]
const PODS = [
  place('gateway', '10.244.21.3', 'experiment', 'a'),
  place('database', '10.244.22.4', 'experiment', 'b'),
  place('edge', '10.244.10.5', 'experiment'),
]
const PLACES = [OUTSIDE, ...IN_ZONES, ...PODS]
/** `from -> what is asked`, of the group and zone it is about. */
const told = (name: string, places: readonly PlacedPod[] = PLACES) =>
  probeTargets(name, places).map(
    ({ targets, labels }) =>
      `${targets[0]} ${labels.from} ${labels.__param_module} ${labels.__param_target} ${labels.group}/${labels.zone}/${labels.service}`,
  )

describe('probeTargets()', () => {
  test('asks gateways over HTTP from outside the zones, which no fault reaches', () => {
    expect(told('probe-http')).toEqual([
      '10.244.10.2:9115 outside http http://10.244.21.3:8080/healthz experiment/a/gateway',
    ])
  })

  test('sends echoes to all that serves in a zone', () => {
    expect(told('probe-icmp')).toEqual([
      '10.244.10.2:9115 outside icmp 10.244.21.3 experiment/a/gateway',
      '10.244.10.2:9115 outside icmp 10.244.22.4 experiment/b/database',
    ])
  })

  test('sends echoes between the zones of one group, never to the other group', () => {
    expect(told('probe-icmp-zones')).toEqual([
      '10.244.21.2:9115 a icmp 10.244.22.2 experiment/b/network',
      '10.244.22.2:9115 b icmp 10.244.21.2 experiment/a/network',
    ])
  })

  test('asks for names from every zone, about that zone', () => {
    expect(told('probe-dns')).toEqual([
      '10.244.21.2:9115 a dns kube-dns.kube-system.svc.cluster.local experiment/a/network',
      '10.244.22.2:9115 b dns kube-dns.kube-system.svc.cluster.local experiment/b/network',
      '10.244.11.2:9115 a dns kube-dns.kube-system.svc.cluster.local control/a/network',
    ])
  })

  test('gives no two probes the same labels', () => {
    const all = PROBE_NAMES.flatMap(name =>
      probeTargets(name, PLACES).map(({ labels }) => ({ name, ...labels })),
    )

    expect(new Set(all.map(labels => JSON.stringify(labels))).size).toBe(all.length)
  })

  test('asks nothing of a pod that leaves', () => {
    const leaving = PLACES.map(pod => (pod.labels.service === 'gateway' ? { ...pod, ending: true } : pod))

    expect(told('probe-http', leaving)).toEqual([])
    expect(told('probe-icmp', leaving)).toEqual([
      '10.244.10.2:9115 outside icmp 10.244.22.4 experiment/b/database',
    ])
  })

  test('asks only what a prober knows to ask', () => {
    const { modules } = parse(blackboxConfig()) as { modules: object }
    const asked = PROBE_NAMES.flatMap(name =>
      probeTargets(name, PLACES).map(each => each.labels.__param_module),
    )

    expect([...new Set(asked)].sort()).toEqual(Object.keys(modules).sort())
  })

  test('asks nothing while there is no prober', () => {
    expect(PROBE_NAMES.flatMap(name => told(name, PODS))).toEqual([])
  })
})
