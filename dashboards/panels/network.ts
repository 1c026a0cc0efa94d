import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { IN_SCOPE, perSecond, share } from '../expressions.ts'
import { timeSeries } from './panel.ts'

const PLACE = '{{group}} {{service}} {{zone}}'
const BY_PLACE = 'group, service, zone'
const ZONE = '{{group}} {{zone}}'
const BY_ZONE = 'group, zone'
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
      description: 'Time until the name server of the cluster answers a probe from a zone.',
      unit: 'seconds',
      min: 0,
      queries: [
        {
          expr: `max by (${BY_ZONE}) (probe_dns_duration_seconds{${IN_SCOPE},phase="request"})`,
          legend: ZONE,
        },
      ],
    }),
    timeSeries({
      title: 'Round trip',
      description: 'Time of the slowest ICMP echo to a zone and back.',
      unit: 'seconds',
      min: 0,
      queries: [
        {
          expr: `max by (${BY_ZONE}) (probe_icmp_duration_seconds{${IN_SCOPE},phase="rtt"} > 0)`,
          legend: ZONE,
        },
      ],
    }),
    timeSeries({
      title: 'Packets lost',
      description: 'Share of the ICMP echoes of two minutes to a zone that did not come back.',
      unit: 'ratio',
      min: 0,
      max: 1,
      queries: [
        { expr: `max by (${BY_ZONE}) (group_zone:echo_loss:ratio_rate2m{${IN_SCOPE}})`, legend: ZONE },
      ],
    }),
    timeSeries({
      title: 'Probes failed',
      description: 'Share of the probes of a kind that got no answer or a wrong one.',
      unit: 'ratio',
      min: 0,
      max: 1,
      queries: [
        {
          expr: `1 - avg by (job, ${BY_ZONE}) (avg_over_time(probe_success{${IN_SCOPE}}[$__rate_interval]))`,
          legend: `{{job}} ${ZONE}`,
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
          expr: `max by (job, ${BY_ZONE}) (probe_duration_seconds{${IN_SCOPE}})`,
          legend: `{{job}} ${ZONE}`,
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
