import {
  CLEAN_SHUTDOWN_FILE,
  CLEANER_OFFSET_FILE,
  formatCleanShutdown,
  formatOffsets,
  LOG_START_FILE,
  type PartitionOffset,
  parseOffsets,
  RECOVERY_POINT_FILE,
} from './checkpoint-files.ts'
import type { Host } from './host/host.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { Checkpointed, StoredLog } from './stored-log.ts'
import type { StoredLogs } from './stored-logs.ts'

/** Deletions wait for checkpoints, so on a full disk checkpoints may use the reserve. */
type WithReserve = <T>(directory: string, task: () => T) => T

type Offsets = ReadonlyMap<string, number>

/** Contents of a log directory's checkpoints at the start, by log name: `topic-0`. */
export interface FoundCheckpoints {
  /** Names of all logs in any of the files. */
  readonly names: ReadonlySet<string>
  of(name: string): Checkpointed
}

/** The same, with how the broker ended. */
export interface TakenCheckpoints extends FoundCheckpoints {
  readonly wasCleanStop: boolean
}

/**
 * Checkpoints of a log in a directory. A log that was moved there left its checkpoints in the other directory. Its
 * files may not be synced in the new place, so recovery reads all of them; what was compacted stays compacted.
 */
export function checkpointedOf(name: string, own: TakenCheckpoints, all: readonly TakenCheckpoints[]): Checkpointed {
  const before = own.names.has(name) ? undefined : all.find(({ names }) => names.has(name))
  if (before === undefined) return own.of(name)
  const { wasCleanStop, recoveryPoint, logStartOffset, compactedUpTo } = before.of(name)
  return {
    wasCleanStop: wasCleanStop && own.wasCleanStop,
    recoveryPoint: 0,
    logStartOffset,
    compactedUpTo: compactedUpTo && Math.max(compactedUpTo, recoveryPoint),
  }
}

/** The checkpoint files of each log directory. */
export class LogCheckpoints {
  readonly #host: Host
  readonly #logger: StorageLogger
  readonly #logs: StoredLogs
  /** Log directories whose log start offsets are to be written at the end of this turn. */
  readonly #savingStarts = new Map<string, Promise<void>>()

  readonly #withReserve: WithReserve

  constructor(host: Host, logger: StorageLogger, logs: StoredLogs, withReserve: WithReserve) {
    this.#host = host
    this.#logger = logger
    this.#logs = logs
    this.#withReserve = withReserve
  }

  /** Reads the checkpoints and removes the mark of a clean stop. */
  take(directory: string): TakenCheckpoints {
    const { files } = this.#host
    const cleanMark = files.join(directory, CLEAN_SHUTDOWN_FILE)
    const wasCleanStop = files.exists(cleanMark)
    if (wasCleanStop) files.remove(cleanMark)
    // A mark that reappeared after a power loss would hide an unclean shutdown. The checkpoints read here now apply.
    files.syncDirectory(directory)
    const recoveryPoints = this.#read(directory, RECOVERY_POINT_FILE)
    const starts = this.#read(directory, LOG_START_FILE)
    // A clean stop always writes one, even if it is empty.
    if (wasCleanStop && !files.exists(files.join(directory, LOG_START_FILE)))
      this.#logger.warn(
        { file: files.join(directory, LOG_START_FILE) },
        `a checkpoint is missing${means(LOG_START_FILE)}`,
      )
    const compactedUpTo = this.#read(directory, CLEANER_OFFSET_FILE)
    // From now on it says of each log how far it may have been compacted.
    if (recoveryPoints === undefined) files.replaceWhole(files.join(directory, RECOVERY_POINT_FILE), formatOffsets([]))
    const all = [recoveryPoints, starts, compactedUpTo]
    return {
      wasCleanStop,
      names: new Set(all.flatMap((offsets) => [...(offsets?.keys() ?? [])])),
      of: (name) => ({
        wasCleanStop,
        recoveryPoint: recoveryPoints?.get(name) ?? 0,
        logStartOffset: starts?.get(name) ?? 0,
        compactedUpTo: compactedUpTo?.get(name) ?? (recoveryPoints && 0),
      }),
    }
  }

  /** Here and below: throws the disk's error. Other directories are not affected. */
  writeRecoveryPoints(directory: string): void {
    this.#write(directory, RECOVERY_POINT_FILE, (stored) => stored.recoveryPoint)
  }

  writeStarts(directory: string): void {
    this.#write(directory, LOG_START_FILE, (stored) => stored.checkpointedStart)
  }

  /** The same at the end of this turn, once for all requests of the turn. */
  saveStarts(directory: string): Promise<void> {
    const underWay = this.#savingStarts.get(directory)
    if (underWay !== undefined) return underWay
    const saving = new Promise<void>((resolve, reject) => {
      this.#host.timers.atTurnEnd(() => {
        this.#savingStarts.delete(directory)
        try {
          this.writeStarts(directory)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
    this.#savingStarts.set(directory, saving)
    return saving
  }

  markClean(directory: string): void {
    const { files } = this.#host
    files.replaceWhole(files.join(directory, CLEAN_SHUTDOWN_FILE), formatCleanShutdown(0))
  }

  /** Undefined if the file is missing or corrupt. */
  #read(directory: string, file: string): Offsets | undefined {
    const path = this.#host.files.join(directory, file)
    const text = this.#host.files.readWhole(path)?.toString('utf8')
    // Kafka creates this file empty, and first writes it after a compaction.
    if (text === undefined || (text === '' && file === CLEANER_OFFSET_FILE)) return undefined
    const entries = parseOffsets(text)
    if (entries === undefined) this.#logger.warn({ file: path }, `a checkpoint is corrupt and is ignored${means(file)}`)
    return entries && new Map(entries.map((entry) => [`${entry.topic}-${entry.partition}`, entry.offset]))
  }

  #write(directory: string, file: string, offsetOf: (stored: StoredLog) => number | undefined): void {
    const offsets: PartitionOffset[] = []
    for (const stored of this.#logs.inDirectory(directory)) {
      const offset = offsetOf(stored)
      const { topic, partition } = stored
      if (offset !== undefined) offsets.push({ topic, partition, offset })
    }
    const { files } = this.#host
    this.#withReserve(directory, () => files.replaceWhole(files.join(directory, file), formatOffsets(offsets)))
  }
}

/** Consequence of losing a checkpoint, for the log line. */
function means(file: string): string {
  return file === LOG_START_FILE ? ': records deleted by DeleteRecords may be back' : ''
}
