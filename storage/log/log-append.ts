import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import type { AppendContext, AppendRejection, AppendResult } from '../partition-log.ts'
import type { Segment } from '../segment/segment.ts'
import type { Sliced } from '../sliced-work.ts'
import type { Tail } from '../tail.ts'
import type { WriteQueue } from '../write-queue.ts'
import type { LogFlush } from './log-flush.ts'
import type { LogServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import { type DuplicateAppend, originalOffsets, type ProducerChanges } from './producer-state.ts'
import type { SegmentList } from './segment-list.ts'
import { atOnce, type ContentAccess, type ValidatedBatches, validateInSlices } from './validate-batches.ts'

/** Parts of a log that an append has to do with. */
interface AppendedParts {
  readonly state: LogState
  readonly segments: SegmentList
  readonly tail: Tail
  readonly queue: WriteQueue
  readonly flush: LogFlush
}

/**
 * Content of a batch that is decompressed at once: half a millisecond with most codecs, less than what a turn of the loop
 * and a thread cost it. Measured in docs/performance.md.
 */
const AT_ONCE_BYTES = 131_072

/** An append that has its place in the log. */
export interface StagedAppend {
  readonly result: AppendResult
  readonly needsSync: boolean
}

/**
 * Decides about appends and stages them: offsets, segment, producers, indexes and tail in memory, bytes in the write queue,
 * all in one turn. Source: UnifiedLog.append.
 */
export class LogAppend {
  readonly #parts: AppendedParts
  readonly #services: LogServices
  /** End of what the last sync asked for by flush.messages covers. */
  #syncRequestedUpTo: number
  /** How batches of clients are decompressed. */
  readonly #access: ContentAccess

  constructor(parts: AppendedParts, services: LogServices) {
    this.#parts = parts
    this.#services = services
    this.#syncRequestedUpTo = parts.state.logEndOffset
    const { host, slicedWork } = services
    this.#access = {
      offload: host.offload,
      get atOnceBytes() {
        return Math.min(AT_ONCE_BYTES, slicedWork.roomInTurn)
      },
      noteAtOnce: (bytes) => slicedWork.noteInTurn(bytes),
    }
  }

  /** The log ends at the offset now. */
  cutTo(offset: number): void {
    this.#services.tailMemory.forget(this.#parts.tail)
    this.#syncRequestedUpTo = Math.min(this.#syncRequestedUpTo, offset)
  }

  /** Looks into batches that are to be appended; the first step is taken at once, and is all where they are small. */
  validate(records: Buffer, context: AppendContext): Sliced<ValidatedBatches | AppendRejection> {
    const { state } = this.#parts
    const access = context.origin === 'client' ? this.#access : atOnce
    return validateInSlices(records, state.config, context, state.name, access)
  }

  /** Throws what the disk says where a new segment is needed and cannot be made: nothing is staged then. */
  stage(plan: ValidatedBatches, context: AppendContext): StagedAppend | AppendRejection {
    const { state } = this.#parts
    const refusal = this.#checkSize(plan) ?? this.#placeBatches(plan, context)
    if (refusal !== undefined) return refusal
    const changes = state.producers.check(plan.batches, context)
    if (isRejection(changes)) return changes
    return 'duplicate' in changes ? this.#answerDuplicate(changes) : this.#carryOut(plan, changes, context)
  }

  #checkSize(plan: ValidatedBatches): Rejection | undefined {
    const { config, name } = this.#parts.state
    if (plan.sizeBytes <= config.segmentBytes) return undefined
    return reject(
      'RECORD_LIST_TOO_LARGE',
      `Message batch size is ${plan.sizeBytes} bytes in append to partition ${name}, which exceeds the maximum configured segment size of ${config.segmentBytes}.`,
    )
  }

  #placeBatches({ batches }: ValidatedBatches, context: AppendContext): Rejection | undefined {
    const { logEndOffset, name } = this.#parts.state
    if (context.origin !== 'replication') assignOffsets(batches, logEndOffset, context.leaderEpoch)
    else if ((batches[0]?.baseOffset ?? logEndOffset) < logEndOffset) {
      return reject('OFFSET_OUT_OF_RANGE', `Unexpected offset in append to ${name}: the next is ${logEndOffset}`)
    }
    return undefined
  }

  /** A retry is answered like the original, and not before it: the original may still be on its way to the file. */
  #answerDuplicate(duplicate: DuplicateAppend): StagedAppend {
    const { timestampMs } = duplicate.duplicate
    const { logStartOffset } = this.#parts.state
    const result = {
      ...originalOffsets(duplicate),
      // Whoever stamped it. Source: UnifiedLog.append.
      logAppendTimeMs: timestampMs,
      logStartOffset,
      duplicate: true,
    }
    return { result, needsSync: false }
  }

  #carryOut(plan: ValidatedBatches, changes: ProducerChanges, context: AppendContext): StagedAppend {
    const { state } = this.#parts
    const first = plan.batches[0]
    const baseOffset = first?.baseOffset ?? state.logEndOffset
    const lastOffset = plan.batches.at(-1)?.lastOffset ?? state.logEndOffset - 1
    if (first !== undefined) {
      const segment = this.#maybeRoll(plan, baseOffset, lastOffset, context.nowMs)
      const lease = plan.rewritten ? undefined : context.lease
      for (const batch of plan.batches) this.#stageBatch(segment, batch, lease)
      state.producers.apply(changes, (completed, lastStableOffset) => {
        if (completed.aborted) segment.transactionIndex.append({ ...completed, lastStableOffset })
      })
      state.staged(lastOffset + 1)
    }
    const { logAppendTimeMs } = plan
    const { logStartOffset } = state
    const result = { baseOffset, lastOffset, logAppendTimeMs, logStartOffset, duplicate: false }
    return { result, needsSync: this.#takesSync() }
  }

  #stageBatch(segment: Segment, batch: RecordBatch, lease: AppendContext['lease']): void {
    const { state, flush, queue, tail } = this.#parts
    const { baseOffset, lastOffset, partitionLeaderEpoch, bytes } = batch
    if (partitionLeaderEpoch >= 0) state.epochs.assign(partitionLeaderEpoch, baseOffset)
    flush.noteChange(segment)
    queue.add(segment.logPath, segment.sizeBytes, bytes, lease)
    segment.stage(batch)
    this.#services.tailMemory.keep(tail, baseOffset, lastOffset, bytes, lease)
  }

  /** True where flush.messages asks for a sync after this append. */
  #takesSync(): boolean {
    const { logEndOffset, config } = this.#parts.state
    if (logEndOffset - this.#syncRequestedUpTo < config.flushMessages) return false
    this.#syncRequestedUpTo = logEndOffset
    return true
  }

  #maybeRoll(plan: ValidatedBatches, baseOffset: number, lastOffset: number, nowMs: number): Segment {
    const { state, segments } = this.#parts
    const { active } = segments
    const question = { appendBytes: plan.sizeBytes, maxTimestamp: plan.maxTimestamp, lastOffset, nowMs }
    if (!active.shouldRoll(state.config, question)) return active
    // An empty segment takes anything, but for offsets that its indexes cannot hold.
    if (active.sizeBytes === 0 && active.holdsOffset(lastOffset)) return active
    return this.roll(Math.max(baseOffset, state.logEndOffset))
  }

  /** Starts a new segment. What is behind it is flushed in the background, as it will not change again. */
  roll(baseOffset: number): Segment {
    const { state, segments, flush } = this.#parts
    const { active } = segments
    if (active.baseOffset === baseOffset) return active
    flush.noteUnsynced(active)
    const segment = segments.roll(baseOffset, state.producers.entries)
    flush.noteNewFiles(segment)
    flush.start(baseOffset)
    return segment
  }
}

/** Batches follow each other from the offset on. */
function assignOffsets(batches: readonly RecordBatch[], offset: number, leaderEpoch: number): void {
  let next = offset
  for (const batch of batches) {
    batch.baseOffset = next
    batch.partitionLeaderEpoch = leaderEpoch
    next = batch.nextOffset
  }
}
