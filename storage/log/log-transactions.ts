import type { AbortedTransaction } from '../partition-log.ts'
import { CorruptIndexError } from '../segment/entry-file.ts'
import type { Segment } from '../segment/segment.ts'
import type { LastOfProducer } from './compaction.ts'
import type { LogServices } from './log-services.ts'
import type { LogState } from './log-state.ts'
import { rebuildOf } from './log-truncation.ts'
import { rebuildTransactionIndex } from './rebuild-producers.ts'
import type { SegmentList } from './segment-list.ts'

/** Parts of a log with data about producers. */
interface TransactionParts {
  readonly state: LogState
  readonly segments: SegmentList
}

/** Aborted transactions that overlap [fromOffset, toOffset). Rebuilds a damaged index first. */
export function abortedTransactions(
  parts: TransactionParts,
  services: LogServices,
  fromOffset: number,
  toOffset: number,
): AbortedTransaction[] {
  const found: AbortedTransaction[] = []
  for (const segment of parts.segments.from(fromOffset)) {
    ensureTransactionIndex(parts, services, segment)
    if (segment.transactionIndex.collect(fromOffset, toOffset, found)) break
  }
  return found
}

function ensureTransactionIndex({ state, segments }: TransactionParts, services: LogServices, segment: Segment): void {
  try {
    segment.transactionIndex.check()
  } catch (error) {
    if (!(error instanceof CorruptIndexError)) throw error
    services.logger.warn({ reason: error.message }, 'a transaction index is corrupt and is rebuilt from the log')
    rebuildTransactionIndex(rebuildOf(state, segments, services), segment)
  }
}

/** Last batch of each producer, which compaction keeps. */
export function lastOfProducers({ producers }: LogState): Map<number, LastOfProducer> {
  const last = new Map<number, LastOfProducer>()
  for (const { producerId, producerEpoch, lastBatch } of producers.entries) {
    last.set(producerId, { lastDataOffset: lastBatch?.lastOffset ?? -1, producerEpoch })
  }
  return last
}
