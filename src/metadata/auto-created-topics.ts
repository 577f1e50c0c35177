import type { BrokerSettings } from '../config/broker-configs.ts'
import type { NewTopic } from './metadata-store.ts'
import { ZOOKEEPER_NODE_TOPIC } from './topic-names.ts'

/** A node of 1 MB, the most that a ZooKeeper client sends, fits into one batch. */
const NODE_BATCH_BYTES = 2 * 1024 * 1024

/**
 * Settings of a topic created automatically. Internal topics get at most as many replicas as there are brokers: Kafka
 * waits for more brokers, which never come here. Source: DefaultAutoTopicCreationManager.
 */
export function autoCreatedTopic(name: string, broker: BrokerSettings, brokerCount: number): NewTopic {
  const atMost = (replicas: number) => Math.min(replicas, Math.max(1, brokerCount))
  const unplaced = { name, assignments: new Map(), validateOnly: false }
  switch (name) {
    case '__consumer_offsets':
      return {
        ...unplaced,
        partitionCount: broker.offsetsTopicNumPartitions,
        replicationFactor: atMost(broker.offsetsTopicReplicationFactor),
        configs: new Map([
          ['cleanup.policy', 'compact'],
          ['compression.type', 'producer'],
          ['segment.bytes', String(broker.offsetsTopicSegmentBytes)],
        ]),
      }
    case '__transaction_state':
      return {
        ...unplaced,
        partitionCount: broker.transactionStateLogNumPartitions,
        replicationFactor: atMost(broker.transactionStateLogReplicationFactor),
        configs: new Map([
          ['unclean.leader.election.enable', 'false'],
          ['compression.type', 'uncompressed'],
          ['cleanup.policy', 'compact'],
          ['min.insync.replicas', String(atMost(broker.transactionStateLogMinIsr))],
          ['segment.bytes', String(broker.transactionStateLogSegmentBytes)],
        ]),
      }
    case '__share_group_state':
      return {
        ...unplaced,
        partitionCount: broker.shareCoordinatorStateTopicNumPartitions,
        replicationFactor: atMost(broker.shareCoordinatorStateTopicReplicationFactor),
        configs: new Map([
          ['cleanup.policy', 'delete'],
          ['compression.type', 'producer'],
          ['segment.bytes', String(broker.shareCoordinatorStateTopicSegmentBytes)],
          ['retention.ms', '-1'],
          ['min.insync.replicas', String(atMost(broker.shareCoordinatorStateTopicMinIsr))],
        ]),
      }
    case ZOOKEEPER_NODE_TOPIC:
      return {
        ...unplaced,
        partitionCount: 1,
        replicationFactor: atMost(broker.offsetsTopicReplicationFactor),
        configs: new Map([
          ['cleanup.policy', 'compact'],
          ['compression.type', 'producer'],
          ['max.message.bytes', String(NODE_BATCH_BYTES)],
          ['segment.bytes', String(broker.offsetsTopicSegmentBytes)],
        ]),
      }
    default:
      return { ...unplaced, partitionCount: -1, replicationFactor: -1, configs: new Map() }
  }
}
