type Waiting = { readonly rank: number; readonly begin: () => void }

/** Lets a fixed number of works go on at a time; the others wait by their rank, then in the order they came. */
export class Slots {
  #free: number
  readonly #waiting: Waiting[] = []

  /** @param count works at a time; a whole number >= 1 */
  constructor(count: number) {
    this.#free = count
  }

  /** @param rank lower goes first */
  async use<T>(rank: number, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(begin => this.#queue({ rank, begin }))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // The slot is handed over, so that nobody who comes now can take it first.
      if (next) next.begin()
      else this.#free += 1
    }
  }

  #queue(waiting: Waiting): void {
    const behind = this.#waiting.findIndex(({ rank }) => rank > waiting.rank)
    this.#waiting.splice(behind === -1 ? this.#waiting.length : behind, 0, waiting)
  }
}
