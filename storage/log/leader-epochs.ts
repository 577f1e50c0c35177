/** No epoch is known. A client without an epoch sends it too. */
const NO_EPOCH = -1

/** A leader epoch and the offset of its first record. */
export interface EpochEntry {
  readonly epoch: number
  readonly startOffset: number
}

/**
 * Which leader wrote which offsets. Entries rise in epoch and in offset. Stored in `leader-epoch-checkpoint`. Source:
 * LeaderEpochFileCache.
 */
export class LeaderEpochs {
  #entries: EpochEntry[]
  #isUnsaved = false

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = []
    for (const entry of entries) this.assign(entry.epoch, entry.startOffset)
    this.#isUnsaved = false
  }

  /** True if the entries are not yet saved to the file. */
  get isUnsaved(): boolean {
    return this.#isUnsaved
  }

  /** Marks the entries as saved. */
  saved(): void {
    this.#isUnsaved = false
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  get latestEpoch(): number | undefined {
    return this.#entries.at(-1)?.epoch
  }

  /** The epoch begins at the offset. Removes entries that contradict it. */
  assign(epoch: number, startOffset: number): void {
    const latest = this.#entries.at(-1)
    if (latest !== undefined && latest.epoch === epoch && startOffset >= latest.startOffset) return
    const contradicts = (entry: EpochEntry) => entry.epoch >= epoch || entry.startOffset >= startOffset
    while (this.#entries.length > 0 && contradicts(this.#entries.at(-1)!)) this.#entries.pop()
    this.#entries.push({ epoch, startOffset })
    this.#isUnsaved = true
  }

  /** Largest epoch at or below the requested one, and its end offset; undefined if unknown. */
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

  /** Removes entries at or above endOffset, the new end of the log. */
  truncateFromEnd(endOffset: number): void {
    while (this.#entries.length > 0 && this.#entries.at(-1)!.startOffset >= endOffset) {
      this.#entries.pop()
      this.#isUnsaved = true
    }
  }

  /** Makes startOffset the start of the epoch in force there, and removes earlier entries. */
  truncateFromStart(startOffset: number): void {
    const inForce = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset)
    if (inForce < 0 || (inForce === 0 && this.#entries[0]!.startOffset === startOffset)) return
    this.#entries.splice(0, inForce + 1, { epoch: this.#entries[inForce]!.epoch, startOffset })
    this.#isUnsaved = true
  }

  /** Takes the entries of a log of which this one's is a copy. */
  replace(entries: readonly EpochEntry[]): void {
    this.#entries = [...entries]
    this.#isUnsaved = true
  }

  clear(): void {
    this.#isUnsaved ||= this.#entries.length > 0
    this.#entries = []
  }
}
