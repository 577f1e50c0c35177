import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'

/** Producer ids in one block from the metadata. Source: ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE. */
const BLOCK_SIZE = 1000

/** Allocates producer ids, unique in the cluster for ever, from blocks that the metadata reserves. */
export class ProducerIds {
  readonly #allocate: (count: number, nowMs: number) => Promise<number | Rejection>
  #next = 0
  #end = 0
  #allocating: Promise<Rejection | undefined> | undefined

  constructor(allocate: (count: number, nowMs: number) => Promise<number | Rejection>) {
    this.#allocate = allocate
  }

  /** The next producer id; undefined if none is at hand: `fill` gets more. */
  take(): number | undefined {
    return this.#next === this.#end ? undefined : this.#next++
  }

  /** Resolves when a producer id is at hand, or to why none can be had. Another caller may take it first. */
  async fill(nowMs: number): Promise<Rejection | undefined> {
    return this.#next === this.#end ? this.#refill(nowMs) : undefined
  }

  /**
   * The next producer id, or COORDINATOR_LOAD_IN_PROGRESS if no block is available. Source:
   * RPCProducerIdManager.generateProducerId.
   */
  async next(nowMs: number): Promise<number | Rejection> {
    for (;;) {
      const producerId = this.take()
      if (producerId !== undefined) return producerId
      const refused = await this.fill(nowMs)
      if (refused !== undefined) return reject('COORDINATOR_LOAD_IN_PROGRESS', refused.message)
    }
  }

  #refill(nowMs: number): Promise<Rejection | undefined> {
    this.#allocating ??= this.#allocate(BLOCK_SIZE, nowMs)
      .then((first) => {
        if (isRejection(first)) return first
        this.#next = first
        this.#end = first + BLOCK_SIZE
        return undefined
      })
      .finally(() => {
        this.#allocating = undefined
      })
    return this.#allocating
  }
}
