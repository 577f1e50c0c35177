import type { ConsumerGroupDescribeResponse } from '../../../../protocol/apis/consumer-group-describe.ts'
import { errorCode } from '../../../../protocol/error-codes.ts'
import type { MetadataImage } from '../../../metadata/metadata-image.ts'
import { noPartitions, type TopicPartitions } from '../assignor/assignor.ts'
import type { GroupTable } from '../group-table.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { PartitionEpochs } from './partition-epochs.ts'

export type DescribedConsumerGroup = ConsumerGroupDescribeResponse['groups'][number]
type DescribedMember = DescribedConsumerGroup['members'][number]

const memberType = { classic: 0, consumer: 1 } as const

/** Describes a consumer group; any other group is not found. Source: GroupMetadataManager.consumerGroupDescribe. */
export function describeConsumerGroup(
  groups: GroupTable,
  groupId: string,
  image: MetadataImage,
  defaultAssignor: string,
): DescribedConsumerGroup {
  const group = groups.get(groupId)
  if (group?.kind === 'consumer') return describe(group, image, defaultAssignor)
  const message = group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`
  return failedConsumerDescription(groupId, errorCode('GROUP_ID_NOT_FOUND'), message)
}

export function failedConsumerDescription(
  groupId: string,
  code: number,
  errorMessage: string | null = null,
): DescribedConsumerGroup {
  const nothing = { groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] }
  return { errorCode: code, errorMessage, groupId, ...nothing }
}

function describe(group: ConsumerGroup, image: MetadataImage, defaultAssignor: string): DescribedConsumerGroup {
  return {
    errorCode: 0,
    groupId: group.groupId,
    groupState: group.stateName,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: group.preferredAssignor() ?? defaultAssignor,
    members: [...group.members.values()].map((member) =>
      describeMember(member, group.target.get(member.memberId) ?? noPartitions, image),
    ),
  }
}

function describeMember(member: ConsumerMember, target: TopicPartitions, image: MetadataImage): DescribedMember {
  // Partitions pending revocation still belong to the member.
  const assigned = new Map<string, number[]>()
  for (const partitions of [member.assigned, member.pendingRevocation]) {
    for (const [topicId, each] of partitions) assigned.set(topicId, [...(assigned.get(topicId) ?? []), ...each.keys()])
  }
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: { topicPartitions: withNames(assigned, image) },
    targetAssignment: { topicPartitions: withNames(target, image) },
    memberType: member.classicMetadata === null ? memberType.consumer : memberType.classic,
  }
}

/** Omits deleted topics. */
function withNames(partitions: ReadonlyMap<string, Iterable<number>> | PartitionEpochs, image: MetadataImage) {
  return [...(partitions as ReadonlyMap<string, Iterable<number>>)].flatMap(([topicId, each]) => {
    const topicName = image.topicsById.get(topicId)?.name
    return topicName === undefined ? [] : [{ topicId, topicName, partitions: [...each] }]
  })
}
