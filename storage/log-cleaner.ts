import { CLEANER_OFFSET_FILE, formatOffsets, type PartitionOffset, parseOffsets } from './checkpoint-files.ts'
import { DirectoryFailedError, failureOfPart, isSystemError, reasonOf } from './failure-policy.ts'
import type { Host } from './host/host.ts'
import { type CleaningPlan, planCleaning } from './log/cleaning-plan.ts'
import { CleaningAborted, UncleanableError } from './log/compaction.ts'
import { cleanLog } from './log/log-cleaning.ts'
import { CorruptLogError } from './log/log-reader.ts'
import type { SharedServices } from './log/log-services.ts'
import { savedIn } from './log-checkpoints.ts'
import { SavedFile } from './saved-file.ts'
import type { StoredLog } from './stored-log.ts'
import { Throttle } from './throttle.ts'

/** Settings of compaction, under their Kafka names in camel case. */
export interface LogCleanerSettings {
  readonly logCleanerEnable: boolean
  readonly logCleanerBackoffMs: number
  readonly logCleanerDedupeBufferSize: number
  readonly logCleanerIoBufferLoadFactor: number
  readonly logCleanerIoBufferSize: number
  readonly logCleanerIoMaxBytesPerSecond: number
  readonly logCleanerThreads: number
}

/** Limit of Kafka's arrays. */
const LARGEST_DEDUPE_BYTES = 2 ** 31 - 1
/** A smaller buffer only costs time. */
const SMALLEST_CHUNK_BYTES = 4096

interface Candidate {
  readonly stored: StoredLog
  readonly plan: CleaningPlan
}

/**
 * Compacts logs with cleanup.policy=compact, those with the largest share of new bytes first, log.cleaner.threads at a
 * time, together no faster than log.cleaner.io.max.bytes.per.second. Settings may change while it does.
 * Source: LogCleaner, LogCleanerManager.
 */
export class LogCleaner {
  readonly #host: Host
  readonly #settings: LogCleanerSettings
  readonly #services: SharedServices
  readonly #logs: () => Iterable<StoredLog>
  /** By log directory. */
  readonly #checkpoints = new Map<string, CleanerCheckpoint>()
  /** Logs whose records cannot be read: not compacted until the next start. */
  readonly #uncleanable = new WeakSet<StoredLog>()
  /** Logs that are being compacted. */
  readonly #underWay = new Set<StoredLog>()
  /** Logs to retry in the next run, not in this one. */
  readonly #putOff = new Set<StoredLog>()
  #running: Promise<void> = Promise.resolve()
  #isStopped = false
  readonly #throttle: Throttle
  readonly #isMoving: (stored: StoredLog) => boolean

  constructor(parts: {
    readonly host: Host
    readonly settings: LogCleanerSettings
    readonly services: SharedServices
    readonly logs: () => Iterable<StoredLog>
    /** True: the log is being copied to another directory, and is compacted there. */
    readonly isMoving: (stored: StoredLog) => boolean
  }) {
    this.#host = parts.host
    this.#settings = parts.settings
    this.#services = parts.services
    this.#logs = parts.logs
    this.#isMoving = parts.isMoving
    this.#throttle = new Throttle(parts.host, () => parts.settings.logCleanerIoMaxBytesPerSecond)
  }

  /** Compacts until nothing is left to do, then resolves. At most one run at a time. */
  run(): Promise<void> {
    const run = this.#running.then(() => this.#cleanAll())
    // The caller gets the failure; the next run starts anyway.
    const end = (): void => {}
    this.#running = run.then(end, end)
    return run
  }

  /** Stops after the compactions under way. */
  stop(): Promise<void> {
    this.#isStopped = true
    this.settingsChanged()
    return this.#running
  }

  /** Writes no checkpoint any more. */
  closeCheckpoints(): void {
    for (const { file } of this.#checkpoints.values()) file.close()
  }

  /** Pauses that an old setting caused end, and are computed again. */
  settingsChanged(): void {
    this.#throttle.wake()
  }

  /** True while the log is being compacted: nothing else may remove segments from its start. */
  isCleaning(stored: StoredLog): boolean {
    return this.#underWay.has(stored)
  }

  async #cleanAll(): Promise<void> {
    this.#putOff.clear()
    // Failures other than disk errors are thrown once all logs are done.
    const results = await Promise.allSettled(
      Array.from({ length: this.#settings.logCleanerThreads }, () => this.#work()),
    )
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** One log after the other. */
  async #work(): Promise<void> {
    for (let next = this.#dirtiest(); next !== undefined && !this.#isStopped; next = this.#dirtiest()) {
      const { stored } = next
      this.#underWay.add(stored)
      try {
        if (!(await this.#clean(next))) this.#putOff.add(stored)
      } finally {
        this.#underWay.delete(stored)
      }
    }
  }

  #dirtiest(): Candidate | undefined {
    if (!this.#settings.logCleanerEnable) return undefined
    let dirtiest: Candidate | undefined
    for (const stored of this.#logs()) {
      if (this.#underWay.has(stored) || this.#putOff.has(stored) || this.#isMoving(stored)) continue
      const plan = this.#tryToPlan(stored)
      if (plan === undefined || !plan.isDue) continue
      if (dirtiest === undefined || plan.dirtyRatio > dirtiest.plan.dirtyRatio) dirtiest = { stored, plan }
    }
    return dirtiest
  }

  /** undefined: there is nothing to do, or the log cannot be read now. */
  #tryToPlan(stored: StoredLog): CleaningPlan | undefined {
    try {
      return this.#planFor(stored)
    } catch (error) {
      this.#putOff.add(stored)
      this.#tellFailure(stored, error)
      return undefined
    }
  }

  #planFor(stored: StoredLog): CleaningPlan | undefined {
    if (!stored.config.cleanupPolicy.includes('compact') || this.#uncleanable.has(stored)) return undefined
    if (stored.failure !== undefined) return undefined
    const log = stored.open()
    if (log.failure !== undefined || log.isClosed) return undefined
    const { logStartOffset, logEndOffset, lastStableOffset } = log
    return planCleaning(log.segments, log.config, {
      nowMs: this.#host.clock.nowMs(),
      logStartOffset,
      logEndOffset,
      recoveryPoint: log.recoveryPoint,
      lastStableOffset,
      cleanedUpTo: this.#checkpointOf(stored.logDirectory).offsetOf(stored.name),
    })
  }

  #tellFailure(stored: StoredLog, caught: unknown): void {
    const error = failureOfPart(this.#host, caught)
    if (error === stored.openFailure) return
    const { noteFailure, logger } = this.#services
    if (noteFailure(stored.logDirectory, error) instanceof DirectoryFailedError) return
    const reason = isDamage(error) ? error.message : reasonOf(error)
    logger.error({ partition: stored.name, reason }, 'a log cannot be compacted')
  }

  /** False if an immediate retry of this log makes no sense. */
  async #clean({ stored, plan }: Candidate): Promise<boolean> {
    const log = stored.open()
    const before = log.sizeBytes
    const { logger } = this.#services
    const { logCleanerDedupeBufferSize, logCleanerIoBufferLoadFactor, logCleanerIoBufferSize, logCleanerThreads } =
      this.#settings
    try {
      // Recovery must not expect offsets that compaction removes.
      await this.#services.saveRecoveryPoints(stored.logDirectory)
      const offset = await cleanLog(log, plan, {
        services: log.services,
        dedupeBytes: Math.min(LARGEST_DEDUPE_BYTES, Math.floor(logCleanerDedupeBufferSize / logCleanerThreads)),
        dedupeLoadFactor: logCleanerIoBufferLoadFactor,
        // One half is for reading in Kafka, the other for writing.
        chunkBytes: Math.max(SMALLEST_CHUNK_BYTES, Math.floor(logCleanerIoBufferSize / logCleanerThreads / 2)),
        throttle: (sizeBytes) => this.#throttle.pass(sizeBytes),
        isStopped: () => this.#isStopped || this.#isMoving(stored),
      })
      // A new log of the same name is not compacted yet.
      if (log.isClosed) return !this.#isStopped
      await this.#note(stored, offset)
      logger.info({ partition: stored.name, upToOffset: offset, before, after: log.sizeBytes }, 'compacted a log')
      return offset > plan.firstDirtyOffset
    } catch (error) {
      // A log deleted meanwhile has no files any more.
      if (error instanceof CleaningAborted || log.isClosed) return !this.#isStopped
      this.#tellFailure(stored, error)
      // A disk error may pass; any other failure would recur.
      if (!isSystemError(error)) this.#uncleanable.add(stored)
      return false
    }
  }

  /** At most the synced offset: after a crash the log may end there, and a higher value would be invalid. */
  async #note({ topic, partition, name, logDirectory }: StoredLog, offset: number): Promise<void> {
    const checkpoint = this.#checkpointOf(logDirectory)
    checkpoint.set(name, { topic, partition, offset })
    await checkpoint.file.save()
  }

  #checkpointOf(directory: string): CleanerCheckpoint {
    let checkpoint = this.#checkpoints.get(directory)
    if (checkpoint === undefined) {
      checkpoint = new CleanerCheckpoint(directory, this.#services)
      this.#checkpoints.set(directory, checkpoint)
    }
    return checkpoint
  }

  /** How far the log is compacted, noted for another directory too, where it is about to move. */
  async copyEntry({ topic, partition, name, logDirectory }: StoredLog, directory: string): Promise<void> {
    const offset = this.#checkpointOf(logDirectory).offsetOf(name)
    if (offset === undefined) return
    const checkpoint = this.#checkpointOf(directory)
    checkpoint.set(name, { topic, partition, offset })
    await checkpoint.file.save()
  }

  /** Forgets deleted logs of the directory: a new log of the same name is not compacted yet. */
  async forget(names: readonly string[], directory: string): Promise<void> {
    const checkpoint = this.#checkpointOf(directory)
    if (checkpoint.remove(names)) await checkpoint.file.save()
  }

  /** The same at once, on the loop. */
  forgetAtOnce(names: readonly string[], directory: string): void {
    const checkpoint = this.#checkpointOf(directory)
    if (checkpoint.remove(names)) checkpoint.file.saveAtOnce()
  }
}

/** `cleaner-offset-checkpoint` of a log directory: how far each log is compacted. */
class CleanerCheckpoint {
  readonly file: SavedFile
  /** By `topic-0`. */
  readonly #offsets: Map<string, PartitionOffset>

  constructor(directory: string, services: SharedServices) {
    const { files } = services.host
    const path = files.join(directory, CLEANER_OFFSET_FILE)
    const text = files.readWhole(path)?.toString('utf8')
    const entries = text === undefined ? [] : (parseOffsets(text) ?? [])
    this.#offsets = new Map(entries.map((entry) => [`${entry.topic}-${entry.partition}`, entry]))
    this.file = new SavedFile(savedIn(directory, path, () => formatOffsets([...this.#offsets.values()]), services))
  }

  offsetOf(name: string): number | undefined {
    return this.#offsets.get(name)?.offset
  }

  set(name: string, entry: PartitionOffset): void {
    this.#offsets.set(name, entry)
  }

  /** Returns whether the file may have to be written. */
  remove(names: readonly string[]): boolean {
    const isChanged = names.filter((name) => this.#offsets.delete(name)).length > 0
    return isChanged || this.file.isUnsaved
  }
}

function isDamage(error: Error): boolean {
  return error instanceof UncleanableError || error instanceof CorruptLogError
}
