import type { ObjectCache } from '@kubernetes/client-node'
import {
  type Informer,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from '@kubernetes/client-node'

/** Pauses before a failed list or watch is begun again, milliseconds; doubles, with full jitter. */
export type Backoff = { readonly firstMs: number; readonly mostMs: number }

export type WatchObserver = {
  readonly listed: (source: string) => void
  readonly failed: (source: string, error: unknown) => void
}

export type Listing<Subject extends KubernetesObject> = {
  /** Path of the collection, such as `/api/v1/namespaces/control/pods`. */
  readonly path: string
  readonly list: () => Promise<KubernetesListObject<Subject>>
}

/** The objects of one collection, kept up to date by list and watch; what breaks is begun again. */
export class Watched<Subject extends KubernetesObject> {
  readonly path: string
  readonly #informer: Informer<Subject> & ObjectCache<Subject>
  readonly #observer: WatchObserver
  readonly #backoff: Backoff
  #synced = false
  #stopped = false
  #failuresInARow = 0
  #failedAtMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(
    config: KubeConfig,
    { path, list }: Listing<Subject>,
    observer: WatchObserver,
    backoff: Backoff,
  ) {
    this.path = path
    this.#observer = observer
    this.#backoff = backoff
    this.#informer = makeInformer(config, path, async () => {
      const objects = await list()
      this.#synced = true
      observer.listed(path)
      return objects
    })
    this.#informer.on('error', error => this.#again(error))
  }

  /** Whether the whole collection was read once. */
  get synced(): boolean {
    return this.#synced
  }

  objects(): readonly Subject[] {
    return this.#informer.list()
  }

  start(): void {
    this.#informer.start().catch(error => this.#again(error))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#informer.stop()
  }

  #again(error: unknown): void {
    // Stopping breaks the watch off, which is told as an error too.
    if (this.#stopped) return
    this.#observer.failed(this.path, error)
    // A watch that is resumed tells nothing until something changes: time without a failure is what shows success.
    const nowMs = performance.now()
    if (nowMs - this.#failedAtMs > 2 * this.#backoff.mostMs) this.#failuresInARow = 0
    this.#failedAtMs = nowMs
    const mostMs = Math.min(this.#backoff.mostMs, this.#backoff.firstMs * 2 ** this.#failuresInARow)
    this.#failuresInARow += 1
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.start(), mostMs * (0.5 + Math.random() / 2))
  }
}
