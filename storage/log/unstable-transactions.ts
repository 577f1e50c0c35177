import type { AppendedEnd } from '../readable-end.ts'
import type { CompletedTransaction } from './producer-append.ts'

/** An open transaction, between its neighbours in the order of their first offsets. */
interface OpenTransaction extends AppendedEnd {
  readonly producerId: number
  older: OpenTransaction | undefined
  newer: OpenTransaction | undefined
}

/** A transaction whose marker may not be readable yet. */
interface EndedTransaction extends AppendedEnd {
  /** Of the marker. */
  readonly lastOffset: number
}

/**
 * Transactions of one log that are open, or end above the high watermark: the first of them limits what read_committed
 * consumers see. Every step takes the same time however many there are. Source: ProducerStateManager (ongoingTxns,
 * unreplicatedTxns).
 */
export class UnstableTransactions {
  /** By first offset. */
  readonly #open = new Map<number, OpenTransaction>()
  #oldest: OpenTransaction | undefined
  #newest: OpenTransaction | undefined
  /**
   * In order of their first offsets, and of their markers. One that began after a later entry is left out: it is never
   * the first of them, and its marker becomes readable before.
   */
  readonly #ended: EndedTransaction[] = []

  /** Most of them begin at the end of the log, so the search starts there. */
  begin(producerId: number, { offset, appendedBytes }: AppendedEnd): void {
    let older = this.#newest
    while (older !== undefined && older.offset > offset) older = older.older
    const newer = older === undefined ? this.#oldest : older.newer
    // Not a spread of the start, which takes twenty times as long.
    const transaction = { offset, appendedBytes, producerId, older, newer }
    if (older === undefined) this.#oldest = transaction
    else older.newer = transaction
    if (newer === undefined) this.#newest = transaction
    else newer.older = transaction
    this.#open.set(offset, transaction)
  }

  /** A marker was appended. Markers come in the order of their offsets. */
  end({ firstOffset, lastOffset }: CompletedTransaction): void {
    const transaction = this.#open.get(firstOffset)
    if (transaction === undefined) return
    this.#open.delete(firstOffset)
    const { older, newer, appendedBytes } = transaction
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    while ((this.#ended.at(-1)?.offset ?? -1) > firstOffset) this.#ended.pop()
    this.#ended.push({ offset: firstOffset, lastOffset, appendedBytes })
  }

  /** Start of the oldest open transaction of another producer; undefined: there is none. */
  firstOfOthers(producerId: number): number | undefined {
    let transaction = this.#oldest
    while (transaction?.producerId === producerId) transaction = transaction.newer
    return transaction?.offset
  }

  /** Forgets ended transactions whose marker is below the offset. */
  forgetEndedBelow(offset: number): void {
    while ((this.#ended[0]?.lastOffset ?? offset) < offset) this.#ended.shift()
  }

  /** Start of the oldest; undefined: there is none. */
  get first(): AppendedEnd | undefined {
    const [ended] = this.#ended
    if (ended === undefined || this.#oldest === undefined) return ended ?? this.#oldest
    return ended.offset < this.#oldest.offset ? ended : this.#oldest
  }
}
