import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { IN_SCOPE, perSecond, share } from '../expressions.ts'
import { timeSeries } from './panel.ts'

const PLACE = '{{group}} {{service}} {{zone}}'
const BY_PLACE = 'group, service, zone'
const ZONE = '{{group}} {{zone}}'
const BY_ZONE = 'group, zone'
/** Pods have one interface to the others. */
const PODS = `${IN_SCOPE},pod!=""`

/** Of probes every few seconds a minute holds enough to tell one lost packet from many. */
const lost = (probes: string, by: string) =>
  `1 - avg by (${by}) (avg_over_time(probe_success{${IN_SCOPE},${probes}}[1m]))`

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
      description: 'Time until the name service answers a probe from a zone.',
      unit: 'seconds',
      min: 0,
      queries: [
        {
          expr: `max by (${BY_ZONE}) (probe_dns_duration_seconds{${IN_SCOPE},job="probe-dns",phase="request"})`,
          legend: ZONE,
        },
      ],
    }),
    timeSeries({
      title: 'Round trip between zones',
      description: 'Time of an ICMP echo from one zone of a group to another and back.',
      unit: 'seconds',
      min: 0,
      queries: [
        {
          expr: `max by (group, from, zone) (probe_icmp_duration_seconds{${IN_SCOPE},job="probe-icmp-zones",phase="rtt"} > 0)`,
          legend: '{{group}} {{from}} to {{zone}}',
        },
      ],
    }),
    timeSeries({
      title: 'Round trip to pods',
      description: 'Time of an ICMP echo from outside the zones to a pod and back.',
      unit: 'seconds',
      min: 0,
      queries: [
        {
          expr: `max by (${BY_PLACE}) (probe_icmp_duration_seconds{${IN_SCOPE},job="probe-icmp",phase="rtt"} > 0)`,
          legend: PLACE,
        },
      ],
    }),
    timeSeries({
      title: 'Packets lost on the way to pods',
      description:
        'Share of the ICMP echoes of a minute that did not come back: a packet was lost, or nobody is there.',
      unit: 'ratio',
      min: 0,
      max: 1,
      queries: [{ expr: lost('job="probe-icmp"', BY_PLACE), legend: PLACE }],
    }),
    timeSeries({
      title: 'Packets lost between zones',
      description: 'Share of the ICMP echoes of a minute from one zone to another that did not come back.',
      unit: 'ratio',
      min: 0,
      max: 1,
      queries: [
        {
          expr: lost('job="probe-icmp-zones"', 'group, from, zone'),
          legend: '{{group}} {{from}} to {{zone}}',
        },
      ],
    }),
    timeSeries({
      title: 'Health checks failed',
      description:
        'Share of the requests of a minute, from outside the zones, to which a pod did not say that it lives.',
      unit: 'ratio',
      min: 0,
      max: 1,
      queries: [{ expr: lost('job="probe-http"', BY_PLACE), legend: PLACE }],
    }),
    timeSeries({
      title: 'Time of a health check',
      description:
        'Time of such a request, with its connection: what latency looks like from outside the zones.',
      unit: 'seconds',
      min: 0,
      queries: [
        {
          expr: `max by (${BY_PLACE}) (probe_duration_seconds{${IN_SCOPE},job="probe-http"})`,
          legend: PLACE,
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
