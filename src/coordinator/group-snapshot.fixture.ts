import type { ClassicGroup } from './group/classic/classic-group.ts'
import type { ConsumerGroup } from './group/consumer/consumer-group.ts'
import type { Group } from './group/group.ts'
import type { GroupShard } from './group/group-shard.ts'

/** State of a shard that the log must preserve, as plain data: shards with equal snapshots behave alike. */
export function snapshotOf(shard: GroupShard): unknown {
  const groups = [...shard.groups]
    .filter((group) => isInLog(shard, group))
    .sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  const offsets = [...shard.offsets.all()].map(({ groupId, topic, partition, value }) => {
    const { order: _order, ...offset } = value
    return { groupId, topic, partition, ...offset }
  })
  return {
    groups: groups.map((group) => (group.kind === 'classic' ? classicSnapshot(group) : consumerSnapshot(group))),
    offsets: offsets.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    inTransactions: groups.flatMap(({ groupId }) => transactionsOn(shard, groupId)).sort(),
  }
}

/**
 * A group with only offsets has no group record. Once its offsets are gone it stays in memory until the next cleanup.
 */
function isInLog({ offsets }: GroupShard, group: Group): boolean {
  const { groupId } = group
  if (group.kind !== 'classic' || !group.isSimple || group.generationId > 0) return true
  return [...offsets.all()].some((offset) => offset.groupId === groupId) || offsets.openOfGroup(groupId) !== undefined
}

/** Partitions with pending transactional offsets, and the producers of those transactions. */
function transactionsOn({ offsets }: GroupShard, groupId: string): string[] {
  return [...(offsets.openOfGroup(groupId) ?? [])].flatMap(([topic, partitions]) =>
    [...partitions].map(([partition, producers]) => `${groupId} ${topic}-${partition}: ${[...producers].sort()}`),
  )
}

/** Between two generations a classic group's members are only in memory. */
function classicSnapshot(group: ClassicGroup): unknown {
  const { groupId, generationId, protocolType, protocolName, leaderId, state } = group
  if (state !== 'Stable') return { kind: 'classic', groupId }
  const members = [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    instanceId: member.groupInstanceId,
    metadata: member.protocols.find(({ name }) => name === protocolName)?.metadata.toString('hex'),
    assignment: member.assignment.toString('hex'),
    sessionTimeoutMs: member.sessionTimeoutMs,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
  }))
  return { kind: 'classic', groupId, generationId, protocolType, protocolName, leaderId, members: byId(members) }
}

function consumerSnapshot(group: ConsumerGroup): unknown {
  const { groupId, groupEpoch, assignmentEpoch, assignmentTimestampMs, metadataHash, stateName } = group
  const members = [...group.members.values()].map((member) => ({
    ...member,
    subscribedTopicNames: [...member.subscribedTopicNames].sort(),
    assigned: plain(member.assigned),
    pendingRevocation: plain(member.pendingRevocation),
    classicMetadata: member.classicMetadata === null ? null : member.classicMetadata.sessionTimeoutMs,
  }))
  const target = [...group.target].map(([memberId, partitions]) => ({ memberId, partitions: plain(partitions) }))
  return {
    kind: 'consumer',
    groupId,
    groupEpoch,
    assignmentEpoch,
    assignmentTimestampMs,
    stateName,
    metadataHash: String(metadataHash),
    members: byId(members),
    target: byId(target),
    topics: [...group.subscriptions.topics()].sort(),
    regexes: [...group.regexes].sort(),
    resolved: [...group.resolvedRegexes].map(([regex, { topics }]) => [regex, [...topics].sort()]).sort(),
  }
}

function byId<T extends { readonly memberId: string }>(members: T[]): T[] {
  return members.sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
}

function plain(partitions: ReadonlyMap<string, ReadonlySet<number> | ReadonlyMap<number, number>>): unknown {
  return [...partitions]
    .map(([topicId, each]) => [topicId, [...each.entries()].sort((a, b) => a[0] - b[0])] as const)
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
}
