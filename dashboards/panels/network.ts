import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { IN_SCOPE, perSecond, share } from '../expressions.ts'
import { timeSeries } from './panel.ts'

const PLACE = '{{group}} {{service}} {{zone}}'
const BY_PLACE = 'group, service, zone'
/** Pods have one interface to the others. */
const PODS = `${IN_SCOPE},pod!=""`

/** Names, distances and losses, as the probes and the services themselves meet them. */
export function network(): readonly Panel[] {
  return [
    timeSeries({
      title: 'DNS lookup time',
      description: 'How long a gateway last waited for the addresses of the recommenders.',
      unit: 'seconds',
      min: 0,
      queries: [
        { expr: `max by (${BY_PLACE}) (gateway_lookup_duration_seconds{${IN_SCOPE}})`, legend: PLACE },
      ],
    }),
    timeSeries({
      title: 'DNS lookups failed',
      description: 'Share of the lookups of a gateway that gave no address.',
      unit: 'ratio',
      min: 0,
      queries: [
        {
          expr: share(
            perSecond(`gateway_lookups_total{${IN_SCOPE},outcome="failed"}`, BY_PLACE),
            perSecond(`gateway_lookups_total{${IN_SCOPE}}`, BY_PLACE),
          ),
          legend: PLACE,
        },
      ],
    }),
    timeSeries({
      title: 'DNS answer time',
      description: 'Time until the name server of the cluster answers a probe.',
      unit: 'seconds',
      min: 0,
      queries: [
        { expr: 'sum by (job, instance) (probe_dns_duration_seconds)', legend: '{{job}} {{instance}}' },
      ],
    }),
    timeSeries({
      title: 'Round trip',
      description: 'Time of an ICMP echo from the system node to a pod and back.',
      unit: 'seconds',
      min: 0,
      queries: [
        {
          expr: `max by (${BY_PLACE}) (probe_icmp_duration_seconds{${IN_SCOPE},phase="rtt"})`,
          legend: PLACE,
        },
      ],
    }),
    timeSeries({
      title: 'Probes lost',
      description:
        'Share of the probes of a pod or service that were not answered: a packet lost on the way, or nobody there.',
      unit: 'ratio',
      min: 0,
      max: 1,
      queries: [
        {
          expr: `1 - avg by (job, ${BY_PLACE}) (avg_over_time(probe_success{${IN_SCOPE}}[$__rate_interval]))`,
          legend: `{{job}} ${PLACE}`,
        },
      ],
    }),
    timeSeries({
      title: 'Probe time',
      description: 'Time of a whole probe, with its name lookup and its connection.',
      unit: 'seconds',
      min: 0,
      queries: [
        {
          expr: `max by (job, ${BY_PLACE}) (probe_duration_seconds{${IN_SCOPE}})`,
          legend: `{{job}} ${PLACE}`,
        },
      ],
    }),
    timeSeries({
      title: 'Segments sent again',
      description:
        'Share of the TCP segments of a node that were sent a second time: what packet loss looks like from the sender.',
      unit: 'ratio',
      min: 0,
      queries: [
        {
          expr: share(
            perSecond(`node_netstat_Tcp_RetransSegs{${IN_SCOPE}}`, 'node'),
            perSecond(`node_netstat_Tcp_OutSegs{${IN_SCOPE}}`, 'node'),
          ),
          legend: '{{node}}',
        },
      ],
    }),
    timeSeries({
      title: 'Packets dropped',
      description: 'Packets that the interface of a pod threw away, in and out together.',
      unit: 'perSecond',
      min: 0,
      queries: [
        {
          expr: `${perSecond(`container_network_receive_packets_dropped_total{${PODS}}`, BY_PLACE)} + ${perSecond(`container_network_transmit_packets_dropped_total{${PODS}}`, BY_PLACE)}`,
          legend: PLACE,
        },
      ],
    }),
    timeSeries({
      title: 'Bytes of pods',
      description: 'What the pods of a service send and receive in a zone.',
      unit: 'bytesPerSecond',
      min: 0,
      queries: [
        {
          expr: perSecond(`container_network_receive_bytes_total{${PODS}}`, BY_PLACE),
          legend: `${PLACE} in`,
        },
        {
          expr: perSecond(`container_network_transmit_bytes_total{${PODS}}`, BY_PLACE),
          legend: `${PLACE} out`,
        },
      ],
    }),
  ]
}
