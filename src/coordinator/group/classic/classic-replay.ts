import type {
  GroupMetadataKey,
  GroupMetadataValue,
} from '../../../../protocol/internal-records/classic-group-records.ts'
import type { GroupTable } from '../group-table.ts'
import { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'

type LoadedMember = GroupMetadataValue['members'][number]

/** Restores a classic group from the log: stable or empty. Source: GroupMetadataManager.replay(GroupMetadataKey). */
export function replayGroupMetadata(groups: GroupTable, key: GroupMetadataKey, value: GroupMetadataValue | null): void {
  if (value === null) {
    groups.delete(key.group)
    return
  }
  const group = new ClassicGroup(key.group, {
    state: value.members.length === 0 ? 'Empty' : 'Stable',
    generationId: value.generation,
    protocolType: value.protocolType === '' ? null : value.protocolType,
    protocolName: value.protocol,
    leaderId: value.leader,
    stateTimestampMs: value.currentStateTimestamp === -1 ? undefined : value.currentStateTimestamp,
  })
  for (const member of value.members) group.add(loadedMember(member, value))
  group.updateTopics()
  groups.set(group)
}

function loadedMember(member: LoadedMember, { protocol, protocolType }: GroupMetadataValue): ClassicMember {
  return {
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    protocolType,
    rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
    sessionTimeoutMs: member.sessionTimeout,
    // The log keeps only the metadata of the chosen protocol.
    protocols: [{ name: protocol ?? '', metadata: Buffer.from(member.subscription) }],
    assignment: Buffer.from(member.assignment),
    awaitingJoin: undefined,
    awaitingSync: undefined,
    isNew: false,
  }
}
