import type { ContainerTarget, Probe } from './action.ts'

/** A container on a node with control groups of version 1, for tests. */
export const CONTAINER: ContainerTarget = {
  kind: 'container',
  pod: 'database-0',
  podUid: '903530b6-20a6-47e0-b6dc-9a1f3cf72ab6',
  container: 'database',
  containerId: 'abc',
  main: { pid: 100, startTicks: 5000 },
  processes: [
    { pid: 100, startTicks: 5000, command: '/usr/bin/python3 /usr/bin/patroni /run/patroni/config' },
    { pid: 110, startTicks: 5100, command: '/usr/lib/postgresql/15/bin/postgres -D /data' },
    { pid: 111, startTicks: 5101, command: 'postgres: database: checkpointer' },
  ],
  userId: 10001,
  groupId: 10001,
  network: {
    ref: { of: 'pod', podUid: '903530b6-20a6-47e0-b6dc-9a1f3cf72ab6', inode: 4026532000 },
    interfaceName: 'eth0',
    nodeInterfaceName: 'veth1',
    address: '10.244.22.5',
  },
  cgroups: {
    version: 1,
    folders: {
      cpu: '/groups/cpu/x',
      cpuacct: '/groups/cpuacct/x',
      memory: '/groups/memory/x',
      freezer: '/groups/freezer/x',
    },
  },
  memoryLimitBytes: 320 * 1024 * 1024,
  volumes: {
    run: { mountPath: '/run/patroni', agentPath: '/volumes/run', freeBytes: 16 * 1024 * 1024 },
    data: { mountPath: '/data', agentPath: '/volumes/data', freeBytes: 60 * 1024 ** 3 },
  },
}

/** The same on a node with version 2. */
export const CONTAINER_V2: ContainerTarget = {
  ...CONTAINER,
  cgroups: { version: 2, folders: { all: '/groups/x' } },
}

/** A probe that reads from tables; what is not in them is not there. */
export function recordedProbe(
  record: {
    readonly files?: Readonly<Record<string, string>>
    readonly alive?: readonly number[]
    readonly started?: readonly number[]
    readonly freeBytes?: number
    readonly clockOffsetMs?: number
    readonly output?: string
  } = {},
): Probe {
  return {
    run: async () => record.output ?? '',
    readFile: async path => record.files?.[path] ?? null,
    freeBytes: async () => record.freeBytes ?? 0,
    isAlive: async ({ pid }) => record.alive?.includes(pid) ?? false,
    started: async () => (record.started ?? []).map(pid => ({ pid, startTicks: 1 })),
    clockOffsetMs: async () => record.clockOffsetMs ?? 0,
  }
}

/** What an action is asked. */
export function subjectOf<Spec>(spec: Spec, target: ContainerTarget = CONTAINER) {
  return { spec, target, id: 'f1', capabilities: new Set<never>(), durationSeconds: 29.5 }
}
