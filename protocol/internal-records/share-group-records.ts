import { array, coordinatorRecord, int8, int32, int64, type MessageOf, string, uuid } from '../schema.ts'

/** Epoch of a share group (KIP-932). */
export const ShareGroupMetadataRecord = coordinatorRecord({
  type: 11,
  name: 'ShareGroupMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string() },
  value: {
    epoch: int32(),
    metadataHash: int64(),
  },
})
export type ShareGroupMetadataKey = MessageOf<typeof ShareGroupMetadataRecord.key>
export type ShareGroupMetadataValue = MessageOf<typeof ShareGroupMetadataRecord.value>

/** Data that a member sent about itself. */
export const ShareGroupMemberMetadataRecord = coordinatorRecord({
  type: 10,
  name: 'ShareGroupMemberMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), memberId: string() },
  value: {
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
  },
})
export type ShareGroupMemberMetadataKey = MessageOf<typeof ShareGroupMemberMetadataRecord.key>
export type ShareGroupMemberMetadataValue = MessageOf<typeof ShareGroupMemberMetadataRecord.value>

/** Epoch of the latest target assignment. */
export const ShareGroupTargetAssignmentMetadataRecord = coordinatorRecord({
  type: 12,
  name: 'ShareGroupTargetAssignmentMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string() },
  value: {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ tag: 0, default: 0, ignorable: true }),
  },
})
export type ShareGroupTargetAssignmentMetadataKey = MessageOf<typeof ShareGroupTargetAssignmentMetadataRecord.key>
export type ShareGroupTargetAssignmentMetadataValue = MessageOf<typeof ShareGroupTargetAssignmentMetadataRecord.value>

/** Target assignment of a member. */
export const ShareGroupTargetAssignmentMemberRecord = coordinatorRecord({
  type: 13,
  name: 'ShareGroupTargetAssignmentMember',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), memberId: string() },
  value: {
    topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
  },
})
export type ShareGroupTargetAssignmentMemberKey = MessageOf<typeof ShareGroupTargetAssignmentMemberRecord.key>
export type ShareGroupTargetAssignmentMemberValue = MessageOf<typeof ShareGroupTargetAssignmentMemberRecord.value>

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
}

/** Current assignment of a member. */
export const ShareGroupCurrentMemberAssignmentRecord = coordinatorRecord({
  type: 14,
  name: 'ShareGroupCurrentMemberAssignment',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), memberId: string() },
  value: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitions),
  },
})
export type ShareGroupCurrentMemberAssignmentKey = MessageOf<typeof ShareGroupCurrentMemberAssignmentRecord.key>
export type ShareGroupCurrentMemberAssignmentValue = MessageOf<typeof ShareGroupCurrentMemberAssignmentRecord.value>

const topicPartitionsInfo = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
}

const topicInfo = {
  topicId: uuid(),
  topicName: string(),
}

/** Partitions for which the share coordinator has state, is initializing it, or is deleting it. */
export const ShareGroupStatePartitionMetadataRecord = coordinatorRecord({
  type: 15,
  name: 'ShareGroupStatePartitionMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string() },
  value: {
    initializingTopics: array(topicPartitionsInfo),
    initializedTopics: array(topicPartitionsInfo),
    deletingTopics: array(topicInfo),
  },
})
export type ShareGroupStatePartitionMetadataKey = MessageOf<typeof ShareGroupStatePartitionMetadataRecord.key>
export type ShareGroupStatePartitionMetadataValue = MessageOf<typeof ShareGroupStatePartitionMetadataRecord.value>
