import { type ErrorName, errorCode, isRejection } from '../../protocol/error-codes.ts'
import type { AbortedTransaction, ReadResult } from '../../storage/partition-log.ts'
import type { Partition } from '../partition/partition.ts'
import { readDownConverted } from './down-conversion.ts'
import type { WantedPartition } from './fetch-request.ts'
import { type FetchPlan, type Offsets, planFetch, type Visibility } from './plan-fetch.ts'

/** Limits of one fetch. */
export interface FetchLimits {
  readonly maxBytes: number
  /** Answered as soon as so many bytes are there. */
  readonly minBytes: number
  readonly visibility: Visibility
  readonly withAbortedTransactions: boolean
  /** Message format of clients from before 0.11; undefined: batches go out as stored. */
  readonly convertTo: 0 | 1 | undefined
  /** False: the client's version of Fetch does not know zstd. */
  readonly knowsZstd: boolean
}

/** What became of one partition. */
export interface PartitionRead {
  readonly wanted: WantedPartition
  readonly errorCode: number
  /** Undefined where the error tells no offsets. */
  readonly offsets: Offsets | undefined
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | undefined
  readonly slices: readonly Buffer[]
  readonly sizeBytes: number
  /** Null where they were not asked for. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
}

/** The memory that answers may take: what is promised to a read counts while it reads, what it found until it is let go. */
export interface ResponseBudget {
  readonly availableBytes: number
  addResponse(bytes: number): void
  removeResponse(bytes: number): void
}

/** A partition to read, or the code of the error that stands for it. */
export interface FetchTarget {
  readonly wanted: WantedPartition
  readonly partition: Partition | number
}

/**
 * Reads what is there now, partition by partition: the first with data may exceed every limit, so that a batch larger
 * than all of them comes through (KIP-74), for versions below 3 too, to which Kafka sends a piece that they cannot use.
 * Source: ReplicaManager.readFromLog.
 */
export class FetchAttempt {
  readonly reads: PartitionRead[] = []
  sizeBytes = 0
  /** Not to be waited over: an error, a diverging epoch, less than there is for want of memory. */
  isUrgent = false
  readonly #limits: FetchLimits
  readonly #budget: ResponseBudget
  readonly #held: ReadResult[] = []
  #countedBytes = 0

  private constructor(limits: FetchLimits, budget: ResponseBudget) {
    this.#limits = limits
    this.#budget = budget
  }

  static async of(targets: readonly FetchTarget[], limits: FetchLimits, budget: ResponseBudget): Promise<FetchAttempt> {
    const attempt = new FetchAttempt(limits, budget)
    try {
      for (const { wanted, partition } of targets) {
        const read = attempt.#readPartition(wanted, partition)
        attempt.#take(read instanceof Promise ? await read : read)
      }
    } catch (error) {
      attempt.release()
      throw error
    }
    return attempt
  }

  /** The connection counts the bytes from here on; the memory stays ours. */
  handOver(): void {
    this.#budget.removeResponse(this.#countedBytes)
    this.#countedBytes = 0
  }

  /** Gives back the memory that the slices lie in. */
  release(): void {
    this.handOver()
    for (const each of this.#held.splice(0)) each.release()
  }

  #take(read: PartitionRead): void {
    if (read.errorCode !== 0 || read.diverging !== undefined) this.isUrgent = true
    this.sizeBytes += read.sizeBytes
    this.reads.push(read)
  }

  #readPartition(wanted: WantedPartition, partition: Partition | number): PartitionRead | Promise<PartitionRead> {
    if (typeof partition === 'number') return failedRead(wanted, partition, isUnknown(partition) ? [] : null)
    const plan = planFetch(partition, wanted, this.#limits.visibility)
    if (plan.kind === 'rejected') return failedRead(wanted, plan.rejection.code)
    if (plan.kind === 'diverging') return { ...emptyRead(wanted, plan.offsets, null), diverging: plan }
    const aborted = this.#limits.withAbortedTransactions ? [] : null
    if (plan.upToOffset <= wanted.fetchOffset) return emptyRead(wanted, plan.offsets, aborted)
    const refusal = this.#refusal(partition)
    return refusal === undefined ? this.#readBatches(wanted, partition, plan) : failedRead(wanted, errorCode(refusal))
  }

  /** What an old client cannot be given. */
  #refusal({ settings }: Partition): ErrorName | undefined {
    if (settings.compressionType === 'zstd' && !this.#limits.knowsZstd) return 'UNSUPPORTED_COMPRESSION_TYPE'
    const isRefused = this.#limits.convertTo !== undefined && !settings.messageDownconversionEnable
    return isRefused ? 'UNSUPPORTED_VERSION' : undefined
  }

  async #readBatches(
    wanted: WantedPartition,
    { log }: Partition,
    { offsets, upToOffset }: FetchPlan & { kind: 'read' },
  ): Promise<PartitionRead> {
    const { fetchOffset } = wanted
    const { convertTo, withAbortedTransactions } = this.#limits
    const maxBytes = this.#allowance(wanted)
    const context = { maxBytes, minOneBatch: this.sizeBytes === 0, upToOffset }
    // Reads of other fetches that are under way at the same time see what this one may come to.
    this.#count(maxBytes)
    const result = await (convertTo === undefined
      ? log.read(fetchOffset, context)
      : readDownConverted(log, fetchOffset, context, convertTo))
    this.#count(-maxBytes)
    if (isRejection(result)) return failedRead(wanted, result.code)
    this.#held.push(result)
    this.#count(result.sizeBytes)
    const { slices, sizeBytes, nextOffset } = result
    const aborted = withAbortedTransactions ? log.abortedTransactions(fetchOffset, nextOffset) : null
    return { ...emptyRead(wanted, offsets, aborted), slices, sizeBytes }
  }

  #allowance(wanted: WantedPartition): number {
    const asked = Math.max(0, Math.min(wanted.maxBytes, this.#limits.maxBytes - this.sizeBytes))
    const { availableBytes } = this.#budget
    if (availableBytes < asked) this.isUrgent = true
    return Math.min(asked, availableBytes)
  }

  #count(bytes: number): void {
    this.#countedBytes += bytes
    this.#budget.addResponse(bytes)
  }
}

/** True where nothing at all can be read now, so that a fetch may wait without trying: the usual state at a log's end. */
export function hasNothingToRead(targets: readonly FetchTarget[], visibility: Visibility): boolean {
  return targets.every(({ wanted, partition }) => {
    if (typeof partition === 'number') return false
    const plan = planFetch(partition, wanted, visibility)
    return plan.kind === 'read' && plan.upToOffset <= wanted.fetchOffset
  })
}

const noSlices: readonly Buffer[] = []

function emptyRead(
  wanted: WantedPartition,
  offsets: Offsets,
  aborted: readonly AbortedTransaction[] | null,
): PartitionRead {
  return {
    wanted,
    errorCode: 0,
    offsets,
    diverging: undefined,
    slices: noSlices,
    sizeBytes: 0,
    abortedTransactions: aborted,
  }
}

// Kafka finds these in KafkaApis already, where the list of aborted transactions is empty and not null.
function isUnknown(code: number): boolean {
  return code === errorCode('UNKNOWN_TOPIC_ID') || code === errorCode('UNKNOWN_TOPIC_OR_PARTITION')
}

function failedRead(wanted: WantedPartition, errorCode: number, abortedTransactions: [] | null = null): PartitionRead {
  return {
    wanted,
    errorCode,
    offsets: undefined,
    diverging: undefined,
    slices: noSlices,
    sizeBytes: 0,
    abortedTransactions,
  }
}
