/** States of a transactional id, in the order of their numbers in records. Source: TransactionState. */
export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const
export type TransactionState = (typeof transactionStates)[number]

/** Partitions by topic. */
export type TopicPartitions = ReadonlyMap<string, ReadonlySet<number>>

export const NO_PARTITIONS: TopicPartitions = new Map()

export const NO_PRODUCER_ID = -1
export const NO_EPOCH = -1
export const NO_TIMESTAMP = -1

/** Transaction timeout of a producer in a two-phase commit: its transaction never times out (KIP-939). */
export const NO_TIMEOUT_MS = 2 ** 31 - 1

export const LARGEST_EPOCH = 32_767

/** Version of the transaction protocol from which on each end of a transaction increments the epoch (KIP-890). */
export const EPOCH_BUMP_VERSION = 2

/** A transactional id with its producer and its last transaction. Never changed. Source: TransactionMetadata. */
export interface Transaction {
  readonly transactionalId: string
  readonly producerId: number
  /** Producer id before the last change; -1: none. */
  readonly previousProducerId: number
  /** Producer id from the end of this transaction on, if the epochs of the present one are used up; else -1. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /**
   * Epoch that the producer had before, if it may ask again for the present one; else -1. In memory only, as in Kafka:
   * -1 after the log was loaded.
   */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionState
  readonly partitions: TopicPartitions
  /** -1 if there was no transaction yet. */
  readonly startMs: number
  readonly lastUpdateMs: number
  /** Version of the transaction protocol (KIP-890) of whoever changed it last. */
  readonly clientTransactionVersion: number
}

/** True if the producer needs another id for its next epoch. The last epoch is left for fencing. */
export function isEpochExhausted(producerEpoch: number): boolean {
  return producerEpoch >= LARGEST_EPOCH - 1
}

/** True while markers are written. */
export function isPrepared({ state }: Transaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

export function isComplete({ state }: Transaction): boolean {
  return state === 'CompleteCommit' || state === 'CompleteAbort'
}

/** True if the transaction is open for longer than its producer asked for. */
export function isTimedOut({ state, startMs, timeoutMs }: Transaction, nowMs: number): boolean {
  return state === 'Ongoing' && timeoutMs !== NO_TIMEOUT_MS && startMs + timeoutMs < nowMs
}

/** True if the transactional id was not used for that long, and has no open transaction. */
export function isExpired(transaction: Transaction, nowMs: number, expirationMs: number): boolean {
  const isIdle = transaction.state === 'Empty' || isComplete(transaction)
  return isIdle && transaction.lastUpdateMs <= nowMs - expirationMs
}

export function includesAll(partitions: TopicPartitions, asked: TopicPartitions): boolean {
  for (const [topic, indexes] of asked) {
    const known = partitions.get(topic)
    if (known === undefined) return false
    for (const index of indexes) if (!known.has(index)) return false
  }
  return true
}

export function union(partitions: TopicPartitions, added: TopicPartitions): TopicPartitions {
  const all = new Map(partitions)
  for (const [topic, indexes] of added) {
    const known = all.get(topic)
    all.set(topic, known === undefined ? indexes : new Set([...known, ...indexes]))
  }
  return all
}
