import { type AlertCase, counts, hold, silent, then } from './case.ts'

const ready = (node: string, values: string, group = 'experiment') => ({
  [`kube_node_status_condition{group="${group}",node="${node}",condition="Ready",status="true"}`]: values,
})
const zoned = (node: string, zone: string, group = 'experiment') => ({
  [`kube_node_labels{group="${group}",node="${node}",label_topology_kubernetes_io_zone="${zone}"}`]: hold(
    1,
    900,
  ),
})
const pressure = (kind: 'cpu' | 'io', node: string, values: string, group = 'experiment') => ({
  [`node_pressure_${kind}_waiting_seconds_total{group="${group}",zone="a",node="${node}"}`]: values,
})
const disk = (what: 'avail' | 'size', values: string, fstype = 'ext4') => ({
  [`node_filesystem_${what}_bytes{group="experiment",zone="a",node="experiment-a",device="/dev/x",fstype="${fstype}",mountpoint="/"}`]:
    values,
})
const dies = then(hold(1, 30), hold(0, 60), hold(1, 120))
const A = { group: 'experiment', zone: 'a' }
const NODE_A = { ...A, node: 'experiment-a' }
const B_IS_WELL = { ...ready('experiment-b', hold(1, 900)), ...zoned('experiment-b', 'b') }

export const NODE_CASES: readonly AlertCase[] = [
  {
    alert: 'ZoneDown',
    fires: {
      told: { ...ready('experiment-a', dies), ...zoned('experiment-a', 'a'), ...B_IS_WELL },
      notYetSeconds: 30,
      atSeconds: 45,
      labels: A,
      resolvedSeconds: 100,
    },
    quiet: [
      {
        why: 'one of two nodes of the zone is ready',
        told: {
          ...ready('one', hold(0, 120)),
          ...zoned('one', 'a'),
          ...ready('other', hold(1, 120)),
          ...zoned('other', 'a'),
        },
        atSeconds: 60,
      },
      {
        why: 'nobody tells about nodes any more',
        told: {
          ...ready('experiment-a', then(hold(1, 30), 'stale', silent(60))),
          ...zoned('experiment-a', 'a'),
        },
        atSeconds: 80,
      },
    ],
  },
  {
    alert: 'NodeDown',
    fires: {
      // Gone from the list altogether, as a machine in a cloud goes.
      told: {
        ...ready('experiment-a', then(hold(1, 30), 'stale', silent(55), hold(1, 120))),
        ...zoned('experiment-a', 'a'),
        ...B_IS_WELL,
      },
      notYetSeconds: 30,
      atSeconds: 45,
      labels: NODE_A,
      resolvedSeconds: 120,
    },
    quiet: [
      {
        why: 'it blinks for one sample',
        told: {
          ...ready('system', then(hold(1, 30), '0', hold(1, 60)), 'system'),
          ...zoned('system', '', 'system'),
        },
        atSeconds: 30,
      },
      {
        why: 'it is ready, and short of memory',
        told: {
          ...ready('experiment-a', hold(1, 90)),
          ...zoned('experiment-a', 'a'),
          'kube_node_status_condition{group="experiment",node="experiment-a",condition="MemoryPressure",status="true"}':
            hold(1, 90),
        },
        atSeconds: 60,
      },
    ],
  },
  {
    alert: 'NodeRestarted',
    fires: {
      told: {
        'node_boot_time_seconds{group="experiment",zone="a",node="experiment-a"}': then(
          hold(1000, 60),
          hold(1040, 900),
        ),
      },
      notYetSeconds: 60,
      atSeconds: 75,
      labels: NODE_A,
      resolvedSeconds: 700,
    },
    quiet: [
      {
        why: 'its clock was set by twenty seconds',
        told: {
          'node_boot_time_seconds{group="experiment",zone="a",node="experiment-a"}': then(
            hold(1000, 60),
            hold(1020, 60),
          ),
        },
        atSeconds: 100,
      },
    ],
  },
  {
    alert: 'NodeCordoned',
    fires: {
      told: {
        'kube_node_spec_unschedulable{group="experiment",node="experiment-a"}': then(
          hold(0, 30),
          hold(1, 60),
          hold(0, 60),
        ),
        ...ready('experiment-a', hold(1, 200)),
        ...zoned('experiment-a', 'a'),
      },
      notYetSeconds: 50,
      atSeconds: 70,
      labels: { group: 'experiment', node: 'experiment-a' },
      resolvedSeconds: 100,
    },
    quiet: [
      {
        why: 'it is down: another alert says so',
        told: {
          'kube_node_spec_unschedulable{group="experiment",node="experiment-a"}': hold(1, 120),
          ...ready('experiment-a', hold(0, 120)),
          ...zoned('experiment-a', 'a'),
        },
        atSeconds: 90,
      },
    ],
  },
  {
    alert: 'DiskFilling',
    fires: {
      told: {
        ...disk('size', hold(1000, 300)),
        ...disk('avail', then(hold(90, 120), hold(500, 180))),
      },
      notYetSeconds: 25,
      atSeconds: 75,
      labels: { ...NODE_A, device: '/dev/x' },
      resolvedSeconds: 160,
    },
    quiet: [
      {
        why: 'an eighth is free and stays free',
        told: { ...disk('size', hold(1000, 300)), ...disk('avail', hold(125, 300)) },
        atSeconds: 200,
      },
      {
        why: 'it lives in memory',
        told: { ...disk('size', hold(1000, 300), 'tmpfs'), ...disk('avail', hold(1, 300), 'tmpfs') },
        atSeconds: 200,
      },
      {
        why: 'it fills fast, and has nearly half of its room left',
        told: { ...disk('size', hold(1e6, 300)), ...disk('avail', '500000-1000x59') },
        atSeconds: 200,
      },
    ],
  },
  {
    alert: 'DiskFilling',
    fires: {
      // 300 of 1,000 left, and 1 less every five seconds: gone in 25 minutes.
      told: { ...disk('size', hold(1000, 1800)), ...disk('avail', then('330-1x60', hold(800, 1500))) },
      atSeconds: 250,
      labels: { ...NODE_A, device: '/dev/x' },
      resolvedSeconds: 600,
    },
    quiet: [
      {
        why: 'at this pace it lasts for two hours',
        told: { ...disk('size', hold(1e6, 300)), ...disk('avail', '300000-200x59') },
        atSeconds: 250,
      },
    ],
  },
  {
    alert: 'NodeCpuPressure',
    fires: {
      told: {
        ...pressure(
          'cpu',
          'experiment-a',
          counts([
            [60, 0.1],
            [180, 0.97],
            [180, 0.1],
          ]),
        ),
        ...pressure('cpu', 'experiment-b', counts([[420, 0.82]])),
      },
      notYetSeconds: 135,
      atSeconds: 220,
      labels: NODE_A,
      resolvedSeconds: 330,
    },
    quiet: [
      {
        why: 'four fifths of the time',
        told: {
          ...pressure('cpu', 'experiment-a', counts([[300, 0.8]])),
          ...pressure('cpu', 'experiment-b', counts([[300, 0.1]])),
        },
        atSeconds: 250,
      },
    ],
  },
  {
    alert: 'NodeCpuPressure',
    fires: {
      // One machine carries both nodes: what it lacks is no finding about either group.
      told: {
        ...pressure(
          'cpu',
          'experiment-a',
          counts([
            [300, 0.99],
            [180, 0.1],
          ]),
        ),
        ...pressure(
          'cpu',
          'control-a',
          counts([
            [300, 0.99],
            [180, 0.1],
          ]),
          'control',
        ),
      },
      atSeconds: 220,
      labels: { group: 'system', node: 'all' },
      resolvedSeconds: 400,
    },
    quiet: [
      {
        why: 'the other node is hardly better off, and has time',
        told: {
          ...pressure('cpu', 'experiment-a', counts([[300, 0.95]])),
          ...pressure('cpu', 'experiment-b', counts([[300, 0.87]])),
        },
        atSeconds: 250,
      },
    ],
  },
  {
    alert: 'NodeIoPressure',
    fires: {
      told: {
        ...pressure(
          'io',
          'experiment-a',
          counts([
            [60, 0.3],
            [120, 0.52],
            [180, 0.3],
          ]),
        ),
        ...pressure('io', 'experiment-b', counts([[360, 0.36]])),
      },
      notYetSeconds: 115,
      atSeconds: 160,
      labels: NODE_A,
      resolvedSeconds: 260,
    },
    quiet: [
      {
        why: 'a third of the time',
        told: {
          ...pressure('io', 'experiment-a', counts([[300, 0.33]])),
          ...pressure('io', 'experiment-b', counts([[300, 0]])),
        },
        atSeconds: 250,
      },
      {
        why: 'the other node is hardly better off',
        told: {
          ...pressure('io', 'experiment-a', counts([[300, 0.46]])),
          ...pressure('io', 'experiment-b', counts([[300, 0.38]])),
        },
        atSeconds: 250,
      },
      {
        why: 'the kernel has no account of pressure, and the disk is idle',
        told: {
          'node_cpu_seconds_total{group="experiment",zone="a",node="experiment-a",cpu="0",mode="iowait"}':
            counts([[300, 0.1]]),
        },
        atSeconds: 250,
      },
    ],
  },
  {
    alert: 'NodeIoPressure',
    fires: {
      told: {
        'node_cpu_seconds_total{group="experiment",zone="a",node="experiment-a",cpu="0",mode="iowait"}':
          counts([
            [120, 0.7],
            [180, 0],
          ]),
        'node_cpu_seconds_total{group="experiment",zone="b",node="experiment-b",cpu="0",mode="iowait"}':
          counts([[300, 0.1]]),
      },
      atSeconds: 110,
      labels: NODE_A,
      resolvedSeconds: 200,
    },
    quiet: [],
  },
  {
    alert: 'NodeIoPressure',
    fires: {
      // The one disk below all nodes.
      told: {
        ...pressure(
          'io',
          'experiment-a',
          counts([
            [120, 0.5],
            [180, 0.1],
          ]),
        ),
        ...pressure(
          'io',
          'control-a',
          counts([
            [120, 0.5],
            [180, 0.1],
          ]),
          'control',
        ),
      },
      atSeconds: 100,
      labels: { group: 'system', node: 'all' },
      resolvedSeconds: 200,
    },
    quiet: [
      {
        why: 'both for a third of the time',
        told: {
          ...pressure('io', 'experiment-a', counts([[300, 0.33]])),
          ...pressure('io', 'control-a', counts([[300, 0.33]]), 'control'),
        },
        atSeconds: 250,
      },
    ],
  },
]
