import type { Disk } from '../disk.ts'
import { isPresent } from '../file-presence.ts'
import type { FileAccess } from '../open-files.ts'
import type { AbortedTransaction } from '../partition-log.ts'
import { EntryFile } from './entry-file.ts'
import { OFFSET_INDEX_SUFFIX, type SegmentSuffix, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX } from './file-names.ts'
import type { IndexCache } from './index-cache.ts'
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts'
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts'
import { TRANSACTION_ENTRY_BYTES, TransactionIndex } from './transaction-index.ts'

/** The three indexes of a segment and their files. */
export class SegmentIndexes {
  readonly offset: OffsetIndex
  readonly time: TimeIndex
  readonly transaction: TransactionIndex
  readonly #openFiles: FileAccess

  /** pathOf: path of the file with a suffix. hasTransactions omitted: the directory is checked. */
  constructor(
    baseOffset: number,
    pathOf: (suffix: SegmentSuffix) => string,
    { openFiles, indexCache }: { readonly openFiles: FileAccess; readonly indexCache: IndexCache },
    { isNew, hasTransactions }: { readonly isNew: boolean; readonly hasTransactions: boolean | undefined },
  ) {
    this.#openFiles = openFiles
    const entries = (suffix: SegmentSuffix, entryBytes: number, isEmpty: boolean) =>
      new EntryFile(pathOf(suffix), entryBytes, openFiles, indexCache, isEmpty)
    const transactionPath = pathOf(TRANSACTION_INDEX_SUFFIX)
    const hasTransactionFile = !isNew && (hasTransactions ?? isPresent(openFiles.files, transactionPath))
    this.offset = new OffsetIndex(entries(OFFSET_INDEX_SUFFIX, OFFSET_ENTRY_BYTES, isNew), baseOffset)
    this.time = new TimeIndex(entries(TIME_INDEX_SUFFIX, TIME_ENTRY_BYTES, isNew), baseOffset)
    this.transaction = new TransactionIndex(
      entries(TRANSACTION_INDEX_SUFFIX, TRANSACTION_ENTRY_BYTES, !hasTransactionFile),
      baseOffset,
    )
  }

  files(): EntryFile[] {
    return [this.offset.file, this.time.file, this.transaction.file]
  }

  /** Creates the files of a new segment. The transaction index gets one with its first entry. */
  createFiles(): void {
    this.offset.file.createFile()
    this.time.file.createFile()
  }

  /** Indexes of the active segment stay in memory. */
  set active(active: boolean) {
    for (const file of this.files()) file.evictable = !active
  }

  /** Whether the file of the transaction index, which its first entry makes, was made since the last call. */
  takeNewName(): boolean {
    return this.transaction.file.takeNewName()
  }

  /** Bytes of entries that are not yet written. */
  get pendingBytes(): number {
    return this.offset.file.pendingBytes + this.time.file.pendingBytes + this.transaction.file.pendingBytes
  }

  writePending(): void {
    for (const file of this.files()) file.writePending()
  }

  /** The same without blocking the event loop. isGone: the segment was removed meanwhile, and its files are not there. */
  async writePendingAside(disk: Disk, isGone: () => boolean): Promise<void> {
    for (const file of this.files()) if (!isGone()) await file.writePendingAside(disk)
  }

  /** Below the recovery point, nothing would check them again after a power loss. */
  sync(): void {
    for (const { path } of this.files()) if (isPresent(this.#openFiles.files, path)) this.#openFiles.use(path).syncNow()
  }

  /** Removes the entries from the offset on. */
  truncateTo(offset: number): void {
    this.offset.truncateTo(offset)
    this.time.truncateTo(offset)
    this.transaction.truncateTo(offset)
  }

  /** Removes all entries of the offset and time index. */
  clearOffsetsAndTimes(): void {
    this.#clear(this.offset.file)
    this.#clear(this.time.file)
  }

  /** Removes all entries of the transaction index. */
  clearTransactions(): void {
    this.#clear(this.transaction.file)
  }

  /**
   * Makes these the entries of the transaction index. The old ones stay until then: an empty index, which a crash could
   * leave otherwise, is taken for a whole one.
   */
  replaceTransactions(aborted: readonly AbortedTransaction[]): void {
    const { file } = this.transaction
    file.forget()
    for (const each of aborted) this.transaction.append(each)
    file.writePending()
    file.cutRest()
  }

  #clear(file: EntryFile): void {
    if (isPresent(this.#openFiles.files, file.path)) this.#openFiles.use(file.path).truncate(0)
    else if (file !== this.transaction.file) file.createFile()
    file.forget()
  }
}
