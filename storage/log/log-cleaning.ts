import type { ContentWork } from '../../protocol/records/conversion.ts'
import {
  BATCH_HEADER_BYTES,
  batchesOf,
  batchSizeAt,
  HEADER_BYTES_UP_TO_MAGIC,
  RecordBatch,
} from '../../protocol/records/record-batch.ts'
import type { Steps } from '../../protocol/steps.ts'
import type { Disk } from '../disk.ts'
import { isPresent } from '../file-presence.ts'
import { CLEANED_SUFFIX } from '../segment/file-names.ts'
import { Segment } from '../segment/segment.ts'
import { lastOffsetOf } from '../segment/stored-batch.ts'
import { syncFile } from '../write-queue.ts'
import { type CleaningPlan, groupSegments } from './cleaning-plan.ts'
import { CleaningAborted, type CompactionPass, compactBatch, noteKeys, UncleanableError } from './compaction.ts'
import type { Log } from './log.ts'
import { CorruptLogError, readAside } from './log-reader.ts'
import type { LogServices } from './log-services.ts'
import { OffsetMap } from './offset-map.ts'
import { type ContentAccess, contentWork, slicedAccess, withPlace } from './scan-records.ts'
import { TransactionFilter } from './transaction-filter.ts'

/** Resources and limits of a compaction pass. */
export interface CleaningContext {
  readonly services: LogServices
  /** Memory for keys (log.cleaner.dedupe.buffer.size), and its load factor. */
  readonly dedupeBytes: number
  readonly dedupeLoadFactor: number
  /** Bytes read and written at a time (log.cleaner.io.buffer.size). Other work may run in between. */
  readonly chunkBytes: number
  /** Waits until that many more bytes may be read or written. */
  throttle(sizeBytes: number): Promise<void>
  /** True once the broker stops. */
  isStopped(): boolean
}

/**
 * Compacts the part of a log that the plan names, while appends and reads go on. Only the renames of the new files
 * happen in one turn. Returns the offset up to which the log is compacted now. It is below the plan's end if the memory
 * for keys was full. Source: Cleaner.doClean.
 */
export async function cleanLog(log: Log, plan: CleaningPlan, context: CleaningContext): Promise<number> {
  const cleaning = new Cleaning(log, plan, context)
  await cleaning.buildMap()
  await cleaning.rewrite()
  return cleaning.cleanedUpTo
}

class Cleaning {
  cleanedUpTo: number
  readonly #log: Log
  readonly #plan: CleaningPlan
  readonly #context: CleaningContext
  readonly #map: OffsetMap
  readonly #cutCount: number
  readonly #disk: Disk
  readonly #access: ContentAccess
  readonly #work: ContentWork
  /** The segment that is being written. */
  #target: Segment | undefined

  constructor(log: Log, plan: CleaningPlan, context: CleaningContext) {
    this.#log = log
    this.#plan = plan
    this.#context = context
    this.#map = new OffsetMap(context.dedupeBytes, context.dedupeLoadFactor)
    this.#cutCount = log.cutCount
    const { host, disks, slicedWork } = context.services
    this.#disk = disks.of(host.files.join(log.directory, '..'))
    this.#access = slicedAccess(host.offload, slicedWork)
    this.#work = contentWork(this.#access)
    this.cleanedUpTo = plan.firstDirtyOffset
  }

  async buildMap(): Promise<void> {
    const { firstDirtyOffset, endOffset } = this.#plan
    const transactions = new TransactionFilter()
    transactions.add(this.#log.abortedTransactionsNow(firstDirtyOffset, endOffset))
    const note = (batch: RecordBatch) => this.#noteKeys(batch, transactions)
    for (const [segment, segmentEnd] of this.#segmentsBetween(firstDirtyOffset, endOffset)) {
      if (!(await this.#forEachBatch(segment, segment.positionOf(firstDirtyOffset), note))) return
      this.cleanedUpTo = segmentEnd
    }
  }

  /** False: the memory for keys is full. */
  *#noteKeys(batch: RecordBatch, transactions: TransactionFilter): Steps<boolean> {
    const fullAt = yield* noteKeys(batch, this.#map, this.#plan.firstDirtyOffset, transactions, this.#work)
    this.cleanedUpTo = Math.max(this.cleanedUpTo, fullAt ?? lastOffsetOf(batch) + 1)
    return fullAt === undefined
  }

  async rewrite(): Promise<void> {
    const segments = [...this.#segmentsBetween(0, this.cleanedUpTo)].map(([segment]) => segment)
    const { config } = this.#log
    const { services } = this.#context
    const transactions = new TransactionFilter((aborted) => this.#target?.transactionIndex.append(aborted))
    const pass: CompactionPass = {
      map: this.#map,
      latestOffset: this.cleanedUpTo - 1,
      endOffset: this.#plan.endOffset,
      transactions,
      lastOfProducers: this.#log.lastOfProducers(),
      nowMs: services.host.clock.nowMs(),
      deleteRetentionMs: config.deleteRetentionMs,
      keepsLegacyTombstones: false,
    }
    const legacyHorizonMs = this.#legacyHorizonMs(segments, pass.nowMs)
    for (const group of groupSegments(segments, config, this.#plan.endOffset)) {
      await this.#rewriteGroup(group, pass, legacyHorizonMs)
    }
  }

  async #rewriteGroup(group: readonly Segment[], pass: CompactionPass, legacyHorizonMs: number): Promise<void> {
    const { services } = this.#context
    const disk = this.#disk
    const target = new Segment(this.#log.directory, group[0]!.baseOffset, services, {
      isNew: true,
      nowMs: pass.nowMs,
      indexIntervalBytes: this.#log.config.indexIntervalBytes,
      temporary: CLEANED_SUFFIX,
    })
    removeFiles(target, services)
    this.#target = target
    target.indexes.active = true
    try {
      target.createFiles()
      for (const segment of group) {
        const end = this.#endOf(segment)
        pass.transactions.add(this.#log.abortedTransactionsNow(segment.baseOffset, end))
        const keepsLegacyTombstones = segment.retentionTimestampMs > legacyHorizonMs
        await this.#copy(segment, target, { ...pass, keepsLegacyTombstones })
      }
      target.addLastTimestamp()
      await target.indexes.writePendingAside(disk, () => false)
      target.indexes.active = false
      for (const path of target.paths())
        if (isPresent(services.openFiles.files, path)) await syncFile(disk, services.openFiles, path)
      this.#check()
      await this.#log.replaceSegments(group, target, this.#plan.endOffset)
    } catch (error) {
      removeFiles(target, services)
      throw error
    }
  }

  async #copy(segment: Segment, target: Segment, pass: CompactionPass): Promise<void> {
    const output = new Output(target, this.#context)
    const compact = (batch: RecordBatch) => this.#compact(batch, pass, output)
    await this.#forEachBatch(segment, 0, compact, () => output.write())
  }

  *#compact(batch: RecordBatch, pass: CompactionPass, output: Output): Steps<boolean> {
    const left = yield* compactBatch(batch, pass, this.#work)
    if (left !== undefined) output.add(left)
    return true
  }

  /**
   * Reads a segment chunk by chunk, and works on each in slices. Batches are views of the chunk, which is valid until
   * afterChunk has ended. Stops if the work on a batch returns false, and then does so, too.
   */
  async #forEachBatch(
    segment: Segment,
    startPosition: number,
    onBatch: BatchWork,
    afterChunk: () => Promise<void> = async () => {},
  ): Promise<boolean> {
    const { openFiles, pool, slicedWork } = this.#context.services
    let position = startPosition
    let { chunkBytes } = this.#context
    while (position < segment.sizeBytes) {
      const lease = pool.take(Math.min(chunkBytes, segment.sizeBytes - position))
      try {
        const count = await readAside(this.#disk, openFiles, segment.logPath, lease.bytes, position)
        await this.#context.throttle(count)
        this.#check()
        const walk = walkChunk(lease.bytes.subarray(0, count), `${segment.logPath} at position ${position}`, onBatch)
        const seen = await slicedWork.soon(withPlace(this.#access, walk))
        this.#check()
        if (seen.stopped) return false
        const isShort = count < lease.bytes.length || position + seen.neededBytes > segment.sizeBytes
        if (seen.endPosition === 0 && isShort) throw new CorruptLogError(`${segment.logPath} ends within a batch`)
        position += seen.endPosition
        chunkBytes = Math.max(this.#context.chunkBytes, seen.endPosition === 0 ? seen.neededBytes : 0)
        await afterChunk()
      } finally {
        lease.release()
      }
    }
    return true
  }

  #check(): void {
    const isGone = this.#log.cutCount !== this.#cutCount || this.#log.isClosed
    if (isGone || this.#context.isStopped()) throw new CleaningAborted(this.#log.directory)
  }

  *#segmentsBetween(startOffset: number, endOffset: number): Generator<readonly [Segment, number]> {
    for (const segment of this.#log.segments) {
      const end = this.#endOf(segment)
      if (end > startOffset && segment.baseOffset < endOffset) yield [segment, Math.min(end, this.#plan.endOffset)]
    }
  }

  #endOf(segment: Segment): number {
    const { segments } = this.#log
    return segments[segments.indexOf(segment) + 1]?.baseOffset ?? this.#log.logEndOffset
  }

  /**
   * Old-format tombstones are removed delete.retention.ms after the last write to the segment before the dirty part.
   */
  #legacyHorizonMs(segments: readonly Segment[], nowMs: number): number {
    const lastClean = segments.filter((each) => this.#endOf(each) <= this.#plan.firstDirtyOffset).at(-1)
    return lastClean === undefined
      ? 0
      : Math.min(nowMs, lastClean.retentionTimestampMs) - this.#log.config.deleteRetentionMs
  }
}

/** The file of a compacted segment. */
class Output {
  readonly #segment: Segment
  readonly #context: CleaningContext
  #slices: Buffer[] = []
  #sizeBytes = 0
  #position: number

  constructor(segment: Segment, context: CleaningContext) {
    this.#segment = segment
    this.#context = context
    this.#position = segment.sizeBytes
  }

  /** Batches to write. */
  add(bytes: Buffer): void {
    for (const batch of batchesOf(bytes).batches) this.#segment.stage(batch)
    this.#slices.push(bytes)
    this.#sizeBytes += bytes.length
  }

  /** Writes what was added. */
  async write(): Promise<void> {
    if (this.#sizeBytes === 0) return
    const [slices, sizeBytes, position] = [this.#slices, this.#sizeBytes, this.#position]
    this.#slices = []
    this.#sizeBytes = 0
    this.#position += sizeBytes
    const file = this.#context.services.openFiles.pin(this.#segment.logPath)
    try {
      await file.handle.write(slices, position)
    } finally {
      file.unpin()
    }
    await this.#context.throttle(sizeBytes)
  }
}

interface ChunkWalk {
  /** End of the last whole batch. */
  readonly endPosition: number
  /** Bytes from there that the next chunk must hold. */
  readonly neededBytes: number
  readonly stopped: boolean
}

/** Work on one batch; false: the walk is over. */
type BatchWork = (batch: RecordBatch) => Steps<boolean>

function* walkChunk(chunk: Buffer, where: string, onBatch: BatchWork): Steps<ChunkWalk> {
  let position = 0
  for (;;) {
    const size = batchSizeAt(chunk, position)
    if (typeof size === 'string') throw new CorruptLogError(`${where} + ${position}: ${size}`)
    if (size === undefined || position + size > chunk.length) {
      return { endPosition: position, neededBytes: size ?? HEADER_BYTES_UP_TO_MAGIC, stopped: false }
    }
    const batch = new RecordBatch(chunk.subarray(position, position + size))
    if (!batch.isLegacy && size < BATCH_HEADER_BYTES) throw new UncleanableError(`${where} + ${position}: too short`)
    if (!(yield* onReadable(batch, `${where} + ${position}`, onBatch)))
      return { endPosition: position, neededBytes: 0, stopped: true }
    position += size
    if (position === chunk.length) return { endPosition: position, neededBytes: 0, stopped: false }
  }
}

/** Adds the position of the batch to an UncleanableError. */
function* onReadable(batch: RecordBatch, where: string, onBatch: BatchWork): Steps<boolean> {
  try {
    return yield* onBatch(batch)
  } catch (error) {
    throw error instanceof UncleanableError ? new UncleanableError(`${where}: ${error.message}`) : error
  }
}

function removeFiles(segment: Segment, { openFiles, indexCache }: LogServices): void {
  for (const file of segment.indexes.files()) indexCache.forget(file)
  for (const path of segment.paths()) openFiles.whenClosed(path, () => openFiles.files.remove(path))
}
