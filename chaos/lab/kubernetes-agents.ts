import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { CoreV1Api, Exec, type KubeConfig } from '@kubernetes/client-node'
import { LABELS } from '../../platform/topology.ts'
import { AGENT_CONTAINER, CHAOS_NAMESPACE, CONNECT_COMMAND } from '../../services/agent/protocol.ts'
import { AgentChannel, unreachable } from './agent-channel.ts'
import { AgentRefusal } from './agent-refusal.ts'
import type { AgentCall, AgentReply, Agents } from './roles.ts'

const AGENT_PODS = `${LABELS.partOf}=${LABELS.product},${LABELS.service}=agent`

/** A connection to the API server and through it to the node takes a moment on a busy machine. */
const CONNECT_WITHIN_MS = 5_000

/** Longest an answer may take, by what was asked; a fault that begins runs several programs, each within 10 s. */
const ANSWER_WITHIN_MS: Readonly<Record<AgentCall['op'], number>> = {
  hello: 5_000,
  // Late is better than never: a channel that is given up has to be opened again, on a machine that is busy already.
  heartbeat: 10_000,
  status: 10_000,
  release: 5_000,
  prepare: 20_000,
  begin: 30_000,
  end: 30_000,
  halt: 30_000,
  snapshot: 30_000,
}

/** What changes nothing, or nothing more the second time: an agent that was killed is back within two seconds. */
const MAY_BE_ASKED_AGAIN: readonly AgentCall['op'][] = ['hello', 'status', 'snapshot', 'end']
const ASK_TRIES = 3
const ASK_AGAIN_AFTER_MS = 1_000

/** Agents behind Kubernetes' exec: one connection each, opened when it is needed and again when it broke. */
export function kubernetesAgents(config: KubeConfig): Agents {
  const core = config.makeApiClient(CoreV1Api)
  const channels = new Map<string, Promise<AgentChannel>>()

  const pods = async () => {
    const { items } = await core.listNamespacedPod({
      namespace: CHAOS_NAMESPACE,
      labelSelector: AGENT_PODS,
    })
    return items
      .filter(pod => pod.metadata?.deletionTimestamp === undefined && pod.spec?.nodeName !== undefined)
      .map(pod => ({
        node: pod.spec?.nodeName ?? '',
        name: pod.metadata?.name ?? '',
        ready:
          pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
      }))
  }

  const open = async (node: string): Promise<AgentChannel> => {
    const pod = (await pods()).find(candidate => candidate.node === node)
    if (pod === undefined) throw unreachable(node, 'it has no pod')
    return await connect(config, node, pod.name)
  }

  const channelTo = async (node: string): Promise<AgentChannel> => {
    const known = channels.get(node)
    if (known !== undefined) {
      const channel = await known.catch(() => null)
      if (channel !== null && !channel.isBroken) return channel
      // Somebody else may have opened another one meanwhile.
      if (channels.get(node) === known) channels.delete(node)
      return await channelTo(node)
    }
    const opening = open(node)
    channels.set(node, opening)
    return await opening
  }

  return {
    async list() {
      return (await pods()).map(({ node, ready }) => ({ node, ready }))
    },
    async ask<Call extends AgentCall>(node: string, call: Call) {
      const once = async () => {
        const channel = await channelTo(node)
        return (await channel.ask(call, ANSWER_WITHIN_MS[call.op])) as AgentReply[Call['op']]
      }
      if (!MAY_BE_ASKED_AGAIN.includes(call.op)) return await once()
      for (let attempt = 1; ; attempt++) {
        try {
          return await once()
        } catch (error) {
          if (error instanceof AgentRefusal || attempt >= ASK_TRIES) throw error
          await sleep(ASK_AGAIN_AFTER_MS)
        }
      }
    },
    close() {
      for (const opening of channels.values()) {
        opening.then(
          channel => channel.break(unreachable('the node', 'the runner is leaving')),
          () => undefined,
        )
      }
      channels.clear()
    },
  }
}

async function connect(config: KubeConfig, node: string, pod: string): Promise<AgentChannel> {
  const channel = new AgentChannel(node)
  const input = new PassThrough()
  const output = new PassThrough()
  const complaints = new PassThrough()
  let said = ''
  output.setEncoding('utf8').on('data', (text: string) => channel.receive(text))
  complaints.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-500)
  })
  const broke = (why: string) => channel.break(unreachable(node, said.trim() || why))
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(unreachable(node, 'no connection')), CONNECT_WITHIN_MS)
  const connecting = new Exec(config)
    .exec(
      CHAOS_NAMESPACE,
      pod,
      AGENT_CONTAINER,
      [...CONNECT_COMMAND],
      output,
      complaints,
      input,
      false,
      status => broke(status.message ?? 'the connection ended'),
    )
    .catch((error: { message?: string }) => {
      throw unreachable(node, error?.message ?? String(error))
    })
  // A connection that comes too late has nobody left to close it.
  connecting.then(
    socket => {
      if (channel.isBroken) socket.terminate()
    },
    () => undefined,
  )
  try {
    const socket = await Promise.race([connecting, late.promise])
    socket.on('close', () => broke('the connection ended'))
    socket.on('error', (error: Error) => broke(error.message))
    channel.attach({
      send: text => void input.write(text),
      close: () => socket.terminate(),
    })
    return channel
  } catch (error) {
    channel.break(error as Error)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
