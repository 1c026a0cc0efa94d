import type { AlertRule, RuleGroup } from '../rule.ts'

/** 1 while Kubernetes calls a node ready; labels group, node, and zone where it has one. */
export const NODE_READY = 'node:ready:bool'
const CPU_WAITING = 'node:cpu_waiting:ratio_rate1m'
const IO_WAITING = 'node:io_waiting:ratio_rate1m'

/** A node that went away altogether is missed for that long. */
const REMEMBERED = '10m'

/** Room left on a disk below which it is time to act, and how far ahead its trend is followed. */
const DISK = { leastFree: 0.1, trendFree: 0.4, trendSeconds: 3600 }

/** Share of time in which something waited for the processor or a disk. */
const PRESSURE = { cpu: 0.9, io: 0.4 }
/** Nodes that are containers of one machine all tell that machine's pressure; one that stands out by this is its own. */
const OWN_PRESSURE = 0.1

const REAL_DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs"'
const PLACE = 'group, zone, node'

/** Machines: nodes, their disks, and what they share. */
export function nodeRules(): RuleGroup {
  return {
    name: 'nodes',
    recordings: [
      {
        record: NODE_READY,
        expr: [
          'max by (group, node) (kube_node_status_condition{condition="Ready",status="true"})',
          '* on (node) group_left (zone) max by (node, zone) (',
          'label_replace(kube_node_labels, "zone", "$1", "label_topology_kubernetes_io_zone", "(.*)"))',
        ].join(' '),
      },
      {
        record: CPU_WAITING,
        expr: waiting('node_pressure_cpu_waiting_seconds_total', '1 - ', 'idle'),
      },
      { record: IO_WAITING, expr: waiting('node_pressure_io_waiting_seconds_total', '', 'iowait') },
    ],
    alerts: [
      zoneDown(),
      nodeDown(),
      nodeRestarted(),
      nodeCordoned(),
      diskFilling(),
      cpuPressure(),
      ioPressure(),
    ],
  }
}

/** Pressure stall information where the kernel has it, else the processor's own account. */
function waiting(pressure: string, sign: string, mode: string): string {
  return [
    `max by (${PLACE}) (rate(${pressure}[1m]))`,
    `or ${sign}avg by (${PLACE}) (rate(node_cpu_seconds_total{mode="${mode}"}[1m]))`,
  ].join(' ')
}

/** Members of `level` that were seen lately and of which none is ready now; nothing when nobody tells about nodes. */
function noneReady(level: string, nodes: string): string {
  return [
    `(0 * max by (${level}) (max_over_time(${NODE_READY}${nodes}[${REMEMBERED}]))`,
    `unless max by (${level}) (${NODE_READY}${nodes} == 1))`,
    `and on () (count(${NODE_READY}) > 0)`,
  ].join(' ')
}

function zoneDown(): AlertRule {
  return {
    name: 'ZoneDown',
    expr: noneReady('group, zone', '{zone!=""}'),
    guard: { forSeconds: 5 },
    severity: 'page',
    tier: 'zone',
    labels: { service: 'node' },
    carries: ['group', 'zone'],
    summary: 'Zone {{ $labels.zone }} of {{ $labels.group }} is down: none of its nodes is ready',
    description: 'Every node of the zone is NotReady or gone. What ran there is served by the other zones.',
  }
}

function nodeDown(): AlertRule {
  return {
    name: 'NodeDown',
    expr: noneReady(PLACE, ''),
    guard: { forSeconds: 5 },
    severity: 'page',
    tier: 'node',
    labels: { service: 'node' },
    carries: ['group', '[zone]', 'node'],
    summary: 'Node {{ $labels.node }} of {{ $labels.group }} is down: what ran there is not reached',
    description: 'Kubernetes has called it NotReady for 5 s, or it is gone and was there ten minutes ago.',
  }
}

function nodeRestarted(): AlertRule {
  const over = (reduce: string) => `${reduce}_over_time(node_boot_time_seconds[${REMEMBERED}])`
  return {
    name: 'NodeRestarted',
    // A clock that is set moves the boot time by as much: half a minute is no correction by NTP.
    expr: `max by (${PLACE}) (${over('max')}) - min by (${PLACE}) (${over('min')}) > 30`,
    guard: { forSeconds: 5 },
    severity: 'info',
    tier: 'cause',
    labels: { service: 'node' },
    carries: ['group', '[zone]', 'node'],
    summary: 'Node {{ $labels.node }} of {{ $labels.group }} was started again',
    description:
      'It booted less than ten minutes ago, {{ $value | humanizeDuration }} after the boot before.',
  }
}

function nodeCordoned(): AlertRule {
  return {
    name: 'NodeCordoned',
    expr: [
      'max by (group, node) (kube_node_spec_unschedulable) == 1',
      `and on (node) (${NODE_READY} == 1)`,
    ].join(' '),
    guard: { forSeconds: 30 },
    severity: 'info',
    tier: 'cause',
    labels: { service: 'node' },
    carries: ['group', 'node'],
    summary: 'Node {{ $labels.node }} of {{ $labels.group }} takes no new pods',
    description: 'It is ready, but somebody has cordoned it for at least 30 s.',
  }
}

function diskFilling(): AlertRule {
  const free = `node_filesystem_avail_bytes{${REAL_DISKS}} / node_filesystem_size_bytes{${REAL_DISKS}}`
  const trend = `predict_linear(node_filesystem_avail_bytes{${REAL_DISKS}}[15m], ${DISK.trendSeconds})`
  return {
    name: 'DiskFilling',
    expr: [
      `min by (${PLACE}, device) (${free} < ${DISK.leastFree}`,
      `or (${free} < ${DISK.trendFree} and ${trend} < 0))`,
    ].join(' '),
    guard: { forSeconds: 30 },
    severity: 'ticket',
    tier: 'cause',
    labels: { service: 'node' },
    carries: ['group', '[zone]', 'node', 'device'],
    summary: 'Disk {{ $labels.device }} of node {{ $labels.node }} is nearly full, or will be within an hour',
    description: '{{ $value | humanizePercentage }} of it is free.',
  }
}

/** One alert for each node that stands out, or one for the machine that carries all of them. */
function pressureOf(ratio: string, least: number): string {
  const machine = `label_replace(label_replace(min(${ratio}) > ${least}, "group", "system", "", ""), "node", "all", "", "")`
  return [
    `(${ratio} > ${least} and on (${PLACE}) (${ratio} - on () group_left () min(${ratio}) > ${OWN_PRESSURE}))`,
    `or ${machine}`,
  ].join(' ')
}

function cpuPressure(): AlertRule {
  return {
    name: 'NodeCpuPressure',
    expr: pressureOf(CPU_WAITING, PRESSURE.cpu),
    guard: { forSeconds: 60 },
    severity: 'info',
    tier: 'cause',
    labels: { service: 'node' },
    carries: ['group', '[zone]', 'node'],
    summary: 'Node {{ $labels.node }} of {{ $labels.group }} has no processor time to spare',
    description:
      'During {{ $value | humanizePercentage }} of the last minute something waited for a core. Node "all": the machine that carries every node.',
  }
}

function ioPressure(): AlertRule {
  return {
    name: 'NodeIoPressure',
    expr: pressureOf(IO_WAITING, PRESSURE.io),
    guard: { forSeconds: 30 },
    severity: 'ticket',
    tier: 'cause',
    labels: { service: 'node' },
    carries: ['group', '[zone]', 'node'],
    summary: 'Node {{ $labels.node }} of {{ $labels.group }} waits for its disk',
    description:
      'During {{ $value | humanizePercentage }} of the last minute something waited for reading or writing. Node "all": the machine that carries every node.',
  }
}
