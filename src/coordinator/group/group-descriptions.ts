import type { DescribeGroupsResponse } from '../../../protocol/apis/describe-groups.ts'
import type { ListGroupsRequest, ListGroupsResponse } from '../../../protocol/apis/list-groups.ts'
import { errorCode } from '../../../protocol/error-codes.ts'
import type { ClassicGroup } from './classic/classic-group.ts'
import { type ClassicMember, metadataUnder, noAssignment } from './classic/classic-member.ts'
import type { Group } from './group.ts'
import type { GroupTable } from './group-table.ts'

export type ListedGroup = ListGroupsResponse['groups'][number]
export type DescribedGroup = DescribeGroupsResponse['groups'][number]
type DescribedMember = DescribedGroup['members'][number]

/** From this version on, DescribeGroups can return GROUP_ID_NOT_FOUND (KIP-1043). */
const GROUP_ID_NOT_FOUND_VERSION = 6

/** Groups that match both filters; an empty filter matches all. Source: GroupMetadataManager.listGroups. */
export function listGroups(groups: GroupTable, { statesFilter, typesFilter }: ListGroupsRequest): ListedGroup[] {
  const states = new Set(statesFilter.map((state) => state.toLowerCase().trim()))
  const kinds = new Set(typesFilter.map((kind) => kind.toLowerCase()))
  const passes = (group: Group) =>
    (states.size === 0 || states.has(group.stateName.toLowerCase())) && (kinds.size === 0 || kinds.has(group.kind))
  return [...groups].filter(passes).map((group) => ({
    groupId: group.groupId,
    protocolType: group.protocolType ?? '',
    groupState: group.stateName,
    groupType: group.kind,
  }))
}

/**
 * Describes a classic group; a missing group or one of another protocol is Dead. Source:
 * GroupMetadataManager.describeGroups.
 */
export function describeClassicGroup(groups: GroupTable, groupId: string, apiVersion: number): DescribedGroup {
  const group = groups.get(groupId)
  if (group?.kind === 'classic') return describe(group)
  if (apiVersion < GROUP_ID_NOT_FOUND_VERSION) return failedDescription(groupId, 0, 'Dead')
  const message = group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a classic group.`
  return { ...failedDescription(groupId, errorCode('GROUP_ID_NOT_FOUND'), 'Dead'), errorMessage: message }
}

export function failedDescription(groupId: string, code: number, groupState = ''): DescribedGroup {
  return { errorCode: code, groupId, groupState, protocolType: '', protocolData: '', members: [] }
}

function describe(group: ClassicGroup): DescribedGroup {
  // Between two generations no protocol is chosen, so the members' metadata is not returned.
  const isStable = group.state === 'Stable'
  return {
    errorCode: 0,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => describeMember(member, isStable ? group.protocolName : null)),
  }
}

function describeMember(member: ClassicMember, protocol: string | null): DescribedMember {
  return {
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    memberMetadata: metadataUnder(member, protocol) ?? noAssignment,
    memberAssignment: member.assignment,
  }
}
