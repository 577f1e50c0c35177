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
import type { Disks } from './disk.ts'
import type { Host } from './host/host.ts'
import { SavedFile, type SavedFileParts } from './saved-file.ts'
import type { StorageLogger } from './storage-logger.ts'
import type { Checkpointed, StoredLog } from './stored-log.ts'
import type { StoredLogs } from './stored-logs.ts'

/** What the checkpoints use. Deletions wait for checkpoints, so on a full disk they may use the space reserve. */
export interface CheckpointServices {
  readonly host: Host
  readonly logger: StorageLogger
  readonly disks: Disks
  readonly withReserve: <T>(directory: string, task: () => T) => T
  readonly withReserveAside: <T>(directory: string, task: () => Promise<T>) => Promise<T>
}

type Offsets = ReadonlyMap<string, number>

/** Contents of a log directory's checkpoints at the start, by log name: `topic-0`. */
export interface FoundCheckpoints {
  /** Names of all logs in any of the files. */
  readonly names: ReadonlySet<string>
  /** Whether the log was in the directory: recovery points name each one that is. Their file may be lost, though. */
  had(name: string): boolean
  of(name: string): Checkpointed
}

/** The same, with how the broker ended. */
export interface TakenCheckpoints extends FoundCheckpoints {
  readonly wasCleanStop: boolean
}

/**
 * Checkpoints of a log in a directory. A log that was moved there left its checkpoints in the other directory. Its
 * files may not be synced in the new place, so recovery reads all of them; what was compacted stays compacted. A log
 * without records was not moved: its creation was interrupted, and the others may name a deleted log.
 */
export function checkpointedOf(
  name: string,
  own: TakenCheckpoints,
  all: readonly TakenCheckpoints[],
  hasRecords: () => boolean,
): Checkpointed {
  const before = own.names.has(name) ? undefined : all.find((each) => each.had(name))
  if (before === undefined || !hasRecords()) return own.of(name)
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
  readonly #services: CheckpointServices
  readonly #logs: StoredLogs
  readonly #saved = new Map<string, SavedFile>()
  #isClosed = false

  constructor(services: CheckpointServices, logs: StoredLogs) {
    this.#services = services
    this.#logs = logs
  }

  /** Reads the checkpoints and removes the mark of a clean stop. */
  take(directory: string): TakenCheckpoints {
    const { files } = this.#services.host
    const cleanMark = files.join(directory, CLEAN_SHUTDOWN_FILE)
    const wasCleanStop = files.exists(cleanMark)
    if (wasCleanStop) files.remove(cleanMark)
    // A mark that reappeared after a power loss would hide an unclean shutdown. The checkpoints read here now apply.
    files.syncDirectory(directory)
    const recoveryPoints = this.#read(directory, RECOVERY_POINT_FILE)
    const starts = this.#read(directory, LOG_START_FILE)
    // A clean stop always writes one, even if it is empty.
    if (wasCleanStop && !files.exists(files.join(directory, LOG_START_FILE)))
      this.#services.logger.warn(
        { file: files.join(directory, LOG_START_FILE) },
        `a checkpoint is missing${means(LOG_START_FILE)}`,
      )
    const compactedUpTo = this.#read(directory, CLEANER_OFFSET_FILE)
    // From now on it says of each log how far it may have been compacted.
    if (recoveryPoints === undefined) files.replaceWhole(files.join(directory, RECOVERY_POINT_FILE), formatOffsets([]))
    const all = [recoveryPoints, starts, compactedUpTo]
    const names = new Set(all.flatMap((offsets) => [...(offsets?.keys() ?? [])]))
    return {
      wasCleanStop,
      names,
      had: (name) => (recoveryPoints ?? names).has(name),
      of: (name) => ({
        wasCleanStop,
        recoveryPoint: recoveryPoints?.get(name) ?? 0,
        logStartOffset: starts?.get(name) ?? 0,
        compactedUpTo: compactedUpTo?.get(name) ?? (recoveryPoints && 0),
      }),
    }
  }

  /** Here and below: passes on the disk's error. Other directories are not affected. */
  saveRecoveryPoints(directory: string): Promise<void> {
    return this.#recoveryPoints(directory).save()
  }

  saveStarts(directory: string): Promise<void> {
    return this.#starts(directory).save()
  }

  /** Here and below: on the loop, where no append may come before it is done. */
  saveRecoveryPointsAtOnce(directory: string): void {
    this.#recoveryPoints(directory).saveAtOnce()
  }

  saveStartsAtOnce(directory: string): void {
    this.#starts(directory).saveAtOnce()
  }

  markClean(directory: string): void {
    const { files } = this.#services.host
    files.replaceWhole(files.join(directory, CLEAN_SHUTDOWN_FILE), formatCleanShutdown(0))
  }

  /** Undefined if the file is missing or corrupt. */
  #read(directory: string, file: string): Offsets | undefined {
    const path = this.#services.host.files.join(directory, file)
    const text = this.#services.host.files.readWhole(path)?.toString('utf8')
    // Kafka creates this file empty, and first writes it after a compaction.
    if (text === undefined || (text === '' && file === CLEANER_OFFSET_FILE)) return undefined
    const entries = parseOffsets(text)
    if (entries === undefined)
      this.#services.logger.warn({ file: path }, `a checkpoint is corrupt and is ignored${means(file)}`)
    return entries && new Map(entries.map((entry) => [`${entry.topic}-${entry.partition}`, entry.offset]))
  }

  /** Nothing is written any more, also not by a write under way. */
  close(): void {
    this.#isClosed = true
    for (const saved of this.#saved.values()) saved.close()
  }

  #recoveryPoints(directory: string): SavedFile {
    return this.#savedFile(directory, RECOVERY_POINT_FILE, (stored) => stored.recoveryPoint)
  }

  #starts(directory: string): SavedFile {
    return this.#savedFile(directory, LOG_START_FILE, (stored) => stored.checkpointedStart)
  }

  #savedFile(directory: string, file: string, offsetOf: (stored: StoredLog) => number | undefined): SavedFile {
    const path = this.#services.host.files.join(directory, file)
    const known = this.#saved.get(path)
    if (known !== undefined) return known
    const saved = new SavedFile(savedIn(directory, path, () => this.#textOf(directory, offsetOf), this.#services))
    if (this.#isClosed) saved.close()
    this.#saved.set(path, saved)
    return saved
  }

  #textOf(directory: string, offsetOf: (stored: StoredLog) => number | undefined): string {
    const offsets: PartitionOffset[] = []
    // Future logs are in them under the names of the logs that they will replace, as in Kafka.
    for (const stored of [...this.#logs.inDirectory(directory), ...this.#logs.futuresIn(directory)]) {
      const offset = offsetOf(stored)
      const { topic, partition } = stored
      if (offset !== undefined) offsets.push({ topic, partition, offset })
    }
    return formatOffsets(offsets)
  }
}

/** A saved file of a data directory. */
export function savedIn(
  directory: string,
  path: string,
  content: () => string,
  services: Omit<CheckpointServices, 'logger'>,
): SavedFileParts {
  return {
    host: services.host,
    disk: services.disks.of(directory),
    path,
    content,
    withReserve: (task) => services.withReserve(directory, task),
    withReserveAside: (task) => services.withReserveAside(directory, task),
  }
}

/** Consequence of losing a checkpoint, for the log line. */
function means(file: string): string {
  return file === LOG_START_FILE ? ': records deleted by DeleteRecords may be back' : ''
}
