import type { Disk } from './disk.ts'
import type { FileHandle, Files, Host } from './host/host.ts'

/** Not `.tmp`, which `replaceWhole` uses: it may be called while a replacement off the loop is under way. */
const ASIDE_SUFFIX = '.aside.tmp'

/**
 * Like `Files.replaceWhole`, but waits for the disk off the loop: a sync takes as long as the journal needs to write
 * what others have changed, on a saturated disk a second. Opens and renames the file on the loop: by then the path
 * might belong to another log. Returns false if `isLate` said before the rename that the content must not be used.
 */
export async function replaceAside(
  files: Files,
  path: string,
  content: Buffer | string,
  isLate: () => boolean,
): Promise<boolean> {
  if (isLate()) return false
  const temporary = path + ASIDE_SUFFIX
  try {
    await writeSynced(files.open(temporary, 'a+'), content)
  } catch (error) {
    // On a full disk, a partly written file would take the remaining room.
    if (!isLate()) files.remove(temporary)
    throw error
  }
  if (isLate()) return false
  files.rename(temporary, path)
  await files.syncDirectoryAside(files.join(path, '..'))
  return true
}

async function writeSynced(handle: FileHandle, content: Buffer | string): Promise<void> {
  try {
    if (handle.size() > 0) handle.truncate(0)
    await handle.write([Buffer.from(content)], 0)
    await handle.sync()
  } finally {
    handle.close()
  }
}

/** What a saved file needs. */
export interface SavedFileParts {
  readonly host: Host
  readonly disk: Disk
  readonly path: string
  /** Called when a write begins. */
  readonly content: () => string
  /** Repeats the task if it failed for lack of room and the space reserve was given up. */
  readonly withReserve: <T>(task: () => T) => T
  readonly withReserveAside: <T>(task: () => Promise<T>) => Promise<T>
}

/**
 * A small file that is replaced as a whole: a checkpoint. Writes go off the loop, one at a time; requests made in one
 * turn, or during a write, share the next one. Its content is taken when it begins. A write at once makes the one under
 * way late: that one leaves the file alone.
 */
export class SavedFile {
  readonly #parts: SavedFileParts
  /** Settles with the write under way; never rejects. */
  #underWay: Promise<void> | undefined
  #next: Promise<void> | undefined
  #writesAtOnce = 0
  #isClosed = false
  #isUnsaved = false

  constructor(parts: SavedFileParts) {
    this.#parts = parts
  }

  /** True if the last write failed: the file may have older content than the memory. */
  get isUnsaved(): boolean {
    return this.#isUnsaved
  }

  /** Resolves once the content of now, or a later one, is durable; does nothing once closed. */
  save(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#next ??= this.#begin()
    return this.#next
  }

  async #begin(): Promise<void> {
    await (this.#underWay ?? new Promise<void>((resolve) => this.#parts.host.timers.atTurnEnd(resolve)))
    this.#next = undefined
    const writing = this.#write()
    const end = (): void => {
      if (this.#underWay === ended) this.#underWay = undefined
    }
    const ended = writing.then(end, end)
    this.#underWay = ended
    return writing
  }

  async #write(): Promise<void> {
    const { host, disk, path, content, withReserveAside } = this.#parts
    const writesAtOnce = this.#writesAtOnce
    const isLate = (): boolean => this.#isClosed || writesAtOnce !== this.#writesAtOnce
    if (isLate()) return
    this.#isUnsaved = true
    const text = content()
    const replace = (): Promise<boolean> => disk.sync(() => replaceAside(host.files, path, text, isLate))
    if (await withReserveAside(replace)) this.#isUnsaved = false
  }

  /** Writes it on the loop, for callers that cannot wait. */
  saveAtOnce(): void {
    const { host, path, content, withReserve } = this.#parts
    this.#writesAtOnce++
    this.#isUnsaved = true
    withReserve(() => host.files.replaceWhole(path, content()))
    this.#isUnsaved = false
  }

  /** Nothing is written any more: another process, or another broker of this one, may use the directory. */
  close(): void {
    this.#isClosed = true
  }
}
