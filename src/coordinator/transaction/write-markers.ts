import { type ErrorName, isRejection } from '../../../protocol/error-codes.ts'
import { buildEndTransactionBatch } from '../../../protocol/records/control-records.ts'
import type { Host } from '../../../storage/host/host.ts'
import type { Logger } from '../../observe/logger.ts'
import { partitionFailure } from '../../partition/partition-failure.ts'
import type { FoundPartition, PartitionRegistry } from '../../partition/partition-registry.ts'
import type { GroupCoordinator } from '../group/group-coordinator.ts'
import { GROUP_TOPIC } from '../group/open-group-coordinator.ts'
import type { TransactionEnd } from '../state-log.ts'

/** Parts of a broker that write markers. */
export interface MarkerWriterParts {
  readonly host: Pick<Host, 'fatal'>
  readonly logger: Logger
  readonly partitions: PartitionRegistry
  readonly groups: GroupCoordinator
}

/** Writes the ends of transactions into partitions that this broker leads. Source: handleWriteTxnMarkersRequest. */
export class MarkerWriter {
  readonly #parts: MarkerWriterParts
  #last: { readonly end: TransactionEnd | undefined; readonly nowMs: number; readonly marker: Buffer } = {
    end: undefined,
    nowMs: 0,
    marker: Buffer.alloc(0),
  }

  constructor(parts: MarkerWriterParts) {
    this.#parts = parts
  }

  /** Writes one marker. NONE once it is as durable as the settings ask. */
  write(topic: string, partition: number, end: TransactionEnd, nowMs: number): Promise<ErrorName> {
    return topic === GROUP_TOPIC ? this.#endInGroups(partition, end) : this.#endIn(topic, partition, end, nowMs)
  }

  async #endInGroups(partition: number, end: TransactionEnd): Promise<ErrorName> {
    const { partitions, groups } = this.#parts
    if (!partitions.isKnown(GROUP_TOPIC, partition)) return 'UNKNOWN_TOPIC_OR_PARTITION'
    const outcome = await groups.endTransaction(partition, end)
    if (!isRejection(outcome)) return 'NONE'
    // The transaction coordinator does not expect these: it looks for the leader again.
    return isCoordinatorError(outcome.error) ? 'NOT_LEADER_OR_FOLLOWER' : outcome.error
  }

  async #endIn(topic: string, index: number, end: TransactionEnd, nowMs: number): Promise<ErrorName> {
    const found = this.#parts.partitions.leaderFor(topic, index)
    const partition: FoundPartition = found instanceof Promise ? await found : found
    if (isRejection(partition)) return partition.error
    try {
      const { leaderEpoch } = partition
      const { transactionVersion } = end
      const marker = Buffer.from(this.#markerOf(end, nowMs))
      const options = { origin: 'coordinator', acks: -1, leaderEpoch, nowMs, transactionVersion } as const
      const result = await partition.append(marker, options)
      return isRejection(result) ? result.error : 'NONE'
    } catch (error) {
      return partitionFailure(this.#parts, `${topic}-${index}`, error)
    }
  }

  /** The marker of all partitions of one transaction: each log gets a copy. */
  #markerOf(end: TransactionEnd, nowMs: number): Buffer {
    const { producerId, producerEpoch, coordinatorEpoch, result } = end
    if (this.#last.end !== end || this.#last.nowMs !== nowMs) {
      const type = result === 'commit' ? 'COMMIT' : 'ABORT'
      const producer = { producerId, producerEpoch, timestampMs: nowMs }
      this.#last = { end, nowMs, marker: buildEndTransactionBatch({ type, coordinatorEpoch }, producer) }
    }
    return this.#last.marker
  }
}

function isCoordinatorError(error: ErrorName): boolean {
  return ['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS', 'NOT_COORDINATOR'].includes(error)
}
