import type { Disk } from '../disk.ts'
import type { FileHandle, Files } from '../host/host.ts'
import { parseSegmentFileName, SNAPSHOT_SUFFIX, segmentFileName } from '../segment/file-names.ts'
import type { ProducerEntry } from './producer-entry.ts'
import { readProducerSnapshot, writeProducerSnapshot } from './producer-snapshot.ts'

/** Producer snapshots in a log's directory: one at the start of each segment, and one at a clean end. */
export class SnapshotFiles {
  readonly #files: Files
  readonly #directory: string
  /** Ascending. */
  #offsets: number[]
  /** Contents of snapshots that are not in their files yet. */
  readonly #staged = new Map<number, Buffer>()
  /** The snapshot that is being written off the loop. */
  #writingOffset: number | undefined

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
    // The older one that is being written must not come after this one.
    if (this.#writingOffset === offset) {
      this.stage(offset, entries)
      return
    }
    this.#add(offset)
    this.#staged.delete(offset)
    const handle = this.#open(offset)
    try {
      handle.writeSync([writeProducerSnapshot(entries)], 0)
    } finally {
      handle.close()
    }
  }

  /** Keeps the producer state at the offset in memory until `writeStaged`. For a disk that cannot keep up. */
  stage(offset: number, entries: Iterable<ProducerEntry>): void {
    this.#add(offset)
    this.#staged.set(offset, writeProducerSnapshot(entries))
  }

  /** Writes the staged snapshots off the loop. Not to be called while an earlier call is under way. */
  async writeStaged(disk: Disk): Promise<void> {
    for (const [offset, bytes] of [...this.#staged]) {
      const isCurrent = (): boolean => this.#staged.get(offset) === bytes
      await disk.writeAside(bytes.length, async () => {
        if (isCurrent()) await this.#writeAside(offset, bytes)
      })
      if (isCurrent()) this.#staged.delete(offset)
      else if (!this.#offsets.includes(offset)) this.#files.remove(this.path(offset))
    }
  }

  async #writeAside(offset: number, bytes: Buffer): Promise<void> {
    const handle = this.#open(offset)
    this.#writingOffset = offset
    try {
      await handle.write([bytes], 0)
    } finally {
      this.#writingOffset = undefined
      handle.close()
    }
  }

  /** The empty file. A new one is not truncated: when it is closed, ext4 would write it to the disk at once. */
  #open(offset: number): FileHandle {
    const handle = this.#files.open(this.path(offset), 'a+')
    try {
      if (handle.size() > 0) handle.truncate(0)
      return handle
    } catch (error) {
      handle.close()
      throw error
    }
  }

  #add(offset: number): void {
    if (!this.#offsets.includes(offset)) this.#offsets = [...this.#offsets, offset].sort((a, b) => a - b)
  }

  /** The newest whole snapshot at or below the offset. Removes broken ones that it finds. */
  latest(upToOffset: number): { readonly offset: number; readonly entries: readonly ProducerEntry[] } | undefined {
    for (const offset of this.#offsets.toReversed()) {
      if (offset > upToOffset) continue
      const bytes = this.#staged.get(offset) ?? this.#files.readWhole(this.path(offset))
      const entries = bytes && readProducerSnapshot(bytes)
      if (entries !== undefined) return { offset, entries }
      this.remove(offset)
    }
    return undefined
  }

  remove(offset: number): void {
    if (!this.#offsets.includes(offset)) return
    this.#offsets = this.#offsets.filter((each) => each !== offset)
    this.#staged.delete(offset)
    // Windows does not remove an open file: then it goes when it is written.
    if (this.#writingOffset !== offset) this.#files.remove(this.path(offset))
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
