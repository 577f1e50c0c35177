import { invariant } from './invariant.ts'

/** Runs begin and end at page boundaries, so that no page is shared by two runs. */
const PAGE_BYTES = 4096

/** A run of free memory. */
interface FreeRun {
  position: number
  size: number
}

/**
 * One large piece of memory, lent out in runs. It takes the first free run that is large enough, from the front. Memory
 * in use stays in front, and pages that were never needed are never touched.
 */
export class MemorySlab {
  readonly #bytes: Buffer
  /** Sorted by position; adjacent runs are joined. */
  readonly #free: FreeRun[]

  constructor(size: number) {
    invariant(size % PAGE_BYTES === 0, 'a slab is whole pages')
    this.#bytes = Buffer.allocUnsafeSlow(size)
    this.#free = [{ position: 0, size }]
  }

  get isUnused(): boolean {
    return this.#free[0]?.size === this.#bytes.length
  }

  /** A buffer of at least that size, in whole pages; undefined if no run is large enough. */
  take(size: number): Buffer | undefined {
    const whole = Math.ceil(size / PAGE_BYTES) * PAGE_BYTES
    const index = this.#free.findIndex((run) => run.size >= whole)
    const run = this.#free[index]
    if (run === undefined) return undefined
    const { position } = run
    if (run.size === whole) this.#free.splice(index, 1)
    else {
      run.position += whole
      run.size -= whole
    }
    return this.#bytes.subarray(position, position + whole)
  }

  /** Takes back a buffer from take. */
  giveBack(buffer: Buffer): void {
    const position = buffer.byteOffset - this.#bytes.byteOffset
    const index = this.#indexAfter(position)
    const [before, after] = [this.#free[index - 1], this.#free[index]]
    const joinsBefore = before !== undefined && before.position + before.size === position
    const joinsAfter = after !== undefined && position + buffer.length === after.position
    if (joinsBefore) {
      before.size += buffer.length + (joinsAfter ? after.size : 0)
      if (joinsAfter) this.#free.splice(index, 1)
    } else if (joinsAfter) {
      after.position = position
      after.size += buffer.length
    } else this.#free.splice(index, 0, { position, size: buffer.length })
  }

  /** Index of the first free run after the position. */
  #indexAfter(position: number): number {
    let [low, high] = [0, this.#free.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#free[middle]!.position < position) low = middle + 1
      else high = middle
    }
    return low
  }
}
