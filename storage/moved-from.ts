import { crc32 } from '../protocol/records/crc32.ts'
import type { FoundPartition } from './found-partitions.ts'
import { repeatedPartitions } from './found-partitions.ts'
import type { Files, Host } from './host/host.ts'
import { deletedDirectoryName, LOG_SUFFIX } from './segment/file-names.ts'
import type { StorageLogger } from './storage-logger.ts'

/**
 * File in the directory of a log that has replaced one in another data directory, until the other is renamed for good.
 * It is written before the log gets the name of its partition. After a crash in between both have that name, and this
 * file says which one counts. Kafka ignores it.
 *
 *  line 1  format, 0
 *  line 2  uuid of the other data directory
 *  line 3  name of the last log file of the other log
 *  line 4  size of that file in bytes
 *  line 5  CRC-32 of the lines 2 to 4, in hexadecimal
 */
export const MOVED_FROM_FILE = '.ottla-moved-from'

const FORMAT = '0'

/** The log that was replaced, as it was then. */
export interface MovedFrom {
  readonly directoryId: string
  readonly lastFile: string
  readonly sizeBytes: number
}

/** directory: of the log that is about to be replaced. Throws the disk's error. */
export function movedFrom(files: Files, directory: string, directoryId: string): MovedFrom {
  return { directoryId, ...lastFileOf(files, directory) }
}

function lastFileOf(files: Files, directory: string): Omit<MovedFrom, 'directoryId'> {
  const names = files.list(directory).filter((name) => name.endsWith(LOG_SUFFIX))
  const lastFile = names.sort().at(-1) ?? ''
  const sizeBytes = lastFile === '' ? 0 : (files.stat(files.join(directory, lastFile))?.size ?? 0)
  return { lastFile, sizeBytes }
}

/** Content of the file. */
export function formatMovedFrom({ directoryId, lastFile, sizeBytes }: MovedFrom): string {
  const text = `${directoryId}\n${lastFile}\n${sizeBytes}\n`
  return `${FORMAT}\n${text}${checksumOf(text)}\n`
}

/** undefined: the file is torn. */
export function parseMovedFrom(content: string): MovedFrom | undefined {
  const [format, directoryId, lastFile, size, checksum] = content.split('\n')
  if (format !== FORMAT || checksum !== checksumOf(`${directoryId}\n${lastFile}\n${size}\n`)) return undefined
  return { directoryId: directoryId!, lastFile: lastFile!, sizeBytes: Number(size) }
}

function checksumOf(text: string): string {
  return crc32(Buffer.from(text)).toString(16)
}

/**
 * Of partitions that are in two directories, the copies that a move had replaced when the broker ended. None of those
 * that grew since: then nobody but the user knows which copy counts.
 */
export function replacedCopies(
  files: Files,
  found: readonly FoundPartition[],
  directoryIdOf: (logDirectory: string) => string,
): FoundPartition[] {
  return repeatedPartitions(found).flatMap((copies) => {
    const moves = copies.flatMap((copy) => movedFromOf(files, copy) ?? [])
    return copies.filter((copy) => {
      const last = lastFileOf(files, files.join(copy.logDirectory, copy.name))
      const id = directoryIdOf(copy.logDirectory)
      return moves.some((move) => move.directoryId === id && !hasGrown(last, move))
    })
  })
}

/** A power loss may have made it smaller: what replaced it was synced as a whole. */
function hasGrown(last: Omit<MovedFrom, 'directoryId'>, before: MovedFrom): boolean {
  if (last.lastFile !== before.lastFile) return last.lastFile > before.lastFile
  return last.sizeBytes > before.sizeBytes
}

function movedFromOf(files: Files, { logDirectory, name }: FoundPartition): MovedFrom | undefined {
  const content = files.readWhole(files.join(logDirectory, name, MOVED_FROM_FILE))
  return content === undefined ? undefined : parseMovedFrom(content.toString('latin1'))
}

/** Ends a move of before the start: renames a replaced copy, as the move would have. Returns the new path. */
export function removeReplaced(
  { files, random }: Pick<Host, 'files' | 'random'>,
  { logDirectory, name, topic, partition }: FoundPartition,
  logger: Pick<StorageLogger, 'info'>,
): string {
  const moved = files.join(logDirectory, deletedDirectoryName(topic, partition, random.bytes(16).toString('hex')))
  files.rename(files.join(logDirectory, name), moved)
  const line = `${name} was moved to another data directory when the broker ended; its old files in ${logDirectory} are removed`
  logger.info({ partition: name }, line)
  return moved
}
