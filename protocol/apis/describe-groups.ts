import { api, array, bool, bytes, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Describes classic groups: state, protocol, members with their assignments. v1 throttle time; v3 KIP-430 authorized
 * operations; v4 KIP-345 instance ids; v5 flexible; v6 returns GROUP_ID_NOT_FOUND with a message instead of a dead
 * group (KIP-1043).
 */
export const DescribeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: '0-6',
  flexible: '5+',
  request: {
    groups: array(string(), { entity: 'groupId' }),
    includeAuthorizedOperations: bool('3+'),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: string('6+', { nullable: '6+', default: null }),
      groupId: string({ entity: 'groupId' }),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string('4+', { nullable: '4+', default: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32('3+', { default: -2147483648 }),
    }),
  },
})
export type DescribeGroupsRequest = RequestOf<typeof DescribeGroups>
export type DescribeGroupsResponse = ResponseInputOf<typeof DescribeGroups>
