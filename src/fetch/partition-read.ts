import type { AbortedTransaction } from '../../storage/partition-log.ts'
import type { WantedPartition } from './fetch-request.ts'
import type { Offsets } from './plan-fetch.ts'

/** Result of one partition of a fetch. */
export interface PartitionRead {
  readonly wanted: WantedPartition
  readonly errorCode: number
  /** Undefined for errors without offsets. */
  readonly offsets: Offsets | undefined
  /** End offset of readable records when the read was planned. */
  readonly upToOffset: number
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | undefined
  readonly slices: readonly Buffer[]
  readonly sizeBytes: number
  /**
   * Bytes that count towards minBytes: the whole limit if it is reached, as in Kafka, which sends a part of the next
   * batch.
   */
  readonly countedBytes: number
  /** Bytes that later records may still add. */
  readonly roomBytes: number
  /** The replica that the client should read from instead; undefined: this one. */
  readonly preferredReadReplica: number | undefined
  /** Null if the client did not ask for them. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
}

/** Written behind the one field that it lacks: each field that is added behind a spread costs a microsecond. */
const emptyResult = {
  errorCode: 0,
  offsets: undefined,
  upToOffset: -1,
  diverging: undefined,
  slices: [],
  sizeBytes: 0,
  countedBytes: 0,
  roomBytes: 0,
  preferredReadReplica: undefined,
  abortedTransactions: null,
} as const

/** Result of a partition that has no records for the reader yet. */
export function emptyRead(
  wanted: WantedPartition,
  offsets: Offsets,
  upToOffset: number,
  aborted: readonly AbortedTransaction[] | null,
): PartitionRead {
  return {
    wanted,
    ...emptyResult,
    offsets,
    upToOffset,
    roomBytes: Math.max(0, wanted.maxBytes),
    abortedTransactions: aborted,
  }
}

/** Result of a partition that the client should read from another replica. Source: ReplicaManager.readFromLog. */
export function redirectedRead(wanted: WantedPartition, offsets: Offsets, preferredReadReplica: number): PartitionRead {
  return { wanted, ...emptyResult, offsets, preferredReadReplica }
}

/** Result of a partition whose log refused the read. */
export function failedRead(wanted: WantedPartition, errorCode: number): PartitionRead {
  return { wanted, ...emptyResult, errorCode }
}

/**
 * Result of a partition refused before its log is read, or in spite of what was read. Its list of aborted transactions
 * is empty, not null. Source: FetchResponse.partitionResponse.
 */
export function refusedRead(wanted: WantedPartition, errorCode: number): PartitionRead {
  return { wanted, ...emptyResult, errorCode, abortedTransactions: [] }
}
