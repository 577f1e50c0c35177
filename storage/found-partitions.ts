import { LOG_OVERHEAD_BYTES, RecordBatch } from '../protocol/records/record-batch.ts'
import { isSystemError } from './failure-policy.ts'
import type { Files } from './host/host.ts'
import { parseFutureDirectory, parsePartitionDirectory, partitionDirectoryName } from './segment/file-names.ts'

/** Its log directory looks like a partition's, but belongs to the metadata quorum. */
const METADATA_TOPIC = '__cluster_metadata'

/** A partition's directory, found in one of log.dirs. */
export interface FoundPartition {
  /** `topic-0` */
  readonly name: string
  readonly topic: string
  readonly partition: number
  /** The data directory that it is in. */
  readonly logDirectory: string
}

/** All partitions in the data directories, by directory name, without the metadata log. */
export function findPartitions(files: Files, logDirectories: readonly string[]): FoundPartition[] {
  return logDirectories.flatMap((logDirectory) =>
    files.list(logDirectory).flatMap((name) => {
      const parsed = parsePartitionDirectory(name)
      if (parsed === undefined || parsed.topic === METADATA_TOPIC) return []
      // `topic-00` would be a second name of `topic-0`.
      if (partitionDirectoryName(parsed.topic, parsed.partition) !== name) return []
      if (!mayBeDirectory(files, files.join(logDirectory, name))) return []
      return [{ name, ...parsed, logDirectory }]
    }),
  )
}

/** A log that will replace that of its partition, found in one of log.dirs. */
export interface FoundFuture {
  readonly topic: string
  readonly partition: number
  readonly logDirectory: string
  /** `<log directory>/topic-0.<unique id>-future` */
  readonly directory: string
}

/** All future logs in the data directories. */
export function findFutures(files: Files, logDirectories: readonly string[]): FoundFuture[] {
  return logDirectories.flatMap((logDirectory) =>
    files.list(logDirectory).flatMap((name) => {
      const parsed = parseFutureDirectory(name)
      return parsed === undefined ? [] : [{ ...parsed, logDirectory, directory: files.join(logDirectory, name) }]
    }),
  )
}

/** An entry whose type the disk does not tell counts as a directory: only its log fails, the others are served. */
function mayBeDirectory(files: Files, path: string): boolean {
  try {
    return files.stat(path)?.isDirectory === true
  } catch (error) {
    if (!isSystemError(error)) throw error
    return true
  }
}

/** True if a segment in the partition's directory has batches. */
export function hasRecords(files: Files, directory: string): boolean {
  const isLog = (file: string): boolean => /\.log(\.swap)?$/.test(file)
  return files.list(directory).some((file) => isLog(file) && hasBatches(files, files.join(directory, file)))
}

/** False for a file of zeros, too: `preallocate` made it. One that cannot be read counts as if it had some. */
function hasBatches(files: Files, path: string): boolean {
  try {
    const handle = files.open(path, 'r')
    try {
      const start = Buffer.alloc(LOG_OVERHEAD_BYTES)
      // In zeros its length is 0: it would have no bytes behind it.
      return handle.readSync(start, 0) === start.length && new RecordBatch(start).sizeBytes !== start.length
    } finally {
      handle.close()
    }
  } catch (error) {
    if (!isSystemError(error)) throw error
    return true
  }
}

/** The partitions that are in several data directories: all copies of each. */
export function repeatedPartitions(found: readonly FoundPartition[]): FoundPartition[][] {
  const byName = new Map<string, FoundPartition[]>()
  for (const each of found) {
    const copies = byName.get(each.name)
    if (copies === undefined) byName.set(each.name, [each])
    else copies.push(each)
  }
  return [...byName.values()].filter(({ length }) => length > 1)
}
