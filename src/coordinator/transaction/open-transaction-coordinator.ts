import { isRejection, type Rejection } from '../../../protocol/error-codes.ts'
import { inBackground } from '../../../storage/failure-policy.ts'
import type { Host } from '../../../storage/host/host.ts'
import type { Slices } from '../../../storage/host/turn-slices.ts'
import type { ConfigStore } from '../../config/config-store.ts'
import { autoCreatedTopic } from '../../metadata/auto-created-topics.ts'
import type { MetadataStore } from '../../metadata/metadata-store.ts'
import type { Logger } from '../../observe/logger.ts'
import type { PartitionRegistry } from '../../partition/partition-registry.ts'
import type { ProducerIds } from '../../partition/producer-ids.ts'
import type { Deadlines } from '../deadlines.ts'
import { PartitionStateLog } from '../partition-state-log.ts'
import { CoordinatorRuntime } from '../runtime.ts'
import { ShardRuntime, type TimedOperation } from '../shard-runtime.ts'
import { LeaderMarkerDelivery, type MarkerDeliveryParts } from './deliver-markers.ts'
import type { Transaction } from './transaction.ts'
import type { TransactionContext } from './transaction-context.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'
import { TransactionShard } from './transaction-shard.ts'

/** Topic that stores transactional ids. */
export const TRANSACTION_TOPIC = '__transaction_state'

/** Parts of the transaction coordinator: a subset of the broker's services. */
export interface TransactionCoordinatorParts {
  readonly nodeId: number
  readonly host: Host
  /** Slices for loading. */
  readonly slices: Slices
  readonly logger: Logger
  readonly configs: ConfigStore
  readonly metadata: MetadataStore
  readonly partitions: PartitionRegistry
  readonly producerIds: ProducerIds
  /** Writes markers at the brokers that lead partitions. */
  readonly writeMarker: MarkerDeliveryParts['write']
}

/** Creates the broker's transaction coordinator; `start` loads its transactions. */
export function openTransactionCoordinator(parts: TransactionCoordinatorParts): TransactionCoordinator {
  const { nodeId, host, logger, configs, metadata, producerIds } = parts
  const runtime = new CoordinatorRuntime<TransactionShard>({
    nodeId,
    host,
    logger,
    metadata,
    topic: TRANSACTION_TOPIC,
    newTopic: () => autoCreatedTopic(TRANSACTION_TOPIC, configs.broker, metadata.image.brokers.size),
    nowMs: () => host.clock.nowMs(),
    open: (partition) => openShard(parts, partition),
  })
  const fillProducerIds = (): Promise<Rejection | undefined> => producerIds.fill(host.clock.nowMs())
  return new TransactionCoordinator(runtime, () => configs.broker, fillProducerIds)
}

function openShard(parts: TransactionCoordinatorParts, partition: number): ShardRuntime<TransactionShard> {
  const { host, slices, logger, partitions, metadata } = parts
  const coordinatorEpoch = metadata.image.topicsByName.get(TRANSACTION_TOPIC)?.partitions[partition]?.leaderEpoch ?? 0
  const runtime = new ShardRuntime<TransactionShard>({
    host,
    logger,
    name: `${TRANSACTION_TOPIC}-${partition}`,
    log: new PartitionStateLog(() => partitions.leaderFor(TRANSACTION_TOPIC, partition), slices),
    create: (deadlines) => {
      const markers = new LeaderMarkerDelivery({
        host,
        slices,
        logger,
        coordinatorEpoch,
        image: () => metadata.image,
        write: parts.writeMarker,
        complete: (transaction) => completed(runtime, transaction),
      })
      return new TransactionShard(transactionContext(parts, deadlines, markers))
    },
  })
  return runtime
}

/** False if the log takes no records now. Another refusal ends the delivery: the shard is loaded again, or elsewhere. */
export async function completed(
  runtime: ShardRuntime<TransactionShard>,
  { transactionalId, producerId, producerEpoch }: Transaction,
): Promise<boolean> {
  const outcome = await runtime.write((shard) => shard.complete(transactionalId, { producerId, producerEpoch }))
  return !isRejection(outcome) || outcome.error !== 'COORDINATOR_NOT_AVAILABLE'
}

/** Environment of one shard, built from the broker's parts. */
export function transactionContext(
  {
    host,
    logger,
    configs,
    metadata,
    producerIds,
  }: Pick<TransactionCoordinatorParts, 'host' | 'logger' | 'configs' | 'metadata' | 'producerIds'>,
  deadlines: Deadlines<TimedOperation<TransactionShard>>,
  markers: TransactionContext['markers'],
): TransactionContext {
  const nowMs = () => host.clock.nowMs()
  return {
    logger,
    markers,
    timers: { set: (key, delayMs, operation) => deadlines.set(key, delayMs, operation) },
    get config() {
      return configs.broker
    },
    featureLevel: () => metadata.image.features.get('transaction.version') ?? 0,
    takeProducerId: () => {
      const producerId = producerIds.take()
      if (producerId === undefined) inBackground(host, producerIds.fill(nowMs()))
      return producerId
    },
    nowMs,
  }
}
