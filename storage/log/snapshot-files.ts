import type { Files } from '../host/host.ts'
import { parseSegmentFileName, SNAPSHOT_SUFFIX, segmentFileName } from '../segment/file-names.ts'
import type { ProducerEntry } from './producer-entry.ts'
import { readProducerSnapshot, writeProducerSnapshot } from './producer-snapshot.ts'

/** Producer snapshots in a log's directory: one at the start of each segment, and one at a clean end. */
export class SnapshotFiles {
  readonly #files: Files
  readonly #directory: string
  /** Ascending. */
  #offsets: number[]

  constructor(files: Files, directory: string, names: readonly string[]) {
    this.#files = files
    this.#directory = directory
    this.#offsets = names
      .map(parseSegmentFileName)
      .filter((name) => name?.suffix === SNAPSHOT_SUFFIX && name.temporary === '')
      .map((name) => name!.baseOffset)
      .sort((a, b) => a - b)
  }

  get offsets(): readonly number[] {
    return this.#offsets
  }

  path(offset: number): string {
    return this.#files.join(this.#directory, segmentFileName(offset, SNAPSHOT_SUFFIX))
  }

  /**
   * Saves the producer state at the offset. Not synced: the checksum reveals a torn snapshot, which is then rebuilt.
   */
  write(offset: number, entries: Iterable<ProducerEntry>): void {
    const handle = this.#files.open(this.path(offset), 'a+')
    try {
      handle.truncate(0)
      handle.writeSync([writeProducerSnapshot(entries)], 0)
    } finally {
      handle.close()
    }
    if (!this.#offsets.includes(offset)) this.#offsets = [...this.#offsets, offset].sort((a, b) => a - b)
  }

  /** The newest whole snapshot at or below the offset. Removes broken ones that it finds. */
  latest(upToOffset: number): { readonly offset: number; readonly entries: readonly ProducerEntry[] } | undefined {
    for (const offset of this.#offsets.toReversed()) {
      if (offset > upToOffset) continue
      const bytes = this.#files.readWhole(this.path(offset))
      const entries = bytes && readProducerSnapshot(bytes)
      if (entries !== undefined) return { offset, entries }
      this.remove(offset)
    }
    return undefined
  }

  remove(offset: number): void {
    if (!this.#offsets.includes(offset)) return
    this.#offsets = this.#offsets.filter((each) => each !== offset)
    this.#files.remove(this.path(offset))
  }

  /** Removes snapshots that match the condition. */
  removeWhere(condition: (offset: number) => boolean): void {
    for (const offset of this.#offsets.filter(condition)) this.remove(offset)
  }

  /** Forgets the snapshot; its file is removed with its segment. */
  forget(offset: number): boolean {
    const had = this.#offsets.includes(offset)
    this.#offsets = this.#offsets.filter((each) => each !== offset)
    return had
  }

  /** Removes snapshots without a segment, except the newest. Source: ProducerStateManager.removeStraySnapshots. */
  removeStray(segmentBaseOffsets: readonly number[]): void {
    const bases = new Set(segmentBaseOffsets)
    const stray = this.#offsets.filter((offset) => !bases.has(offset))
    const newestStray = stray.at(-1)
    const lastBase = segmentBaseOffsets.at(-1) ?? 0
    for (const offset of stray) if (offset !== newestStray || offset < lastBase) this.remove(offset)
  }
}
