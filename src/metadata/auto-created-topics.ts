import type { BrokerSettings } from '../config/broker-configs.ts'
import type { NewTopic } from './metadata-store.ts'

/** The topic that comes to be when somebody names one that is not there. Source: DefaultAutoTopicCreationManager. */
export function autoCreatedTopic(name: string, broker: BrokerSettings): NewTopic {
  const unplaced = { name, assignments: new Map(), validateOnly: false }
  switch (name) {
    case '__consumer_offsets':
      return {
        ...unplaced,
        partitionCount: broker.offsetsTopicNumPartitions,
        replicationFactor: broker.offsetsTopicReplicationFactor,
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
        replicationFactor: broker.transactionStateLogReplicationFactor,
        configs: new Map([
          ['unclean.leader.election.enable', 'false'],
          ['compression.type', 'uncompressed'],
          ['cleanup.policy', 'compact'],
          ['min.insync.replicas', String(broker.transactionStateLogMinIsr)],
          ['segment.bytes', String(broker.transactionStateLogSegmentBytes)],
        ]),
      }
    case '__share_group_state':
      return {
        ...unplaced,
        partitionCount: broker.shareCoordinatorStateTopicNumPartitions,
        replicationFactor: broker.shareCoordinatorStateTopicReplicationFactor,
        configs: new Map([
          ['cleanup.policy', 'delete'],
          ['compression.type', 'producer'],
          ['segment.bytes', String(broker.shareCoordinatorStateTopicSegmentBytes)],
          ['retention.ms', '-1'],
          ['min.insync.replicas', String(broker.shareCoordinatorStateTopicMinIsr)],
        ]),
      }
    default:
      return { ...unplaced, partitionCount: -1, replicationFactor: -1, configs: new Map() }
  }
}
