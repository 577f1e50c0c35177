import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import type { AppendContext, AppendOrigin, AppendRejection, AppendResult } from '../partition-log.ts'
import type { Segment } from '../segment/segment.ts'
import { shouldRoll } from '../segment/segment-roll.ts'
import { lastOffsetOf, leaderEpochOf } from '../segment/stored-batch.ts'
import type { Sliced } from '../sliced-work.ts'
import type { Tail } from '../tail.ts'
import type { WriteQueue } from '../write-queue.ts'
import type { LogFlush } from './log-flush.ts'
import type { LogServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import type { CompletedTransaction } from './producer-append.ts'
import { type DuplicateAppend, originalOffsets, type ProducerChanges } from './producer-state.ts'
import { type ContentAccess, slicedAccess } from './scan-records.ts'
import type { SegmentList } from './segment-list.ts'
import { type ValidatedBatches, validateBatches, validateInSlices } from './validate-batches.ts'

/** Parts of a log that an append uses. */
interface AppendedParts {
  readonly state: LogState
  readonly segments: SegmentList
  readonly tail: Tail
  readonly queue: WriteQueue
  readonly flush: LogFlush
}

/** A staged append. */
export interface StagedAppend {
  readonly result: AppendResult
  readonly needsSync: boolean
  /** As stored. 0 for a duplicate. */
  readonly sizeBytes: number
}

/**
 * Validates and stages appends. In one turn it assigns offsets, rolls the segment, updates producers, indexes and tail
 * in memory, and adds the bytes to the write queue. Source: UnifiedLog.append.
 */
export class LogAppend {
  readonly #parts: AppendedParts
  readonly #services: LogServices
  /** End offset of the last sync requested because of flush.messages. */
  #syncRequestedUpTo: number
  /** How clients' batches are decompressed. */
  readonly #access: ContentAccess

  constructor(parts: AppendedParts, services: LogServices) {
    this.#parts = parts
    this.#services = services
    this.#syncRequestedUpTo = parts.state.logEndOffset
    this.#access = slicedAccess(services.host.offload, services.slicedWork)
  }

  /** Adapts to a log truncated to the offset. */
  cutTo(offset: number): void {
    this.#services.tailMemory.forget(this.#parts.tail)
    this.#syncRequestedUpTo = Math.min(this.#syncRequestedUpTo, offset)
  }

  /**
   * Validates batches for an append. Takes the first step at once; small batches need no more, and those of the broker
   * itself are done at once.
   */
  *validate(records: Buffer, context: AppendContext): Sliced<ValidatedBatches | AppendRejection> {
    const { config, name } = this.#parts.state
    if (context.origin === 'coordinator') return validateBatches(records, config, context, name)
    return yield* validateInSlices(records, config, context, name, this.#access)
  }

  /** Stages nothing and throws the disk's error if a new segment is needed and cannot be created. */
  stage(plan: ValidatedBatches, context: AppendContext): StagedAppend | AppendRejection {
    const { state } = this.#parts
    const refusal = this.#checkSize(plan, context) ?? this.#placeBatches(plan, context)
    if (refusal !== undefined) return refusal
    const changes = state.producers.check(plan.batches, context)
    if (isRejection(changes)) return changes
    return 'duplicate' in changes ? this.#answerDuplicate(changes) : this.#carryOut(plan, changes, context)
  }

  /** What the log of the leader holds was within its limits once, whatever they are now. */
  #checkSize(plan: ValidatedBatches, { origin }: AppendContext): Rejection | undefined {
    const { config, name } = this.#parts.state
    if (plan.sizeBytes <= config.segmentBytes || origin === 'replication') return undefined
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

  /** Answers a retry like the original, and not before it: the original may not be in the file yet. */
  #answerDuplicate(duplicate: DuplicateAppend): StagedAppend {
    const { timestampMs } = duplicate.duplicate
    const { logStartOffset } = this.#parts.state
    const result = {
      ...originalOffsets(duplicate),
      // The producer's timestamp or the broker's. Source: UnifiedLog.append.
      logAppendTimeMs: timestampMs,
      logStartOffset,
      duplicate: true,
    }
    return { result, needsSync: false, sizeBytes: 0 }
  }

  #carryOut(plan: ValidatedBatches, changes: ProducerChanges, context: AppendContext): StagedAppend {
    const { state } = this.#parts
    const first = plan.batches[0]
    const last = plan.batches.at(-1)
    // The first offset of old formats is not in the header.
    const baseOffset = first === undefined || first.isLegacy ? state.logEndOffset : first.baseOffset
    const lastOffset = last === undefined ? state.logEndOffset - 1 : lastOffsetOf(last)
    if (first !== undefined) {
      const segment = this.#maybeRoll(plan, baseOffset, lastOffset, context.nowMs)
      const lease = plan.rewritten ? undefined : context.lease
      for (const batch of plan.batches) this.#stageBatch(segment, batch, lease, context.origin)
      const noteAborted = (completed: CompletedTransaction, lastStableOffset: number) => {
        if (completed.aborted) segment.transactionIndex.append({ lastStableOffset, ...completed })
      }
      state.producers.apply(changes, noteAborted, state.stagedBytes)
      state.staged(lastOffset + 1, plan.sizeBytes)
    }
    const { logAppendTimeMs } = plan
    const { logStartOffset } = state
    const result = { baseOffset, lastOffset, logAppendTimeMs, logStartOffset, duplicate: false }
    return { result, needsSync: this.#takesSync(), sizeBytes: plan.sizeBytes }
  }

  #stageBatch(segment: Segment, batch: RecordBatch, lease: AppendContext['lease'], origin: AppendOrigin): void {
    const { state, flush, queue, tail } = this.#parts
    const { tailMemory } = this.#services
    const { baseOffset, bytes } = batch
    const leaderEpoch = leaderEpochOf(batch)
    if (leaderEpoch !== undefined) state.epochs.assign(leaderEpoch, baseOffset)
    flush.noteChange(segment)
    queue.add(segment.logPath, segment.sizeBytes, bytes, lease)
    segment.stage(batch)
    // No consumer reads a copy: it must not drive out the newest batches of other logs.
    if (origin === 'replication') tailMemory.forget(tail)
    else tailMemory.keep(tail, baseOffset, batch.lastOffset, bytes, lease)
  }

  /** True if flush.messages demands a sync after this append. */
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
    if (!shouldRoll(active, state.config, question)) return active
    // An empty segment takes any append, except offsets that its indexes cannot represent.
    if (active.sizeBytes === 0 && active.holdsOffset(lastOffset)) return active
    return this.roll(Math.max(baseOffset, state.logEndOffset))
  }

  /** Starts a new segment. Flushes the previous ones in the background, as they will not change again. */
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

/** Assigns consecutive offsets to the batches, starting at the offset. */
function assignOffsets(batches: readonly RecordBatch[], offset: number, leaderEpoch: number): void {
  let next = offset
  for (const batch of batches) {
    batch.baseOffset = next
    batch.partitionLeaderEpoch = leaderEpoch
    next = batch.nextOffset
  }
}
