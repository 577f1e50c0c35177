/** Ids that this broker takes from the metadata at a time. Source: ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE. */
const BLOCK_SIZE = 1000

/** Hands out producer ids, each once in the life of the cluster, from blocks that the metadata reserves. */
export class ProducerIds {
  readonly #allocate: (count: number, nowMs: number) => Promise<number>
  #next = 0
  #end = 0
  #allocating: Promise<void> | undefined

  constructor(allocate: (count: number, nowMs: number) => Promise<number>) {
    this.#allocate = allocate
  }

  async next(nowMs: number): Promise<number> {
    // Whoever waited may find the new block used up by others who waited too.
    while (this.#next === this.#end) await this.#refill(nowMs)
    return this.#next++
  }

  #refill(nowMs: number): Promise<void> {
    this.#allocating ??= this.#allocate(BLOCK_SIZE, nowMs)
      .then((first) => {
        this.#next = first
        this.#end = first + BLOCK_SIZE
      })
      .finally(() => {
        this.#allocating = undefined
      })
    return this.#allocating
  }
}
