import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import {
  type AgentAnswer,
  CHAOS_NAMESPACE,
  CONNECT_COMMAND,
  type FaultRequest,
  type FaultStatus,
  type NodeSnapshot,
  type TargetName,
} from './protocol.ts'

/*
 * On the running local lab (`./divergence up`). What an agent says is never believed: whether a fault is on is read from
 * the node's kernel, by Docker.
 */

jest.setTimeout(90_000)

const NODE = 'experiment-a'
const MACHINE = `divergence-${NODE}`
/** After contact is lost, all is over within this time. */
const LONGEST_UNDO_MS = 10_000

const CLOSED = 'the agent closed the conversation'

const run = promisify(execFile)
const kubectlArguments = ['exec', '-i', 'divergence-control-plane', 'kubectl']

async function kubectl(...args: string[]): Promise<string> {
  return (await run('docker', [...kubectlArguments, ...args])).stdout
}

/** What the API server says against it. */
async function refusal(...args: string[]): Promise<string> {
  return await kubectl(...args).then(
    () => 'accepted',
    (error: { stderr: string }) => error.stderr,
  )
}

async function onNode(...command: string[]): Promise<string> {
  return (await run('docker', ['exec', MACHINE, ...command])).stdout.trim()
}

type Pod = {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly spec: { readonly nodeName: string; readonly containers: readonly { readonly name: string }[] }
  readonly status: { readonly containerStatuses: readonly { readonly containerID: string }[] }
}

async function podOf(namespace: string, service: string, node?: string): Promise<Pod> {
  const where = node === undefined ? [] : ['--field-selector', `spec.nodeName=${node}`]
  const { items } = JSON.parse(
    await kubectl('get', 'pods', '-n', namespace, '-l', `service=${service}`, ...where, '-o', 'json'),
  ) as { items: Pod[] }
  if (items[0] === undefined) throw new Error(`No pod of ${namespace}/${service} on ${node}`)
  return items[0]
}

function nameOf({ metadata, spec }: Pod): TargetName {
  const container = spec.containers[0]?.name ?? ''
  return { kind: 'container', pod: metadata.name, podUid: metadata.uid, container }
}

/** A conversation with the agent of a node, as a runner has it. */
async function converse(node = NODE) {
  const { metadata } = await podOf(CHAOS_NAMESPACE, 'agent', node)
  const child = spawn(
    'docker',
    [...kubectlArguments, 'exec', '-i', '-n', CHAOS_NAMESPACE, metadata.name, '--', ...CONNECT_COMMAND],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  )
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let seq = 0
  return {
    async ask(request: Record<string, unknown>): Promise<AgentAnswer> {
      child.stdin.write(`${JSON.stringify({ seq: ++seq, ...request })}\n`)
      const { value, done } = await answers.next()
      if (done) throw new Error(CLOSED)
      return JSON.parse(value) as AgentAnswer
    },
    async close(): Promise<void> {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

type Conversation = Awaited<ReturnType<typeof converse>>

let target: Pod
let agent: Conversation
let ids = 0
const run8 = Date.now().toString(36)

function fault(changes: Partial<FaultRequest> = {}): FaultRequest {
  return {
    id: `t${run8}${ids++}`,
    runId: `test-${run8}`,
    kind: 'pause',
    target: nameOf(target),
    actions: [{ action: 'freeze' }],
    durationSeconds: 60,
    leaseSeconds: 8,
    ...changes,
  }
}

async function begin(changes: Partial<FaultRequest> = {}): Promise<FaultRequest> {
  const request = fault(changes)
  for (const step of [
    { op: 'prepare', fault: request },
    { op: 'begin', id: request.id },
  ]) {
    expect(await agent.ask(step)).toMatchObject({ ok: true })
  }
  return request
}

/** As the kernel of the node says. */
async function isFrozen(): Promise<boolean> {
  const id = target.status.containerStatuses[0]?.containerID.split('//')[1] ?? ''
  const state = await onNode(
    'sh',
    '-c',
    `cat $(find /sys/fs/cgroup -path '*${id}*' '(' -name freezer.state -o -name cgroup.freeze ')')`,
  )
  return state === 'FROZEN' || state === '1'
}

/** How long it takes until the target is thawed. */
async function msUntilThawed(limitMs = 30_000): Promise<number> {
  const startMs = performance.now()
  while (await isFrozen()) {
    if (performance.now() - startMs > limitMs) throw new Error(`still frozen after ${limitMs} ms`)
    await sleep(50)
  }
  return performance.now() - startMs
}

async function statusOf(id: string): Promise<FaultStatus | undefined> {
  const answer = await agent.ask({ op: 'status' })
  return answer.ok ? (answer.value as readonly FaultStatus[]).find(each => each.id === id) : undefined
}

/** Opens a new conversation as soon as there is somebody to talk to. */
async function again(): Promise<void> {
  await agent.close()
  for (let attempt = 1; ; attempt++) {
    try {
      agent = await converse()
      await agent.ask({ op: 'status' })
      return
    } catch (error) {
      if (attempt === 60) throw error
      await sleep(250)
    }
  }
}

async function agentPid(): Promise<string> {
  const pids = await onNode(
    'sh',
    '-c',
    "grep -lz '^services/agent/main.ts$' /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3",
  )
  const nodes = await Promise.all(
    pids
      .split('\n')
      .map(async pid => ((await onNode('cat', `/proc/${pid}/cmdline`)).startsWith('node') ? pid : '')),
  )
  return nodes.find(pid => pid !== '') ?? ''
}

beforeAll(async () => {
  target = await podOf('experiment', 'recommender', NODE)
})

beforeEach(async () => {
  agent = await converse()
})

afterEach(async () => {
  await again()
  for (const { id } of ((await agent.ask({ op: 'status' })) as { value: readonly FaultStatus[] }).value) {
    await agent.ask({ op: 'end', id })
  }
  await agent.close()
})

describe('agents', () => {
  test('are on the nodes of the experimental group and on no others', async () => {
    const { items } = JSON.parse(
      await kubectl('get', 'pods', '-n', CHAOS_NAMESPACE, '-l', 'service=agent', '-o', 'json'),
    ) as { items: Pod[] }

    expect(items.map(({ spec }) => spec.nodeName).sort()).toEqual([
      'experiment-a',
      'experiment-b',
      'experiment-c',
    ])
  })

  test.each([
    ['another node', '{"spec":{"template":{"spec":{"nodeSelector":{"group":"control"}}}}}'],
    ['any node', '{"spec":{"template":{"spec":{"nodeSelector":null}}}}'],
    ['all taints', '{"spec":{"template":{"spec":{"tolerations":[{"operator":"Exists"}]}}}}'],
    [
      'the taint of the control group',
      '{"spec":{"template":{"spec":{"tolerations":[{"key":"group","value":"control","effect":"NoSchedule"}]}}}}',
    ],
  ])('cannot be sent to %s', async (_title, patch) => {
    const said = await refusal(
      'patch',
      'daemonset',
      'agent',
      '-n',
      CHAOS_NAMESPACE,
      '--dry-run=server',
      '-p',
      patch,
    )

    expect(said).toContain("ValidatingAdmissionPolicy 'divergence-agent-nodes'")
  })

  test.each(['system', 'control-a'])('cannot be put on %s as a pod either', async node => {
    const spec = { nodeName: node, serviceAccountName: 'agent', containers: [{ name: 'x', image: 'x' }] }
    const said = await refusal(
      'run',
      'forged',
      '-n',
      CHAOS_NAMESPACE,
      '--image=x',
      '--dry-run=server',
      `--overrides=${JSON.stringify({ spec })}`,
    )

    expect(said).toContain("ValidatingAdmissionPolicy 'divergence-agent-nodes'")
  })

  const asAgent = '--as=system:serviceaccount:chaos:agent'

  test.each([
    ['cordon a node', ['patch', 'node', NODE, '-p', '{"spec":{"unschedulable":true}}']],
    [
      'touch a node of the control group',
      [
        'patch',
        'node',
        'control-a',
        '-p',
        '{"spec":{"unschedulable":null},"metadata":{"annotations":{"x":"y"}}}',
      ],
    ],
    [
      'give a node another group',
      ['patch', 'node', NODE, '-p', '{"metadata":{"labels":{"group":"control"}}}'],
    ],
    ['take a taint away', ['patch', 'node', NODE, '-p', '{"spec":{"taints":null}}']],
    ['delete what serves', ['delete', 'deployment', 'gateway', '-n', 'experiment']],
  ])('may not %s', async (_title, command) => {
    expect(await refusal(...command, '--dry-run=server', asAgent)).toContain('ValidatingAdmissionPolicy')
  })

  test.each([
    ['read a pod of the control group', ['get', 'pods', '-n', 'control']],
    ['read a Secret', ['get', 'secrets', '-n', 'experiment']],
    ['start a pod', ['create', 'pods', '-n', 'experiment']],
    ['delete a pod', ['delete', 'pods', '-n', 'experiment']],
    ['scale the control group', ['patch', 'deployments/scale', '-n', 'control']],
  ])('have no right to %s', async (_title, [verb = '', resource = '', ...where]) => {
    const answer = await kubectl('auth', 'can-i', verb, resource, ...where, asAgent).catch(
      (error: { stdout: string }) => error.stdout,
    )

    expect(answer.trim()).toBe('no')
  })
})

describe('an agent asked directly', () => {
  const refused = async (changes: Partial<FaultRequest>, code: string) => {
    expect(await agent.ask({ op: 'prepare', fault: fault(changes) })).toMatchObject({ ok: false, code })
  }

  test('refuses a pod of the control group', async () => {
    await refused({ target: nameOf(await podOf('control', 'gateway')) }, 'TARGET_GONE')
  })

  test("refuses the experimental group's edge, which is on the shared node", async () => {
    await refused({ target: nameOf(await podOf('experiment', 'edge')) }, 'TARGET_NOT_EXPERIMENTAL')
  })

  test('refuses a pod of another node', async () => {
    const elsewhere = await podOf('experiment', 'recommender', 'experiment-b')
    await refused({ target: nameOf(elsewhere) }, 'TARGET_NOT_EXPERIMENTAL')
  })

  test.each(['control-a', 'system', 'experiment-b'])('refuses node %s', async node => {
    await refused({ target: { kind: 'node', node } }, 'TARGET_NOT_EXPERIMENTAL')
  })

  test('refuses the right name with the UID of another pod', async () => {
    const { metadata } = await podOf('control', 'recommender')
    await refused({ target: { ...nameOf(target), podUid: metadata.uid } as TargetName }, 'TARGET_GONE')
  })

  test('refuses a name that is a path', async () => {
    const { metadata, spec } = await podOf('control', 'gateway')
    const pod = `../../control/pods/${metadata.name}`
    const container = spec.containers[0]?.name ?? ''
    await refused({ target: { kind: 'container', pod, podUid: metadata.uid, container } }, 'NOT_UNDERSTOOD')
  })

  test('begins nothing once its node belongs to another group, and leaves it', async () => {
    const request = fault()
    await agent.ask({ op: 'prepare', fault: request })
    await kubectl('label', 'node', NODE, 'group=control', '--overwrite')
    try {
      // Kubernetes takes the agent away at the same time: whichever comes first.
      const answer = await agent.ask({ op: 'begin', id: request.id }).catch(error => error.message)
      expect([expect.objectContaining({ code: 'TARGET_NOT_EXPERIMENTAL' }), CLOSED]).toContainEqual(answer)
      expect(await isFrozen()).toBe(false)
      await kubectl(
        'wait',
        'pod',
        '-n',
        CHAOS_NAMESPACE,
        '-l',
        'service=agent',
        '--field-selector',
        `spec.nodeName=${NODE}`,
        '--for=delete',
        '--timeout=30s',
      )
    } finally {
      await kubectl('label', 'node', NODE, 'group=experiment', '--overwrite')
    }
  })
})

describe('a fault', () => {
  test('is on, proves it, ends when told, and leaves nothing', async () => {
    const before = (await agent.ask({ op: 'snapshot' })) as { value: NodeSnapshot }
    const { id } = await begin()
    expect(await isFrozen()).toBe(true)
    const during = (await agent.ask({ op: 'snapshot' })) as { value: NodeSnapshot }

    expect(await agent.ask({ op: 'end', id })).toMatchObject({
      value: { state: 'ended', endedBy: 'request', proof: { proven: true } },
    })

    expect(await isFrozen()).toBe(false)
    expect(during.value).not.toEqual(before.value)
    expect(await agent.ask({ op: 'snapshot' })).toMatchObject({ value: before.value })
    expect(await agent.ask({ op: 'begin', id })).toMatchObject({ ok: false, code: 'ALREADY_BEGUN' })
  })

  test('lives on heartbeats and ends when they stop', async () => {
    const { id, runId } = await begin({ leaseSeconds: 2 })
    for (let beat = 0; beat < 8; beat++) {
      await sleep(500)
      await agent.ask({ op: 'heartbeat', runId })
    }
    expect(await isFrozen()).toBe(true)

    expect(await msUntilThawed()).toBeLessThan(5_000)
    expect(await statusOf(id)).toMatchObject({ state: 'ended', endedBy: 'lease' })
  })

  test('ends when the runner is gone', async () => {
    await begin()
    await agent.close()

    expect(await msUntilThawed()).toBeLessThan(LONGEST_UNDO_MS)
  })

  test('ends when the agent is killed, and tells its proof afterwards', async () => {
    const { id } = await begin()
    await sleep(1_500)
    await onNode('kill', '-9', await agentPid())

    expect(await msUntilThawed()).toBeLessThan(LONGEST_UNDO_MS)
    await again()
    expect(await statusOf(id)).toMatchObject({ endedBy: 'agent-restart', proof: { proven: true } })
  })

  test('ends when the agent hangs', async () => {
    await begin({ durationSeconds: 60, leaseSeconds: 30 })
    await onNode('kill', '-STOP', await agentPid())

    expect(await msUntilThawed()).toBeLessThan(20_000)
  })

  test('ends when the pod of the agent is deleted', async () => {
    await begin()
    const { metadata } = await podOf(CHAOS_NAMESPACE, 'agent', NODE)
    await kubectl('delete', 'pod', '-n', CHAOS_NAMESPACE, metadata.name, '--wait=false')

    expect(await msUntilThawed()).toBeLessThan(LONGEST_UNDO_MS)
    await kubectl('rollout', 'status', 'daemonset/agent', '-n', CHAOS_NAMESPACE, '--timeout=40s')
  })

  test('that is a program dies with the agent', async () => {
    const cpu = { action: 'stress', resource: 'cpu', workers: 1, loadPercent: 20 } as const
    await begin({ kind: 'cpu', actions: [cpu] })
    const workers = () => onNode('sh', '-c', 'grep -l ^stress-ng /proc/[0-9]*/comm 2>/dev/null | wc -l')
    expect(Number(await workers())).toBeGreaterThan(0)

    await onNode('kill', '-9', await agentPid())
    await sleep(1_000)

    expect(Number(await workers())).toBe(0)
  })

  test('ends at a halt, and none begins until the release, also after a restart', async () => {
    const { id } = await begin()
    expect(await agent.ask({ op: 'halt' })).toMatchObject({ ok: true })
    try {
      expect(await isFrozen()).toBe(false)
      expect(await statusOf(id)).toMatchObject({ endedBy: 'halt' })
      await onNode('kill', '-9', await agentPid())
      await again()
      expect(await agent.ask({ op: 'prepare', fault: fault() })).toMatchObject({ ok: false, code: 'HALTED' })
    } finally {
      await agent.ask({ op: 'release' })
    }
    expect(await agent.ask({ op: 'prepare', fault: fault() })).toMatchObject({ ok: true })
  })
})

describe('with the network of its node cut', () => {
  const cut = `table inet cut {
    chain in { type filter hook input priority -300; ip saddr 172.30.77.2 drop; }
    chain out { type filter hook output priority -300; ip daddr 172.30.77.2 drop; }
    chain through { type filter hook forward priority -300; ip daddr 172.30.77.2 drop; ip saddr 172.30.77.2 drop; }
  }`

  afterAll(async () => {
    await onNode('nft', 'destroy', 'table', 'inet', 'cut').catch(() => undefined)
  })

  test('a fault ends by itself', async () => {
    const address = (
      await run('docker', [
        'inspect',
        '-f',
        '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}',
        'divergence-control-plane',
      ])
    ).stdout.trim()
    await begin()

    await onNode('nft', cut.replaceAll('172.30.77.2', address))
    try {
      expect(await msUntilThawed()).toBeLessThan(LONGEST_UNDO_MS)
    } finally {
      await onNode('nft', 'delete', 'table', 'inet', 'cut')
    }
    await kubectl('wait', 'node', NODE, '--for=condition=Ready', '--timeout=30s')
  })
})

describe('a fault in the API', () => {
  const lease = (undo: object) => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: `test-${run8}-${ids++}`,
      namespace: CHAOS_NAMESPACE,
      labels: { 'divergence/fault-lease': 'true' },
      annotations: { 'divergence/undo': JSON.stringify([undo]) },
    },
    spec: {
      holderIdentity: 'test',
      leaseDurationSeconds: 3,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  })

  async function apply(object: object): Promise<void> {
    const child = spawn('docker', [...kubectlArguments, 'apply', '-f', '-'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    child.stdin.end(JSON.stringify(object))
    expect(await once(child, 'exit')).toEqual([0, null])
  }

  test('is undone by the agents when nobody renews its lease', async () => {
    const promise = lease({ undo: 'uncordon', node: 'experiment-b' })
    await apply(promise)
    await kubectl('cordon', 'experiment-b')
    const cordoned = () => kubectl('get', 'node', 'experiment-b', '-o', 'jsonpath={.spec.unschedulable}')
    expect(await cordoned()).toBe('true')

    const startMs = performance.now()
    while ((await cordoned()) === 'true' && performance.now() - startMs < 20_000) await sleep(250)

    expect(performance.now() - startMs).toBeLessThan(LONGEST_UNDO_MS)
    await sleep(500)
    expect(await refusal('get', 'lease', '-n', CHAOS_NAMESPACE, promise.metadata.name)).toContain('NotFound')
  })
})
