/**
 * The chaos agent of one node: does to containers of the experimental group what it is asked for on its socket, and ends
 * it when it is told to, when nobody renews the lease, or when it finds it on the disk after a restart.
 * Run as `node services/agent/main.ts`, as root, in the node's process namespace. Settings:
 *
 * | variable | meaning |
 * | --- | --- |
 * | NODE_NAME | name of the node in Kubernetes |
 * | STATE_FOLDER | folder on the node's own disk |
 * | SOCKET_PATH | where it listens |
 * | ALIVE_PATH | file that it touches as long as it gets to anything, for `supervise` |
 */
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from './agent-error.ts'
import { podKubernetes } from './api/kubernetes.ts'
import { ApiLeases } from './api/leases.ts'
import { watchApi } from './api/watch.ts'
import { readClockOffsetMs } from './clock/read-clock.ts'
import { changedVdsoBytes, setClockOfGroup } from './clock/set-clock.ts'
import { Engine } from './engine.ts'
import { consoleLog as log } from './log.ts'
import { foundCapabilities, nodeTrials } from './node/capabilities.ts'
import { cgroupLayout } from './node/cgroups.ts'
import { NodeExecutor } from './node/executor.ts'
import { Networks } from './node/networks.ts'
import { nodeProbe } from './node/probe.ts'
import { Proc } from './node/proc.ts'
import { NodeResolver } from './node/resolver.ts'
import { nodeSnapshot } from './node/snapshot.ts'
import { diskRecords, diskSwitch } from './records.ts'
import { listen } from './server.ts'

/** The node's files, reached through its first process. */
const NODE_ROOT = '/proc/1/root'
const nowMs = () => performance.now()

// What nobody foresaw must not leave an agent that only seems to be alive: the next one undoes everything.
process.on('uncaughtException', error => {
  log('CRASHED', { why: messageOf(error), stack: error.stack })
  process.exit(1)
})

const alivePath = setting('ALIVE_PATH')
writeFileSync(alivePath, '')
setInterval(() => utimesSync(alivePath, new Date(), new Date()), 1_000)

const node = setting('NODE_NAME')
const folder = setting('STATE_FOLDER')
const proc = new Proc()
const networks = new Networks(proc)
const executor = new NodeExecutor({ proc, networks, setClockOfGroup })
const probe = nodeProbe(proc, executor, readClockOffsetMs)
const { readFile } = probe
const layout = cgroupLayout((await readFile('/proc/1/mountinfo')) ?? '', NODE_ROOT)
const kubernetes = await podKubernetes(process.env)
const output = executor.output.bind(executor)
const resolver = new NodeResolver({
  ...{ node, kubernetes, proc, readFile, output },
  cgroupLayout: layout,
  nodeRoot: NODE_ROOT,
})
const leases = new ApiLeases(kubernetes, nowMs, log)
const engine = new Engine({
  ...{ node, resolver, executor, probe, log, nowMs },
  records: await diskRecords(join(folder, 'faults')),
  halt: await diskSwitch(folder, 'halt'),
  isHaltedByApi: () => leases.isHalted,
  dateMs: Date.now,
  sleep: ms => sleep(ms),
})

// Nothing is as urgent as what an earlier agent left on.
await engine.recover()
const capabilities = await foundCapabilities(nodeTrials(layout, NODE_ROOT))
engine.start(capabilities)
const server = await listen(setting('SOCKET_PATH'), {
  engine,
  snapshot: () =>
    nodeSnapshot({
      ...{ proc, layout, readFile, output, changedVdsoBytes },
      containers: () => resolver.containers(),
    }),
  log,
})
log('ready', {
  node,
  cgroups: layout.version,
  can: Object.entries(capabilities).flatMap(([name, { has }]) => (has ? [name] : [])),
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close()
    engine.leave().finally(() => process.exit(0))
  })
}

// As long as there is an agent.
await watchApi({ kubernetes, leases, nowMs, log }, new AbortController().signal)

function setting(name: string): string {
  const value = process.env[name]
  if (value) return value
  throw new Error(`Cannot start: ${name} is not set`)
}
