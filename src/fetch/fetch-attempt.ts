import { isRejection } from '../../protocol/error-codes.ts'
import type { ReadResult } from '../../storage/partition-log.ts'
import type { Partition } from '../partition/partition.ts'
import { type ConversionResources, type FetchedBatches, readDownConverted, readStored } from './down-conversion.ts'
import { PARTITIONS_PER_STEP, type WantedPartition } from './fetch-request.ts'
import { emptyRead, failedRead, type PartitionRead, redirectedRead } from './partition-read.ts'
import { type FetchPlan, planFetch, type Visibility } from './plan-fetch.ts'

/** Limits of one fetch. */
export interface FetchLimits {
  readonly maxBytes: number
  /** The fetch is answered once this many bytes are read. */
  readonly minBytes: number
  readonly visibility: Visibility
  readonly withAbortedTransactions: boolean
  /** Error code for a partition whose read threw. Rethrows fatal errors. */
  readonly failed: (partition: Partition, error: unknown) => number
}

/** Memory for responses. A read's reservation counts while it runs; its result counts until released. */
export interface ResponseBudget {
  readonly availableBytes: number
  addResponse(bytes: number): void
  removeResponse(bytes: number): void
}

/** What a fetch needs from the broker: memory for its answer, and slices of the event loop. */
export interface FetchResources extends ConversionResources {
  readonly services: ConversionResources['services'] & { readonly bytesInFlight: ResponseBudget }
  /** True once the client has disconnected; slices then end with an error. */
  readonly isAbandoned: boolean
}

/** A partition to read, or an error code in its place. */
export interface FetchTarget {
  readonly wanted: WantedPartition
  readonly partition: Partition | number
  /** The replica that the client should read from instead; undefined: this one. */
  readonly preferredReadReplica: number | undefined
  /** Message format of clients older than 0.11; undefined: batches are sent as stored. */
  readonly convertTo: 0 | 1 | undefined
}

/**
 * Reads what is there now, partition by partition. The first partition with data may exceed every limit, so that a
 * batch larger than the limits still arrives (KIP-74). That holds for versions below 3 too; Kafka sends those an
 * unusable part of the batch. Source: ReplicaManager.readFromLog.
 */
export class FetchAttempt {
  readonly reads: PartitionRead[] = []
  sizeBytes = 0
  /** Bytes that count towards minBytes. */
  countedBytes = 0
  /** Bytes that later records may still add. */
  roomBytes = 0
  /** Answer at once: an error, a diverging epoch, another replica to read from, an older segment, or a read shortened for lack of memory. */
  #isUrgent = false
  readonly #targets: readonly FetchTarget[]
  readonly #limits: FetchLimits
  readonly #context: FetchResources
  readonly #held: ReadResult[] = []
  #budgetedBytes = 0

  private constructor(targets: readonly FetchTarget[], limits: FetchLimits, context: FetchResources) {
    this.#targets = targets
    this.#limits = limits
    this.#context = context
  }

  static async of(
    targets: readonly FetchTarget[],
    limits: FetchLimits,
    context: FetchResources,
  ): Promise<FetchAttempt> {
    const attempt = new FetchAttempt(targets, limits, context)
    try {
      for (const [index, target] of targets.entries()) {
        const wait = index % PARTITIONS_PER_STEP === PARTITIONS_PER_STEP - 1 ? context.slices.next() : undefined
        if (wait !== undefined) await wait
        const read = attempt.#readPartition(target)
        attempt.#take(read instanceof Promise ? await read : read)
      }
    } catch (error) {
      attempt.release()
      throw error
    }
    return attempt
  }

  get #budget(): ResponseBudget {
    return this.#context.services.bytesInFlight
  }

  /** Whether to answer at once: enough bytes, a reason not to wait, or an answer that cannot grow. */
  get isComplete(): boolean {
    return this.#isUrgent || this.countedBytes >= this.#limits.minBytes || (this.sizeBytes > 0 && this.roomBytes === 0)
  }

  /**
   * Whether records, an error or another leader arrived since the reads. targets: the same partitions, looked up again.
   */
  isOutdated(targets: readonly FetchTarget[]): boolean {
    return this.reads.some(({ wanted, roomBytes, upToOffset }, index) => {
      const { partition } = targets[index]!
      if (typeof partition === 'number' || partition !== this.#targets[index]!.partition) return true
      const plan = planFetch(partition, wanted, this.#limits.visibility)
      return plan.kind !== 'read' || (roomBytes > 0 && plan.upToOffset !== upToOffset)
    })
  }

  /** From here on the connection counts the bytes. The attempt still owns the memory. */
  handOver(): void {
    this.#budget.removeResponse(this.#budgetedBytes)
    this.#budgetedBytes = 0
  }

  /** Releases the memory of the slices. */
  release(): void {
    this.handOver()
    for (const each of this.#held.splice(0)) each.release()
  }

  #take(read: PartitionRead): void {
    if (read.errorCode !== 0 || read.diverging !== undefined || read.preferredReadReplica !== undefined)
      this.#isUrgent = true
    this.sizeBytes += read.sizeBytes
    this.countedBytes += read.countedBytes
    this.roomBytes += read.roomBytes
    this.reads.push(read)
  }

  #readPartition(target: FetchTarget): PartitionRead | Promise<PartitionRead> {
    const { wanted, partition, preferredReadReplica, convertTo } = target
    if (typeof partition === 'number') return failedRead(wanted, partition)
    const plan = planFetch(partition, wanted, this.#limits.visibility)
    if (plan.kind === 'rejected') return failedRead(wanted, plan.rejection.code)
    if (preferredReadReplica !== undefined) return redirectedRead(wanted, plan.offsets, preferredReadReplica)
    if (plan.kind === 'diverging') return { ...emptyRead(wanted, plan.offsets, -1, null), diverging: plan }
    if (plan.upToOffset > wanted.fetchOffset) {
      const failed = (error: unknown) => {
        if (this.#context.isAbandoned) throw error
        return failedRead(wanted, this.#limits.failed(partition, error))
      }
      return this.#readBatches(wanted, partition, plan, convertTo).catch(failed)
    }
    return emptyRead(wanted, plan.offsets, plan.upToOffset, this.#limits.withAbortedTransactions ? [] : null)
  }

  async #readBatches(
    wanted: WantedPartition,
    { log }: Partition,
    { offsets, upToOffset }: FetchPlan & { kind: 'read' },
    convertTo: 0 | 1 | undefined,
  ): Promise<PartitionRead> {
    const { fetchOffset } = wanted
    const askedBytes = Math.max(0, Math.min(wanted.maxBytes, this.#limits.maxBytes - this.sizeBytes))
    const maxBytes = Math.min(askedBytes, this.#budget.availableBytes)
    const context = { maxBytes, minOneBatch: this.sizeBytes === 0, upToOffset }
    // Reserve the most this read may return: concurrent fetches see it.
    this.#count(maxBytes)
    let result: Awaited<ReturnType<typeof readStored>>
    try {
      result = await (convertTo === undefined
        ? readStored(log, fetchOffset, context)
        : readDownConverted(log, fetchOffset, context, convertTo, this.#context))
    } finally {
      this.#count(-maxBytes)
    }
    if (isRejection(result)) return failedRead(wanted, result.code)
    this.#held.push(result)
    this.#count(result.sizeBytes)
    if (isReadingOn(result) || (result.isLimited && maxBytes < askedBytes)) this.#isUrgent = true
    const { slices, sizeBytes, nextOffset, storedBytes, isLimited } = result
    const aborted = this.#limits.withAbortedTransactions ? await log.abortedTransactions(fetchOffset, nextOffset) : null
    return {
      ...emptyRead(wanted, offsets, upToOffset, aborted),
      slices,
      sizeBytes,
      countedBytes: isLimited ? Math.max(askedBytes, storedBytes) : storedBytes,
      roomBytes: isLimited ? 0 : Math.max(0, wanted.maxBytes - storedBytes),
    }
  }

  #count(bytes: number): void {
    this.#budgetedBytes += bytes
    this.#budget.addResponse(bytes)
  }
}

/** Kafka answers a reader of older segments at once, however few bytes it finds. Source: DelayedFetch, case F. */
function isReadingOn({ storedBytes, isBehind }: FetchedBatches): boolean {
  return storedBytes > 0 && isBehind
}

/** True if no partition has anything to read, so a fetch may wait without trying. This is usual at the end of a log. */
export function hasNothingToRead(targets: readonly FetchTarget[], visibility: Visibility): boolean {
  return targets.every(({ wanted, partition, preferredReadReplica }) => {
    if (typeof partition === 'number' || preferredReadReplica !== undefined) return false
    const plan = planFetch(partition, wanted, visibility)
    return plan.kind === 'read' && plan.upToOffset <= wanted.fetchOffset
  })
}
