import {
  type ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentRecord,
  type ConsumerGroupCurrentMemberAssignmentValue,
  type ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataRecord,
  type ConsumerGroupMemberMetadataValue,
  type ConsumerGroupMetadataKey,
  ConsumerGroupMetadataRecord,
  type ConsumerGroupMetadataValue,
  type ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataRecord,
  type ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionRecord,
  type ConsumerGroupRegularExpressionValue,
  type ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberRecord,
  type ConsumerGroupTargetAssignmentMemberValue,
  type ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataRecord,
  type ConsumerGroupTargetAssignmentMetadataValue,
} from '../../../../protocol/internal-records/consumer-group-records.ts'
import { invariant } from '../../../../protocol/invariant.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { GroupTable } from '../group-table.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, type MemberState, memberState, newMember } from './consumer-member.ts'
import { noEpochs, type PartitionEpochs } from './partition-epochs.ts'

/** Schemas of consumer group records. Replay accepts them in any order that compaction leaves. */
export const consumerGroupRecords = [
  ConsumerGroupMetadataRecord,
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupRegularExpressionRecord,
] as const

type ReplayOne = (groups: GroupTable, key: never, value: never) => void

const replays = new Map<number, ReplayOne>([
  [ConsumerGroupMetadataRecord.type, replayGroup as ReplayOne],
  [ConsumerGroupPartitionMetadataRecord.type, replayPartitionMetadata as ReplayOne],
  [ConsumerGroupMemberMetadataRecord.type, replayMember as ReplayOne],
  [ConsumerGroupTargetAssignmentMetadataRecord.type, replayTargetMetadata as ReplayOne],
  [ConsumerGroupTargetAssignmentMemberRecord.type, replayTarget as ReplayOne],
  [ConsumerGroupCurrentMemberAssignmentRecord.type, replayCurrentAssignment as ReplayOne],
  [ConsumerGroupRegularExpressionRecord.type, replayRegex as ReplayOne],
])

/** Applies a record to a consumer group. */
export function replayConsumerRecord(groups: GroupTable, { schema, key, value }: CoordinatorRecord): void {
  const replay = replays.get(schema.type)
  invariant(replay !== undefined, `records of type ${schema.type} are not of consumer groups`)
  replay(groups, key as never, value as never)
}

function replayGroup(
  groups: GroupTable,
  key: ConsumerGroupMetadataKey,
  value: ConsumerGroupMetadataValue | null,
): void {
  if (value === null) {
    if (groups.consumer(key.groupId) !== undefined) groups.delete(key.groupId)
    return
  }
  const group = groups.replayedConsumer(key.groupId)
  group.groupEpoch = value.epoch
  group.metadataHash = value.metadataHash
}

function replayPartitionMetadata(groups: GroupTable, key: ConsumerGroupPartitionMetadataKey, value: unknown): void {
  const group = value === null ? groups.consumer(key.groupId) : groups.replayedConsumer(key.groupId)
  if (group !== undefined) group.hasPartitionMetadataRecord = value !== null
}

function replayMember(
  groups: GroupTable,
  { groupId, memberId }: ConsumerGroupMemberMetadataKey,
  value: ConsumerGroupMemberMetadataValue | null,
): void {
  if (value === null) {
    groups.consumer(groupId)?.deleteMember(memberId)
    return
  }
  const group = groups.replayedConsumer(groupId)
  const { instanceId, rackId, clientId, clientHost, subscribedTopicRegex, rebalanceTimeoutMs, serverAssignor } = value
  group.setMember({
    ...knownOrNew(group, memberId),
    instanceId,
    rackId,
    clientId,
    clientHost,
    subscribedTopicNames: new Set(value.subscribedTopicNames),
    subscribedTopicRegex,
    rebalanceTimeoutMs,
    serverAssignor,
    classicMetadata: classicMetadataOf(value),
  })
}

/** Copies the metadata out of the read buffer. */
function classicMetadataOf({ classicMemberMetadata }: ConsumerGroupMemberMetadataValue) {
  if (classicMemberMetadata === null) return null
  const { sessionTimeoutMs, supportedProtocols } = classicMemberMetadata
  const copied = supportedProtocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
  return { sessionTimeoutMs, supportedProtocols: copied }
}

function replayTargetMetadata(
  groups: GroupTable,
  { groupId }: ConsumerGroupTargetAssignmentMetadataKey,
  value: ConsumerGroupTargetAssignmentMetadataValue | null,
): void {
  const group = value === null ? groups.consumer(groupId) : groups.replayedConsumer(groupId)
  if (group === undefined) return
  group.assignmentEpoch = value?.assignmentEpoch ?? -1
  group.assignmentTimestampMs = value?.assignmentTimestamp ?? 0
}

function replayTarget(
  groups: GroupTable,
  { groupId, memberId }: ConsumerGroupTargetAssignmentMemberKey,
  value: ConsumerGroupTargetAssignmentMemberValue | null,
): void {
  if (value === null) {
    groups.consumer(groupId)?.deleteTarget(memberId)
    return
  }
  const partitions = value.topicPartitions.map((each) => [each.topicId, new Set(each.partitions)] as const)
  groups.replayedConsumer(groupId).setTarget(memberId, new Map(partitions))
}

function replayCurrentAssignment(
  groups: GroupTable,
  { groupId, memberId }: ConsumerGroupCurrentMemberAssignmentKey,
  value: ConsumerGroupCurrentMemberAssignmentValue | null,
): void {
  if (value !== null) {
    const group = groups.replayedConsumer(groupId)
    group.setMember({ ...knownOrNew(group, memberId), ...assignmentOf(value) })
    return
  }
  const group = groups.consumer(groupId)
  const member = group?.members.get(memberId)
  if (group === undefined || member === undefined) return
  group.setMember({
    ...member,
    memberEpoch: -1,
    previousMemberEpoch: -1,
    assigned: noEpochs,
    pendingRevocation: noEpochs,
  })
}

function replayRegex(
  groups: GroupTable,
  { groupId, regularExpression }: ConsumerGroupRegularExpressionKey,
  value: ConsumerGroupRegularExpressionValue | null,
): void {
  if (value === null) {
    groups.consumer(groupId)?.deleteResolvedRegex(regularExpression)
    return
  }
  const { topics, version, timestamp: timestampMs } = value
  const resolved = { topics: new Set(topics), version, timestampMs }
  groups.replayedConsumer(groupId).setResolvedRegex(regularExpression, resolved)
}

function knownOrNew(group: ConsumerGroup, memberId: string): ConsumerMember {
  return group.members.get(memberId) ?? newMember(memberId)
}

type Assignment = ConsumerGroupCurrentMemberAssignmentValue

function assignmentOf(value: Assignment) {
  const { memberEpoch, previousMemberEpoch } = value
  return {
    memberEpoch,
    previousMemberEpoch,
    state: knownState(value.state),
    assigned: epochsOf(value.assignedPartitions, memberEpoch),
    pendingRevocation: epochsOf(value.partitionsPendingRevocation, memberEpoch),
  }
}

function knownState(state: number): MemberState {
  return Object.values(memberState).find((each) => each === state) ?? memberState.unknown
}

/** Kafka before 4.4 stored no epoch per partition: the member's epoch is used instead. */
function epochsOf(topics: Assignment['assignedPartitions'], memberEpoch: number): PartitionEpochs {
  const instead = Math.max(memberEpoch, 0)
  return new Map(
    topics.map(({ topicId, partitions, assignmentEpochs }) => {
      const epochs = assignmentEpochs?.length === partitions.length ? assignmentEpochs : undefined
      return [topicId, new Map(partitions.map((partition, i) => [partition, epochs?.[i] ?? instead]))]
    }),
  )
}
