import { CLEANER_OFFSET_FILE, formatOffsets, type PartitionOffset, parseOffsets } from './checkpoint-files.ts'
import type { Host } from './host/host.ts'
import { type CleaningPlan, planCleaning } from './log/cleaning-plan.ts'
import { CleaningAborted, UncleanableError } from './log/compaction.ts'
import { cleanLog } from './log/log-cleaning.ts'
import { CorruptLogError } from './log/log-reader.ts'
import type { LogServices } from './log/log-services.ts'
import type { StoredLog } from './stored-log.ts'

/** Settings of compaction, under their Kafka names in camel case. */
export interface LogCleanerSettings {
  readonly logCleanerEnable: boolean
  readonly logCleanerBackoffMs: number
  readonly logCleanerDedupeBufferSize: number
  readonly logCleanerIoMaxBytesPerSecond: number
}

interface Candidate {
  readonly stored: StoredLog
  readonly plan: CleaningPlan
}

/**
 * Compacts logs with cleanup.policy=compact, the one with the largest share of new bytes first, one at a time, no faster
 * than log.cleaner.io.max.bytes.per.second. Source: LogCleaner, LogCleanerManager.
 */
export class LogCleaner {
  readonly #host: Host
  readonly #settings: LogCleanerSettings
  readonly #services: LogServices
  readonly #logs: () => Iterable<StoredLog>
  /** By log directory, then by `topic-0`. */
  readonly #cleanedUpTo = new Map<string, Map<string, { topic: string; partition: number; offset: number }>>()
  /** Logs that cannot be compacted, since their records cannot be read: left alone until the next start. */
  readonly #uncleanable = new WeakSet<StoredLog>()
  #running: Promise<void> = Promise.resolve()
  #isStopped = false
  /** Ends a pause. */
  #wake: () => void = () => {}
  /** Bytes that may be read or written before the next pause. */
  #allowance = 0
  #allowanceSinceMs = 0

  constructor(parts: {
    readonly host: Host
    readonly settings: LogCleanerSettings
    readonly services: LogServices
    readonly logs: () => Iterable<StoredLog>
  }) {
    this.#host = parts.host
    this.#settings = parts.settings
    this.#services = parts.services
    this.#logs = parts.logs
  }

  /** Looks for work; resolves once nothing is left to do. At most one run at a time. */
  run(): Promise<void> {
    const run = this.#running.then(() => this.#cleanAll())
    // Whoever called hears of a failure; the next run starts all the same.
    this.#running = run.catch(() => {})
    return run
  }

  /** Ends after what is under way. */
  stop(): Promise<void> {
    this.#isStopped = true
    this.#wake()
    return this.#running
  }

  async #cleanAll(): Promise<void> {
    for (let next = this.#dirtiest(); next !== undefined && !this.#isStopped; next = this.#dirtiest()) {
      if (!(await this.#clean(next))) return
    }
  }

  #dirtiest(): Candidate | undefined {
    if (!this.#settings.logCleanerEnable) return undefined
    let dirtiest: Candidate | undefined
    for (const stored of this.#logs()) {
      const plan = this.#planFor(stored)
      if (plan === undefined || !plan.isDue) continue
      if (dirtiest === undefined || plan.dirtyRatio > dirtiest.plan.dirtyRatio) dirtiest = { stored, plan }
    }
    return dirtiest
  }

  #planFor(stored: StoredLog): CleaningPlan | undefined {
    if (!stored.config.cleanupPolicy.includes('compact') || this.#uncleanable.has(stored)) return undefined
    if (stored.failure !== undefined) return undefined
    const log = stored.open()
    if (log.failure !== undefined || log.isClosed) return undefined
    const { flushedEndOffset, logStartOffset, logEndOffset } = log
    return planCleaning(log.segments, log.config, {
      nowMs: this.#host.clock.nowMs(),
      logStartOffset,
      logEndOffset,
      recoveryPoint: log.recoveryPoint,
      lastStableOffset: log.firstUnstableOffset(flushedEndOffset) ?? flushedEndOffset,
      cleanedUpTo: this.#offsetsOf(stored.logDirectory).get(stored.name)?.offset,
    })
  }

  /** False where it makes no sense to go on now. */
  async #clean({ stored, plan }: Candidate): Promise<boolean> {
    const log = stored.open()
    const before = log.sizeBytes
    const { logger } = this.#services
    try {
      // Recovery must not look for offsets that compaction takes away.
      this.#services.saveRecoveryPoints()
      const offset = await cleanLog(log, plan, {
        services: this.#services,
        dedupeBytes: this.#settings.logCleanerDedupeBufferSize,
        throttle: (sizeBytes) => this.#throttle(sizeBytes),
        isStopped: () => this.#isStopped,
      })
      this.#note(stored, offset)
      logger.info({ partition: stored.name, upToOffset: offset, before, after: log.sizeBytes }, 'compacted a log')
      return offset > plan.firstDirtyOffset
    } catch (error) {
      if (error instanceof CleaningAborted) return !this.#isStopped
      const isUncleanable = error instanceof UncleanableError || error instanceof CorruptLogError
      if (!isUncleanable && (error as NodeJS.ErrnoException).code === undefined) throw error
      if (isUncleanable) this.#uncleanable.add(stored)
      logger.error({ partition: stored.name, reason: (error as Error).message }, 'a log cannot be compacted')
      return isUncleanable
    }
  }

  /** The most that may be used in a second is given at the start of each. */
  async #throttle(sizeBytes: number): Promise<void> {
    const perSecond = this.#settings.logCleanerIoMaxBytesPerSecond
    if (!Number.isFinite(perSecond) || perSecond >= Number.MAX_SAFE_INTEGER) return
    const nowMs = this.#host.clock.monotonicMs()
    this.#allowance = Math.min(perSecond, this.#allowance + ((nowMs - this.#allowanceSinceMs) * perSecond) / 1000)
    this.#allowanceSinceMs = nowMs
    this.#allowance -= sizeBytes
    if (this.#allowance >= 0) return
    const pauseMs = (-this.#allowance * 1000) / perSecond
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      this.#host.timers.after(pauseMs, resolve)
    })
  }

  #offsetsOf(directory: string) {
    let offsets = this.#cleanedUpTo.get(directory)
    if (offsets === undefined) {
      const { files } = this.#host
      const text = files.readWhole(files.join(directory, CLEANER_OFFSET_FILE))?.toString('utf8')
      const entries = text === undefined ? [] : (parseOffsets(text) ?? [])
      offsets = new Map(entries.map((entry) => [`${entry.topic}-${entry.partition}`, entry]))
      this.#cleanedUpTo.set(directory, offsets)
    }
    return offsets
  }

  /** Not above what is on the disk for sure: after a crash the log may end below it, and then it means nothing. */
  #note(stored: StoredLog, offset: number): void {
    const offsets = this.#offsetsOf(stored.logDirectory)
    const { topic, partition, name, logDirectory } = stored
    offsets.set(name, { topic, partition, offset })
    this.#save(logDirectory, offsets.values())
  }

  /** The logs of these names in the directory are gone: what gets their names is not compacted. */
  forget(names: Iterable<string>, directory: string): void {
    const kept = new Map(this.#offsetsOf(directory))
    let changes = false
    for (const name of names) if (kept.delete(name)) changes = true
    if (!changes) return
    this.#save(directory, kept.values())
    this.#cleanedUpTo.set(directory, kept)
  }

  #save(directory: string, offsets: Iterable<PartitionOffset>): void {
    const { files } = this.#host
    files.replaceWhole(files.join(directory, CLEANER_OFFSET_FILE), formatOffsets([...offsets]))
  }
}
