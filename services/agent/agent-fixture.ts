import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect } from '@jest/globals'
import {
  type AgentAnswer,
  CHAOS_NAMESPACE,
  CONNECT_COMMAND,
  type FaultRequest,
  type FaultStatus,
  type TargetName,
} from './protocol.ts'

/*
 * An agent on the running local lab (`./divergence up`). What it says is never believed: whether a fault is on is read
 * from the node's kernel, by Docker.
 */

export const NODE = 'experiment-a'
const MACHINE = `divergence-${NODE}`
/** After contact is lost, all is over within this time. */
export const LONGEST_UNDO_MS = 10_000

export const CLOSED = 'the agent closed the conversation'

export const run = promisify(execFile)
export const kubectlArguments = ['exec', '-i', 'divergence-control-plane', 'kubectl']

export async function kubectl(...args: string[]): Promise<string> {
  return (await run('docker', [...kubectlArguments, ...args])).stdout
}

/** What the API server says against it. */
export async function refusal(...args: string[]): Promise<string> {
  return await kubectl(...args).then(
    () => 'accepted',
    (error: { stderr: string }) => error.stderr,
  )
}

export async function onNode(...command: string[]): Promise<string> {
  return (await run('docker', ['exec', MACHINE, ...command])).stdout.trim()
}

export type Pod = {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly spec: { readonly nodeName: string; readonly containers: readonly { readonly name: string }[] }
  readonly status: { readonly containerStatuses: readonly { readonly containerID: string }[] }
}

export async function podOf(namespace: string, service: string, node?: string): Promise<Pod> {
  const where = node === undefined ? [] : ['--field-selector', `spec.nodeName=${node}`]
  const { items } = JSON.parse(
    await kubectl('get', 'pods', '-n', namespace, '-l', `service=${service}`, ...where, '-o', 'json'),
  ) as { items: Pod[] }
  if (items[0] === undefined) throw new Error(`No pod of ${namespace}/${service} on ${node}`)
  return items[0]
}

export function nameOf({ metadata, spec }: Pod): TargetName {
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

/** Names of this process: an agent remembers for long what it was told. */
const run8 = Date.now().toString(36)
let ids = 0

export const newId = () => `${run8}-${ids++}`

/** The agent of one node, and the container that the faults of a test are done to. */
export class AgentOnTrial {
  readonly target: Pod
  #conversation: Conversation

  private constructor(target: Pod, conversation: Conversation) {
    this.target = target
    this.#conversation = conversation
  }

  static async connect(): Promise<AgentOnTrial> {
    return new AgentOnTrial(await podOf('experiment', 'recommender', NODE), await converse())
  }

  ask(request: Record<string, unknown>): Promise<AgentAnswer> {
    return this.#conversation.ask(request)
  }

  close(): Promise<void> {
    return this.#conversation.close()
  }

  fault(changes: Partial<FaultRequest> = {}): FaultRequest {
    return {
      id: `t${run8}${ids++}`,
      runId: `test-${run8}`,
      kind: 'pause',
      target: nameOf(this.target),
      actions: [{ action: 'freeze' }],
      durationSeconds: 60,
      leaseSeconds: 8,
      ...changes,
    }
  }

  async begin(changes: Partial<FaultRequest> = {}): Promise<FaultRequest> {
    const request = this.fault(changes)
    for (const step of [
      { op: 'prepare', fault: request },
      { op: 'begin', id: request.id },
    ]) {
      expect(await this.ask(step)).toMatchObject({ ok: true })
    }
    return request
  }

  async statusOf(id: string): Promise<FaultStatus | undefined> {
    const answer = await this.ask({ op: 'status' })
    return answer.ok ? (answer.value as readonly FaultStatus[]).find(each => each.id === id) : undefined
  }

  /** As the kernel of the node says. */
  async isFrozen(): Promise<boolean> {
    const id = this.target.status.containerStatuses[0]?.containerID.split('//')[1] ?? ''
    const state = await onNode(
      'sh',
      '-c',
      `cat $(find /sys/fs/cgroup -path '*${id}*' '(' -name freezer.state -o -name cgroup.freeze ')')`,
    )
    return state === 'FROZEN' || state === '1'
  }

  /** How long it takes until the target is thawed. */
  async msUntilThawed(limitMs = 30_000): Promise<number> {
    const startMs = performance.now()
    while (await this.isFrozen()) {
      if (performance.now() - startMs > limitMs) throw new Error(`still frozen after ${limitMs} ms`)
      await sleep(50)
    }
    return performance.now() - startMs
  }

  /** Opens a new conversation as soon as there is somebody to talk to. */
  async again(): Promise<void> {
    await this.close()
    for (let attempt = 1; ; attempt++) {
      try {
        this.#conversation = await converse()
        await this.ask({ op: 'status' })
        return
      } catch (error) {
        if (attempt === 60) throw error
        await sleep(250)
      }
    }
  }

  /** Ends whatever a test left on. */
  async leaveNothing(): Promise<void> {
    await this.again()
    for (const { id } of ((await this.ask({ op: 'status' })) as { value: readonly FaultStatus[] }).value) {
      await this.ask({ op: 'end', id })
    }
    await this.close()
  }
}

/** Of the agent's process on its node. */
export async function agentPid(): Promise<string> {
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
