import {
  array,
  bytes,
  coordinatorRecord,
  int8,
  int32,
  int64,
  int64Exact,
  type MessageOf,
  string,
  struct,
  uuid,
} from '../schema.ts'

/** Epoch of a group of the new protocol (KIP-848). The hash covers the subscribed topics. */
export const ConsumerGroupMetadataRecord = coordinatorRecord({
  type: 3,
  name: 'ConsumerGroupMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string() },
  value: {
    epoch: int32(),
    metadataHash: int64Exact({ tag: 0, default: 0n }),
  },
})
export type ConsumerGroupMetadataKey = MessageOf<typeof ConsumerGroupMetadataRecord.key>
export type ConsumerGroupMetadataValue = MessageOf<typeof ConsumerGroupMetadataRecord.value>

/**
 * Partitions and racks of the subscribed topics. Replaced by the hash in ConsumerGroupMetadata: Kafka 4.1 and later
 * only write its tombstone.
 */
export const ConsumerGroupPartitionMetadataRecord = coordinatorRecord({
  type: 4,
  name: 'ConsumerGroupPartitionMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string() },
  value: {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({ partition: int32(), racks: array(string()) }),
    }),
  },
})
export type ConsumerGroupPartitionMetadataKey = MessageOf<typeof ConsumerGroupPartitionMetadataRecord.key>
export type ConsumerGroupPartitionMetadataValue = MessageOf<typeof ConsumerGroupPartitionMetadataRecord.value>

/** Data that a member sent about itself. */
export const ConsumerGroupMemberMetadataRecord = coordinatorRecord({
  type: 5,
  name: 'ConsumerGroupMemberMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), memberId: string() },
  value: {
    instanceId: string({ nullable: '0+' }),
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string({ nullable: '0+' }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: string({ nullable: '0+' }),
    // Null unless the member uses the classic protocol. If absent it defaults to an empty one, so write null
    // explicitly.
    classicMemberMetadata: struct(
      { sessionTimeoutMs: int32(), supportedProtocols: array({ name: string(), metadata: bytes() }) },
      { tag: 0, nullable: '0+' },
    ),
  },
})
export type ConsumerGroupMemberMetadataKey = MessageOf<typeof ConsumerGroupMemberMetadataRecord.key>
export type ConsumerGroupMemberMetadataValue = MessageOf<typeof ConsumerGroupMemberMetadataRecord.value>

/** Epoch of the latest target assignment. */
export const ConsumerGroupTargetAssignmentMetadataRecord = coordinatorRecord({
  type: 6,
  name: 'ConsumerGroupTargetAssignmentMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string() },
  value: {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ tag: 0, default: 0, ignorable: true }),
  },
})
export type ConsumerGroupTargetAssignmentMetadataKey = MessageOf<typeof ConsumerGroupTargetAssignmentMetadataRecord.key>
export type ConsumerGroupTargetAssignmentMetadataValue = MessageOf<
  typeof ConsumerGroupTargetAssignmentMetadataRecord.value
>

/** Target assignment of a member. */
export const ConsumerGroupTargetAssignmentMemberRecord = coordinatorRecord({
  type: 7,
  name: 'ConsumerGroupTargetAssignmentMember',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), memberId: string() },
  value: {
    topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
  },
})
export type ConsumerGroupTargetAssignmentMemberKey = MessageOf<typeof ConsumerGroupTargetAssignmentMemberRecord.key>
export type ConsumerGroupTargetAssignmentMemberValue = MessageOf<typeof ConsumerGroupTargetAssignmentMemberRecord.value>

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
  // One per partition; empty in a record from before these epochs existed.
  assignmentEpochs: array(int32(), { tag: 0, nullable: '0+' }),
}

/** Current assignment of a member, and the partitions that it has yet to revoke. */
export const ConsumerGroupCurrentMemberAssignmentRecord = coordinatorRecord({
  type: 8,
  name: 'ConsumerGroupCurrentMemberAssignment',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), memberId: string() },
  value: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitions),
    partitionsPendingRevocation: array(topicPartitions),
  },
})
export type ConsumerGroupCurrentMemberAssignmentKey = MessageOf<typeof ConsumerGroupCurrentMemberAssignmentRecord.key>
export type ConsumerGroupCurrentMemberAssignmentValue = MessageOf<
  typeof ConsumerGroupCurrentMemberAssignmentRecord.value
>

/** Topics that currently match a regular expression of the group. */
export const ConsumerGroupRegularExpressionRecord = coordinatorRecord({
  type: 16,
  name: 'ConsumerGroupRegularExpression',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), regularExpression: string() },
  value: {
    topics: array(string()),
    version: int64(),
    timestamp: int64(),
  },
})
export type ConsumerGroupRegularExpressionKey = MessageOf<typeof ConsumerGroupRegularExpressionRecord.key>
export type ConsumerGroupRegularExpressionValue = MessageOf<typeof ConsumerGroupRegularExpressionRecord.value>
