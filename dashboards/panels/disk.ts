import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { IN_SCOPE, perSecond } from '../expressions.ts'
import { timeSeries } from './panel.ts'

const NODE = '{{node}}'
/** File systems that hold data; one file system is mounted in many places, and one of them is enough. */
const DATA = `${IN_SCOPE},fstype!~"tmpfs|ramfs|squashfs|overlay"`

/** What goes to and from the disks, who waits for it, and what is left of them. */
export function disk(): readonly Panel[] {
  return [
    timeSeries({
      title: 'Waiting for IO',
      description: 'Share of the time in which some process of a node waited for a disk (pressure stall).',
      unit: 'ratio',
      min: 0,
      queries: [
        { expr: perSecond(`node_pressure_io_waiting_seconds_total{${IN_SCOPE}}`, 'node'), legend: NODE },
      ],
    }),
    timeSeries({
      title: 'Disk reads and writes',
      description:
        'Bytes that go to and from the disks of a node. Nodes of the local cluster share one disk.',
      unit: 'bytesPerSecond',
      min: 0,
      queries: [
        { expr: perSecond(`node_disk_read_bytes_total{${IN_SCOPE}}`, 'node'), legend: `${NODE} read` },
        { expr: perSecond(`node_disk_written_bytes_total{${IN_SCOPE}}`, 'node'), legend: `${NODE} written` },
      ],
    }),
    timeSeries({
      title: 'Disk busy',
      description: 'Share of the time in which the busiest disk of a node had something to do.',
      unit: 'ratio',
      min: 0,
      max: 1,
      queries: [
        {
          expr: `max by (node) (rate(node_disk_io_time_seconds_total{${IN_SCOPE}}[$__rate_interval]))`,
          legend: NODE,
        },
      ],
    }),
    timeSeries({
      title: 'Disk full',
      description: 'Used share of the fullest file system of a node that holds data.',
      unit: 'ratio',
      min: 0,
      max: 1,
      queries: [
        {
          expr: `max by (node) (1 - node_filesystem_avail_bytes{${DATA}} / node_filesystem_size_bytes{${DATA}})`,
          legend: NODE,
        },
      ],
    }),
  ]
}
