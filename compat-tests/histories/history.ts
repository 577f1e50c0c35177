/** A record as a reader got it. */
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** A record as a producer sent it. */
export interface SentRecord {
  readonly partition: number
  readonly value: string
  /** As the broker acknowledged it; left out if it did not, or nobody was there to hear it. */
  readonly offset?: number
}

/** What a transaction does, in order. */
export type Operation = { readonly sent: SentRecord } | { readonly polled: readonly ReadRecord[] }

/**
 * How a transaction ended. committed, aborted: so the client said. unknown: it was killed, or gave up with an error, and
 * the transaction may have been committed or not.
 */
export type Outcome = 'committed' | 'aborted' | 'unknown'

/** A client with its producer and its consumer. One that is started again is another process. */
export interface HistoryWriter {
  /** For messages. */
  readonly name: string
  readonly transactionalId: string
  /** When its producer had its epoch: from then on those before it with that transactional id are fenced. */
  readonly readyMs: number
}

export interface Transaction {
  /** It reads from the beginning. */
  readonly process: HistoryWriter
  readonly outcome: Outcome
  readonly operations: readonly Operation[]
  /** When it was asked for, in milliseconds of one clock for all processes. */
  readonly startMs: number
  /** When its end was known. Undefined if the outcome is unknown: it may come later. */
  readonly endMs?: number
}

/** All transactions of a topic, in no order. No value is sent twice. */
export type History = readonly Transaction[]

export function sentBy({ operations }: Transaction): readonly SentRecord[] {
  return operations.flatMap((each) => ('sent' in each ? [each.sent] : []))
}

export function polledBy({ operations }: Transaction): readonly ReadRecord[] {
  return operations.flatMap((each) => ('polled' in each ? each.polled : []))
}
