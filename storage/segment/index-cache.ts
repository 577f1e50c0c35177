/** Enough for the indexes of some 30 GB of log. */
const DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024

/** An index, as the cache sees it. */
interface Loadable {
  readonly memoryBytes: number
  unload(): void
}

/** Indexes of closed segments that are in memory. Evicts the least recently used. */
export class IndexCache {
  readonly #limitBytes: number
  readonly #loaded = new Map<Loadable, number>()
  #sizeBytes = 0

  constructor(limitBytes = DEFAULT_LIMIT_BYTES) {
    this.#limitBytes = limitBytes
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Marks the index as used. */
  touch(index: Loadable): void {
    this.forget(index)
    this.#loaded.set(index, index.memoryBytes)
    this.#sizeBytes += index.memoryBytes
    for (const oldest of this.#loaded.keys()) {
      if (this.#sizeBytes <= this.#limitBytes || oldest === index) return
      this.forget(oldest)
      oldest.unload()
    }
  }

  forget(index: Loadable): void {
    const bytes = this.#loaded.get(index)
    if (bytes === undefined) return
    this.#loaded.delete(index)
    this.#sizeBytes -= bytes
  }
}
