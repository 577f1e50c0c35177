import type { AbortedTransaction } from '../../storage/partition-log.ts'
import type { WantedPartition } from './fetch-request.ts'
import type { Offsets } from './plan-fetch.ts'

/** What became of one partition of a fetch. */
export interface PartitionRead {
  readonly wanted: WantedPartition
  readonly errorCode: number
  /** Undefined where the error tells no offsets. */
  readonly offsets: Offsets | undefined
  /** End of what could be read when the read was planned. */
  readonly upToOffset: number
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | undefined
  readonly slices: readonly Buffer[]
  readonly sizeBytes: number
  /** What counts towards minBytes: as in Kafka, which sends a piece of the next batch, the whole limit where it is reached. */
  readonly countedBytes: number
  /** Bytes that records to come may still add. */
  readonly roomBytes: number
  /** Null where they were not asked for. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
}

const nothing = {
  errorCode: 0,
  offsets: undefined,
  upToOffset: -1,
  diverging: undefined,
  slices: [],
  sizeBytes: 0,
  countedBytes: 0,
  roomBytes: 0,
  abortedTransactions: null,
} as const

/** A partition that has no records for the reader, yet. */
export function emptyRead(
  wanted: WantedPartition,
  offsets: Offsets,
  upToOffset: number,
  aborted: readonly AbortedTransaction[] | null,
): PartitionRead {
  return {
    ...nothing,
    wanted,
    offsets,
    upToOffset,
    roomBytes: Math.max(0, wanted.maxBytes),
    abortedTransactions: aborted,
  }
}

/** A partition whose log refused the read. */
export function failedRead(wanted: WantedPartition, errorCode: number): PartitionRead {
  return { ...nothing, wanted, errorCode }
}

/**
 * A partition that is refused before its log is looked at, or in spite of what was found there. Its list of aborted
 * transactions is empty, not null. Source: FetchResponse.partitionResponse.
 */
export function refusedRead(wanted: WantedPartition, errorCode: number): PartitionRead {
  return { ...nothing, wanted, errorCode, abortedTransactions: [] }
}
