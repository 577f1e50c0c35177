import { array, int8, int32, type MessageOf, metadataRecord, string, uuid } from '../schema.ts'

/** A topic was created. Records of its partitions follow. */
export const TopicRecord = metadataRecord({
  apiKey: 2,
  name: 'TopicRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: string({ entity: 'topicName' }),
    topicId: uuid(),
  },
})
export type TopicRecordValue = MessageOf<typeof TopicRecord>

/** A partition was created. v1 KIP-858 directories; v2 KIP-966 eligible leader replicas. */
export const PartitionRecord = metadataRecord({
  apiKey: 3,
  name: 'PartitionRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    replicas: array(int32(), { entity: 'brokerId' }),
    isr: array(int32()),
    removingReplicas: array(int32(), { entity: 'brokerId' }),
    addingReplicas: array(int32(), { entity: 'brokerId' }),
    leader: int32({ default: -1, entity: 'brokerId' }),
    leaderRecoveryState: int8({ tag: 0, default: 0 }),
    leaderEpoch: int32({ default: -1 }),
    partitionEpoch: int32({ default: -1 }),
    directories: array(uuid(), '1+'),
    eligibleLeaderReplicas: array(int32(), '2+', { tag: 1, nullable: '2+', default: null, entity: 'brokerId' }),
    lastKnownElr: array(int32(), '2+', { tag: 2, nullable: '2+', default: null, entity: 'brokerId' }),
  },
})
export type PartitionRecordValue = MessageOf<typeof PartitionRecord>

/** Changes of a partition; absent tags mean unchanged. v1 KIP-858 directories; v2 KIP-966 eligible leader replicas. */
export const PartitionChangeRecord = metadataRecord({
  apiKey: 5,
  name: 'PartitionChangeRecord',
  versions: '0-2',
  flexible: '0+',
  fields: {
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    // Null means unchanged in every field of this record.
    isr: array(int32(), { tag: 0, nullable: '0+', default: null, entity: 'brokerId' }),
    // -2: unchanged, -1: none.
    leader: int32({ tag: 1, default: -2, entity: 'brokerId' }),
    replicas: array(int32(), { tag: 2, nullable: '0+', default: null, entity: 'brokerId' }),
    removingReplicas: array(int32(), { tag: 3, nullable: '0+', default: null, entity: 'brokerId' }),
    addingReplicas: array(int32(), { tag: 4, nullable: '0+', default: null, entity: 'brokerId' }),
    leaderRecoveryState: int8({ tag: 5, default: -1 }),
    directories: array(uuid(), '1+', { tag: 8, nullable: '1+', default: null }),
    eligibleLeaderReplicas: array(int32(), '2+', { tag: 6, nullable: '2+', default: null, entity: 'brokerId' }),
    lastKnownElr: array(int32(), '2+', { tag: 7, nullable: '2+', default: null, entity: 'brokerId' }),
  },
})
export type PartitionChangeRecordValue = MessageOf<typeof PartitionChangeRecord>

/** A topic was deleted with all its data. */
export const RemoveTopicRecord = metadataRecord({
  apiKey: 9,
  name: 'RemoveTopicRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    topicId: uuid(),
  },
})
export type RemoveTopicRecordValue = MessageOf<typeof RemoveTopicRecord>

/** Clears the eligible leader replicas of one topic or of all topics (KIP-966). */
export const ClearElrRecord = metadataRecord({
  apiKey: 28,
  name: 'ClearElrRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    topicName: string({ entity: 'topicName' }),
  },
})
export type ClearElrRecordValue = MessageOf<typeof ClearElrRecord>
