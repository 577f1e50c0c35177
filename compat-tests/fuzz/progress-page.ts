/** Worker state in shared memory: readable even while the worker is in an endless loop. */
export class ProgressPage {
  readonly shared: SharedArrayBuffer
  readonly #numbers: Int32Array
  readonly #input: Uint8Array

  constructor(shared = new SharedArrayBuffer(HEADER_BYTES + INPUT_BYTES)) {
    this.shared = shared
    this.#numbers = new Int32Array(shared, 0, 4)
    this.#input = new Uint8Array(shared, HEADER_BYTES)
  }

  /** Current case; -1 before the first. */
  get index(): number {
    return Atomics.load(this.#numbers, 0) - 1
  }
  set index(index: number) {
    Atomics.store(this.#numbers, 2, 0)
    Atomics.store(this.#numbers, 0, index + 1)
  }

  /** Number of started cases: it increases as long as the worker makes progress. */
  get ticks(): number {
    return Atomics.load(this.#numbers, 1)
  }
  tick(): void {
    Atomics.add(this.#numbers, 1, 1)
  }

  /** Start of the last input. */
  get input(): Buffer {
    return Buffer.from(this.#input.slice(0, Atomics.load(this.#numbers, 2)))
  }
  set input(bytes: Buffer) {
    const part = bytes.subarray(0, INPUT_BYTES)
    this.#input.set(part)
    Atomics.store(this.#numbers, 2, part.length)
  }
}

const HEADER_BYTES = 16
const INPUT_BYTES = 64 * 1024
