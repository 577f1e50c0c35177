/** No epoch is known: what a client sends that has none to ask about. */
const NO_EPOCH = -1

/** An epoch of leadership and the offset of its first record. */
export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: number
}

/**
 * Which leader wrote which offsets: entries rise in epoch and in offset. Kept in `leader-epoch-checkpoint`.
 * Source: LeaderEpochFileCache.
 */
export class LeaderEpochs {
  #entries: EpochEntry[]
  #isUnsaved = false

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = []
    for (const entry of entries) this.assign(entry.epoch, entry.startOffset)
    this.#isUnsaved = false
  }

  /** True where the file does not have what is here. */
  get isUnsaved(): boolean {
    return this.#isUnsaved
  }

  /** The file has what is here. */
  saved(): void {
    this.#isUnsaved = false
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  get latestEpoch(): number | undefined {
    return this.#entries.at(-1)?.epoch
  }

  /** The epoch begins at that offset. Entries that contradict it go. */
  assign(epoch: number, startOffset: number): void {
    const latest = this.#entries.at(-1)
    if (latest !== undefined && latest.epoch === epoch && startOffset >= latest.startOffset) return
    const contradicts = (entry: EpochEntry) => entry.epoch >= epoch || entry.startOffset >= startOffset
    while (this.#entries.length > 0 && contradicts(this.#entries.at(-1)!)) this.#entries.pop()
    this.#entries.push({ epoch, startOffset })
    this.#isUnsaved = true
  }

  /** Largest epoch not above the requested one, and where it ends; undefined where that is not known. */
  endOffsetFor(requested: number, logEndOffset: number): { leaderEpoch: number; endOffset: number } | undefined {
    if (requested === NO_EPOCH) return undefined
    if (requested === this.latestEpoch) return { leaderEpoch: requested, endOffset: logEndOffset }
    const higher = this.#entries.findIndex((entry) => entry.epoch > requested)
    if (higher < 0) return undefined
    const floor = this.#entries[higher - 1]
    return { leaderEpoch: floor?.epoch ?? requested, endOffset: this.#entries[higher]!.startOffset }
  }

  /** Epoch of the record at the offset; undefined below the first entry. */
  epochFor(offset: number): number | undefined {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch
  }

  /** The log ends at endOffset now. */
  truncateFromEnd(endOffset: number): void {
    while (this.#entries.length > 0 && this.#entries.at(-1)!.startOffset >= endOffset) {
      this.#entries.pop()
      this.#isUnsaved = true
    }
  }

  /** The log starts at startOffset now: the epoch that is in force there starts with it. */
  truncateFromStart(startOffset: number): void {
    const inForce = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset)
    if (inForce < 0 || (inForce === 0 && this.#entries[0]!.startOffset === startOffset)) return
    this.#entries.splice(0, inForce + 1, { epoch: this.#entries[inForce]!.epoch, startOffset })
    this.#isUnsaved = true
  }

  clear(): void {
    this.#isUnsaved ||= this.#entries.length > 0
    this.#entries = []
  }
}
