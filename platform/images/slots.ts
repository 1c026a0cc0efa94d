/** Lets a fixed number of works go on at a time; the others wait in the order they came. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  /** @param count works at a time; a whole number >= 1 */
  constructor(count: number) {
    this.#free = count
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // The slot is handed over, so that nobody who comes now can take it first.
      if (next) next()
      else this.#free += 1
    }
  }
}
