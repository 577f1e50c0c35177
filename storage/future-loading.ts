import { eachAlone, failureOfPart } from './failure-policy.ts'
import { type FoundPartition, findPartitions } from './found-partitions.ts'
import type { Host } from './host/host.ts'
import type { TakenCheckpoints } from './log-checkpoints.ts'
import type { Directory, LogDirectories } from './log-directories.ts'
import type { LogMoves } from './log-moves.ts'
import type { LogRemoval } from './log-removal.ts'
import { removeReplaced, replacedCopies } from './moved-from.ts'
import {
  deletedDirectoryName,
  parseFutureDirectory,
  parsePartitionDirectory,
  partitionDirectoryName,
} from './segment/file-names.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { NewLog, StoredLog } from './stored-log.ts'
import type { StoredLogs } from './stored-logs.ts'

/** A data directory as the start found it. */
export interface LookedInto extends TakenCheckpoints {
  /** Everything in it. */
  readonly entries: readonly string[]
}

export type FoundDirectories = ReadonlyMap<Directory, LookedInto>

export interface FutureLoadingParts {
  readonly host: Host
  readonly logger: StorageLogger
  readonly logs: StoredLogs
  readonly directories: LogDirectories
  readonly removal: LogRemoval
  readonly moves: LogMoves
  readonly newLog: NewLog
}

/** Names of the logs, `topic-0`, that have a future log among the names. */
export function namesOfFutures(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const parsed = name.endsWith('-future') ? parseFutureDirectory(name) : undefined
    return parsed === undefined ? [] : [partitionDirectoryName(parsed.topic, parsed.partition)]
  })
}

/** Moves between data directories that the end of the broker interrupted, as the start finds them. */
export class FutureLoading {
  readonly #parts: FutureLoadingParts

  constructor(parts: FutureLoadingParts) {
    this.#parts = parts
  }

  /**
   * Before the logs are loaded: of logs in two directories, those that a move had replaced are removed. onFailure: the
   * disk refuses.
   */
  finishExchanges(
    found: FoundDirectories,
    deleteDelayMs: () => number,
    onFailure: (directory: Directory, error: Error) => void,
  ): void {
    const { host, directories, logger, removal } = this.#parts
    if (!mayRepeat(found)) return
    const paths = [...found.keys()].map(({ path }) => path)
    const idOf = (path: string) => directories.at(path).directoryId
    const replaced = replacedCopies(host.files, findPartitions(host.files, paths), idOf)
    const remove = (copy: FoundPartition) => removal.removeAfter(deleteDelayMs(), removeReplaced(host, copy, logger))
    eachAlone(host, replaced, remove, ({ logDirectory }, error) => onFailure(directories.at(logDirectory), error))
  }

  /** After the logs are loaded: the moves that can go on. */
  load(directory: Directory, found: FoundDirectories, deleteDelayMs: () => number): void {
    const own = found.get(directory)!
    const { logs, newLog } = this.#parts
    for (const name of own.entries) {
      const parsed = name.endsWith('-future') ? parseFutureDirectory(name) : undefined
      if (parsed === undefined) continue
      const { topic, partition } = parsed
      const checkpointed = { ...own.of(partitionDirectoryName(topic, partition)), compactedUpTo: undefined }
      const future = newLog(topic, partition, directory, checkpointed, name)
      const current = logs.find(topic, partition)
      if (logs.future(topic, partition) !== undefined || current?.logDirectory === directory.path)
        this.#remove(future, deleteDelayMs())
      else this.#add(future, current, { directory, found, deleteDelayMs })
    }
  }

  #add(
    future: StoredLog,
    current: StoredLog | undefined,
    {
      directory,
      found,
      deleteDelayMs,
    }: {
      readonly directory: Directory
      readonly found: FoundDirectories
      readonly deleteDelayMs: () => number
    },
  ): void {
    const { logs, moves } = this.#parts
    const isUnclean = found.get(directory)!.wasCleanStop === false
    // Without a recovery point all of it would have to be read: it is quicker to copy it again.
    if (isUnclean && (future.recoveryPoint === 0 || !this.#opens(future))) {
      this.#remove(future, deleteDelayMs())
      moves.noteLost(future, directory)
      return
    }
    logs.addFuture(future)
    // What was not synced may be missing in the middle. What the log lost will be written again with other content.
    const syncedOffset = isUnclean ? future.recoveryPoint : Number.POSITIVE_INFINITY
    const endOffset = current?.opened?.logEndOffset ?? Number.POSITIVE_INFINITY
    moves.noteFound(future, Math.min(syncedOffset, endOffset))
  }

  #opens(future: StoredLog): boolean {
    try {
      future.open()
      return true
    } catch (error) {
      // It was logged. A directory that failed fails the next step, too.
      failureOfPart(this.#parts.host, error)
      return false
    }
  }

  /** The name goes first: a future log with a part of its files would count as whole. */
  #remove({ topic, partition, directory, logDirectory, opened }: StoredLog, delayMs: number): void {
    const { host, removal } = this.#parts
    opened?.abandon()
    const uniqueId = host.random.bytes(16).toString('hex')
    const moved = host.files.join(logDirectory, deletedDirectoryName(topic, partition, uniqueId))
    host.files.rename(directory, moved)
    removal.removeAfter(delayMs, moved)
  }
}

/** True if several directories have a partition of one name. Looks at the names alone. */
function mayRepeat(found: FoundDirectories): boolean {
  if (found.size < 2) return false
  const seen = new Set<string>()
  for (const { entries } of found.values()) {
    for (const name of entries) {
      if (parsePartitionDirectory(name) === undefined) continue
      if (seen.has(name)) return true
      seen.add(name)
    }
  }
  return false
}
