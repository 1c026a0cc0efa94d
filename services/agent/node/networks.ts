import type { NetworkRef } from '../actions/action.ts'
import { containerOf } from './cgroups.ts'
import type { Proc } from './proc.ts'

/** The first process of the node is in the node's own network namespace. */
const NODE_PROCESS = 1

/** Finds a process that lives in a network namespace, by which the namespace is entered. */
export class Networks {
  readonly #proc: Proc
  /** Where it was found the last time: a namespace outlives the containers in it, held by one process of the pod. */
  readonly #known = new Map<string, number>()

  constructor(proc: Proc) {
    this.#proc = proc
  }

  /** @returns null when no process is in it: the namespace is gone, and all that was in it */
  async processIn(network: NetworkRef): Promise<number | null> {
    if (network.of === 'node') return NODE_PROCESS
    const key = `${network.podUid} ${network.inode}`
    const known = this.#known.get(key)
    if (known !== undefined && (await this.#isIn(known, network))) return known
    for (const pid of await this.#proc.pids()) {
      if (!(await this.#isIn(pid, network))) continue
      this.#known.set(key, pid)
      return pid
    }
    this.#known.delete(key)
    return null
  }

  async #isIn(pid: number, network: Extract<NetworkRef, { readonly of: 'pod' }>): Promise<boolean> {
    if ((await this.#proc.namespace(pid, 'net')) !== network.inode) return false
    // The number of a namespace that is gone may be another one's now.
    return containerOf(await this.#proc.cgroups(pid))?.podUid === network.podUid
  }
}
