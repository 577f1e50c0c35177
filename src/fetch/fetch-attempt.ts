import { errorCode, isRejection } from '../../protocol/error-codes.ts'
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

export interface FetchAttempt {
  readonly reads: readonly PartitionRead[]
  readonly sizeBytes: number
  /** Not to be waited over: an error, a diverging epoch. */
  readonly isUrgent: boolean
  /** Gives back the memory that the slices lie in. */
  release(): void
}

/** A partition to read, or the code of the error that stands for it. */
export interface FetchTarget {
  readonly wanted: WantedPartition
  readonly partition: Partition | number
}

/**
 * Reads what is there now, partition by partition: the first with data may exceed every limit, so that a batch larger
 * than all of them comes through (KIP-74). Source: ReplicaManager.readFromLog.
 */
export async function attemptFetch(targets: readonly FetchTarget[], limits: FetchLimits): Promise<FetchAttempt> {
  const held: ReadResult[] = []
  const reads: PartitionRead[] = []
  let sizeBytes = 0
  let isUrgent = false
  for (const { wanted, partition } of targets) {
    const read = await readPartition(wanted, partition, limits, sizeBytes, held)
    if (read.errorCode !== 0 || read.diverging !== undefined) isUrgent = true
    sizeBytes += read.sizeBytes
    reads.push(read)
  }
  return {
    reads,
    sizeBytes,
    isUrgent,
    release() {
      for (const each of held.splice(0)) each.release()
    },
  }
}

function readPartition(
  wanted: WantedPartition,
  partition: Partition | number,
  limits: FetchLimits,
  usedBytes: number,
  held: ReadResult[],
): PartitionRead | Promise<PartitionRead> {
  if (typeof partition === 'number') return failedRead(wanted, partition, isUnknown(partition) ? [] : null)
  const plan = planFetch(partition, wanted, limits.visibility)
  if (plan.kind === 'rejected') return failedRead(wanted, plan.rejection.code)
  if (plan.kind === 'diverging') return { ...emptyRead(wanted, plan.offsets, null), diverging: plan }
  if (plan.upToOffset <= wanted.fetchOffset)
    return emptyRead(wanted, plan.offsets, limits.withAbortedTransactions ? [] : null)
  return readBatches(wanted, partition, plan, limits, usedBytes, held)
}

async function readBatches(
  wanted: WantedPartition,
  partition: Partition,
  plan: FetchPlan & { kind: 'read' },
  limits: FetchLimits,
  usedBytes: number,
  held: ReadResult[],
): Promise<PartitionRead> {
  const { fetchOffset } = wanted
  const { offsets, upToOffset } = plan
  const maxBytes = Math.max(0, Math.min(wanted.maxBytes, limits.maxBytes - usedBytes))
  const context = { maxBytes, minOneBatch: usedBytes === 0, upToOffset }
  const { settings, log } = partition
  if (settings.compressionType === 'zstd' && !limits.knowsZstd) {
    return failedRead(wanted, errorCode('UNSUPPORTED_COMPRESSION_TYPE'))
  }
  if (limits.convertTo !== undefined && !settings.messageDownconversionEnable) {
    return failedRead(wanted, errorCode('UNSUPPORTED_VERSION'))
  }
  const result =
    limits.convertTo === undefined
      ? await log.read(fetchOffset, context)
      : await readDownConverted(log, fetchOffset, context, limits.convertTo)
  if (isRejection(result)) return failedRead(wanted, result.code)
  held.push(result)
  const { slices, sizeBytes, nextOffset } = result
  const aborted = limits.withAbortedTransactions ? log.abortedTransactions(fetchOffset, nextOffset) : null
  return { ...emptyRead(wanted, offsets, aborted), slices, sizeBytes }
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
