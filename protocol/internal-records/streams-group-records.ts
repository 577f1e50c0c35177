import {
  array,
  coordinatorRecord,
  int8,
  int16,
  int32,
  int64,
  type MessageOf,
  string,
  struct,
  uint16,
} from '../schema.ts'

const lastAssignmentConfig = {
  key: string(),
  value: string(),
}

/** Epoch of a Kafka Streams group (KIP-1071). */
export const StreamsGroupMetadataRecord = coordinatorRecord({
  type: 17,
  name: 'StreamsGroupMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string() },
  value: {
    epoch: int32(),
    metadataHash: int64(),
    validatedTopologyEpoch: int32({ tag: 0, default: -1 }),
    // Null if there was no assignment yet; Kafka writes this null explicitly.
    lastAssignmentConfigs: array(lastAssignmentConfig, { tag: 1, nullable: '0+' }),
    storedDescriptionTopologyEpoch: int32({ tag: 2, default: -1 }),
    failedDescriptionTopologyEpoch: int32({ tag: 3, default: -1 }),
  },
})
export type StreamsGroupMetadataKey = MessageOf<typeof StreamsGroupMetadataRecord.key>
export type StreamsGroupMetadataValue = MessageOf<typeof StreamsGroupMetadataRecord.value>

const endpoint = {
  host: string(),
  port: uint16(),
}

const keyValue = {
  key: string(),
  value: string(),
}

/** Data that a member sent about itself. */
export const StreamsGroupMemberMetadataRecord = coordinatorRecord({
  type: 19,
  name: 'StreamsGroupMemberMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), memberId: string() },
  value: {
    instanceId: string({ nullable: '0+' }),
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32({ default: -1 }),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: struct(endpoint, { nullable: '0+', default: null }),
    clientTags: array(keyValue),
  },
})
export type StreamsGroupMemberMetadataKey = MessageOf<typeof StreamsGroupMemberMetadataRecord.key>
export type StreamsGroupMemberMetadataValue = MessageOf<typeof StreamsGroupMemberMetadataRecord.value>

/** Epoch of the latest target assignment. */
export const StreamsGroupTargetAssignmentMetadataRecord = coordinatorRecord({
  type: 20,
  name: 'StreamsGroupTargetAssignmentMetadata',
  versions: '0',
  flexible: '0+',
  key: { groupId: string() },
  value: {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ tag: 0, default: 0, ignorable: true }),
  },
})
export type StreamsGroupTargetAssignmentMetadataKey = MessageOf<typeof StreamsGroupTargetAssignmentMetadataRecord.key>
export type StreamsGroupTargetAssignmentMetadataValue = MessageOf<
  typeof StreamsGroupTargetAssignmentMetadataRecord.value
>

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
}

/** Target tasks of a member. */
export const StreamsGroupTargetAssignmentMemberRecord = coordinatorRecord({
  type: 21,
  name: 'StreamsGroupTargetAssignmentMember',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), memberId: string() },
  value: {
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
  },
})
export type StreamsGroupTargetAssignmentMemberKey = MessageOf<typeof StreamsGroupTargetAssignmentMemberRecord.key>
export type StreamsGroupTargetAssignmentMemberValue = MessageOf<typeof StreamsGroupTargetAssignmentMemberRecord.value>

const currentTaskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
  assignmentEpochs: array(int32(), { tag: 0, nullable: '0+' }),
}

/** Current tasks of a member, and those that it has yet to revoke. */
export const StreamsGroupCurrentMemberAssignmentRecord = coordinatorRecord({
  type: 22,
  name: 'StreamsGroupCurrentMemberAssignment',
  versions: '0',
  flexible: '0+',
  key: { groupId: string(), memberId: string() },
  value: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    activeTasks: array(currentTaskIds),
    standbyTasks: array(currentTaskIds),
    warmupTasks: array(currentTaskIds),
    activeTasksPendingRevocation: array(currentTaskIds),
    standbyTasksPendingRevocation: array(currentTaskIds),
    warmupTasksPendingRevocation: array(currentTaskIds),
  },
})
export type StreamsGroupCurrentMemberAssignmentKey = MessageOf<typeof StreamsGroupCurrentMemberAssignmentRecord.key>
export type StreamsGroupCurrentMemberAssignmentValue = MessageOf<typeof StreamsGroupCurrentMemberAssignmentRecord.value>

const topicConfig = {
  key: string(),
  value: string(),
}

const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(topicConfig),
}

/** The group's topology. */
export const StreamsGroupTopologyRecord = coordinatorRecord({
  type: 23,
  name: 'StreamsGroupTopology',
  versions: '0',
  flexible: '0+',
  key: { groupId: string() },
  value: {
    epoch: int32(),
    subtopologies: array({
      subtopologyId: string(),
      sourceTopics: array(string()),
      sourceTopicRegex: array(string()),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(string()),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array({
        sourceTopics: array(int16()),
        sourceTopicRegex: array(int16()),
        repartitionSourceTopics: array(int16()),
      }),
    }),
  },
})
export type StreamsGroupTopologyKey = MessageOf<typeof StreamsGroupTopologyRecord.key>
export type StreamsGroupTopologyValue = MessageOf<typeof StreamsGroupTopologyRecord.value>
