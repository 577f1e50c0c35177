import {
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupRegularExpressionRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
} from '../../../../protocol/internal-records/consumer-group-records.ts'
import { type CoordinatorRecord, record, tombstone } from '../../coordinator-record.ts'
import type { TopicPartitions } from '../assignor/assignor.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { listOf, type PartitionEpochs } from './partition-epochs.ts'
import type { ResolvedRegex } from './topic-regex.ts'

/** Version of all consumer group records. Source: GroupCoordinatorRecordHelpers. */
const VERSION = 0

export function memberRecord(groupId: string, member: ConsumerMember): CoordinatorRecord {
  const { memberId, instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs, serverAssignor } = member
  const { subscribedTopicNames, subscribedTopicRegex, classicMetadata } = member
  const protocols = classicMetadata?.supportedProtocols.map(({ name, metadata }) => ({ name, metadata })) ?? []
  return record(
    ConsumerGroupMemberMetadataRecord,
    VERSION,
    { groupId, memberId },
    {
      instanceId,
      rackId,
      clientId,
      clientHost,
      subscribedTopicNames: [...subscribedTopicNames].sort(),
      subscribedTopicRegex,
      rebalanceTimeoutMs,
      serverAssignor,
      classicMemberMetadata:
        classicMetadata === null
          ? null
          : { sessionTimeoutMs: classicMetadata.sessionTimeoutMs, supportedProtocols: protocols },
    },
  )
}

export function memberTombstone(groupId: string, memberId: string): CoordinatorRecord {
  return tombstone(ConsumerGroupMemberMetadataRecord, { groupId, memberId })
}

export function groupEpochRecord(groupId: string, epoch: number, metadataHash: bigint): CoordinatorRecord {
  return record(ConsumerGroupMetadataRecord, VERSION, { groupId }, { epoch, metadataHash })
}

export function groupEpochTombstone(groupId: string): CoordinatorRecord {
  return tombstone(ConsumerGroupMetadataRecord, { groupId })
}

export function partitionMetadataTombstone(groupId: string): CoordinatorRecord {
  return tombstone(ConsumerGroupPartitionMetadataRecord, { groupId })
}

export function targetAssignmentRecord(
  groupId: string,
  memberId: string,
  partitions: TopicPartitions,
): CoordinatorRecord {
  const topicPartitions = listOf(partitions)
  return record(ConsumerGroupTargetAssignmentMemberRecord, VERSION, { groupId, memberId }, { topicPartitions })
}

export function targetAssignmentTombstone(groupId: string, memberId: string): CoordinatorRecord {
  return tombstone(ConsumerGroupTargetAssignmentMemberRecord, { groupId, memberId })
}

export function targetAssignmentMetadataRecord(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): CoordinatorRecord {
  const value = { assignmentEpoch, assignmentTimestamp }
  return record(ConsumerGroupTargetAssignmentMetadataRecord, VERSION, { groupId }, value)
}

export function targetAssignmentMetadataTombstone(groupId: string): CoordinatorRecord {
  return tombstone(ConsumerGroupTargetAssignmentMetadataRecord, { groupId })
}

export function currentAssignmentRecord(groupId: string, member: ConsumerMember): CoordinatorRecord {
  const { memberId, memberEpoch, previousMemberEpoch, state } = member
  return record(
    ConsumerGroupCurrentMemberAssignmentRecord,
    VERSION,
    { groupId, memberId },
    {
      memberEpoch,
      previousMemberEpoch,
      state,
      assignedPartitions: listWithEpochs(member.assigned),
      partitionsPendingRevocation: listWithEpochs(member.pendingRevocation),
    },
  )
}

export function currentAssignmentTombstone(groupId: string, memberId: string): CoordinatorRecord {
  return tombstone(ConsumerGroupCurrentMemberAssignmentRecord, { groupId, memberId })
}

export function regexRecord(groupId: string, regularExpression: string, resolved: ResolvedRegex): CoordinatorRecord {
  const { topics, version, timestampMs: timestamp } = resolved
  const value = { topics: [...topics].sort(), version, timestamp }
  return record(ConsumerGroupRegularExpressionRecord, VERSION, { groupId, regularExpression }, value)
}

export function regexTombstone(groupId: string, regularExpression: string): CoordinatorRecord {
  return tombstone(ConsumerGroupRegularExpressionRecord, { groupId, regularExpression })
}

function listWithEpochs(partitions: PartitionEpochs) {
  return [...partitions].map(([topicId, epochs]) => ({
    topicId,
    partitions: [...epochs.keys()],
    assignmentEpochs: [...epochs.values()],
  }))
}
