import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'

/** Ids that this broker takes from the metadata at a time. Source: ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE. */
const BLOCK_SIZE = 1000

/** Hands out producer ids, each once in the life of the cluster, from blocks that the metadata reserves. */
export class ProducerIds {
  readonly #allocate: (count: number, nowMs: number) => Promise<number | Rejection>
  #next = 0
  #end = 0
  #allocating: Promise<Rejection | undefined> | undefined

  constructor(allocate: (count: number, nowMs: number) => Promise<number | Rejection>) {
    this.#allocate = allocate
  }

  /** COORDINATOR_LOAD_IN_PROGRESS: no block can be had now. Source: RPCProducerIdManager.generateProducerId. */
  async next(nowMs: number): Promise<number | Rejection> {
    // Whoever waited may find the new block used up by others who waited too.
    while (this.#next === this.#end) {
      const refused = await this.#refill(nowMs)
      if (refused !== undefined) return reject('COORDINATOR_LOAD_IN_PROGRESS', refused.message)
    }
    return this.#next++
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
