import { crc32 } from '../../protocol/records/crc32.ts'
import { isSystemError, reasonOf } from '../failure-policy.ts'
import type { Files } from '../host/host.ts'
import { replaceAside } from '../saved-file.ts'
import type { StorageLogger } from '../storage-logger.ts'

/**
 * File in the directory of a compacted log. Compaction may leave holes in the offsets below the number in it. From there
 * on a hole is lost data. `cleaner-offset-checkpoint` cannot tell: it is written after the compacted segments are in
 * place, as Kafka does it, so a crash in between leaves holes above it.
 *
 *  line 1  format, 0
 *  line 2  offset
 *  line 3  CRC-32 of the offset's text, in hexadecimal
 */
export const COMPACTION_END_FILE = '.ottla-compaction-end'

const FORMAT = '0'

/** Knows from which offset on a log has no holes. */
export class CompactionEnd {
  readonly file: string
  readonly #files: Files
  readonly #logger: StorageLogger
  readonly #partition: string
  readonly #atLeast: number
  /** As in `offset`. The file is read when it is first needed: most logs are never compacted. */
  #known: { readonly offset: number | undefined } | undefined

  /** atLeast: offset up to which the log was compacted according to other files. */
  constructor(
    { files, logger, partition }: { readonly files: Files; readonly logger: StorageLogger; readonly partition: string },
    directory: string,
    atLeast: number,
  ) {
    this.#files = files
    this.#logger = logger
    this.#partition = partition
    this.#atLeast = atLeast
    this.file = files.join(directory, COMPACTION_END_FILE)
  }

  /** undefined: not known, so that no hole is taken for lost data. */
  get offset(): number | undefined {
    this.#known ??= { offset: this.#read() }
    return this.#known.offset
  }

  #read(): number | undefined {
    const stored = parse(this.#files.readWhole(this.file)?.toString('latin1'))
    return stored === undefined ? undefined : Math.max(stored, this.#atLeast)
  }

  /**
   * Compaction may begin in a log of which nothing is known. Holes below logEndOffset may be old ones, of another
   * broker. Not synced: if the file is lost, nothing is known again.
   */
  begin(logEndOffset: number): void {
    try {
      if (this.offset !== undefined) return
      this.#write(logEndOffset)
      this.#known = { offset: logEndOffset }
    } catch (error) {
      if (!isSystemError(error)) throw error
      const fields = { partition: this.#partition, file: this.file, reason: reasonOf(error) }
      this.#logger.warn(fields, 'where compaction may leave holes cannot be noted: lost records may stay unnoticed')
    }
  }

  /**
   * Compacted segments are about to replace others. On the disk when this resolves. isLate: the file may belong to
   * another log by now, and must be left alone.
   */
  async moveTo(endOffset: number, isLate: () => boolean): Promise<void> {
    if (this.offset !== undefined && this.offset >= endOffset) return
    const isWritten = await replaceAside(this.#files, this.file, format(endOffset), isLate)
    if (isWritten) this.#known = { offset: endOffset }
  }

  #write(offset: number): void {
    const handle = this.#files.open(this.file, 'a+')
    try {
      handle.truncate(0)
      handle.writeSync([Buffer.from(format(offset))], 0)
    } finally {
      handle.close()
    }
  }
}

function format(offset: number): string {
  return `${FORMAT}\n${offset}\n${checksumOf(String(offset))}\n`
}

function checksumOf(text: string): string {
  return crc32(Buffer.from(text)).toString(16)
}

function parse(text: string | undefined): number | undefined {
  const [version, offset, checksum] = text?.split('\n') ?? []
  const isWhole = version === FORMAT && offset !== undefined && checksum === checksumOf(offset)
  return isWhole ? Number(offset) : undefined
}
