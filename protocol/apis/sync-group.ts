import { api, array, bytes, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Sends the leader's assignment to the coordinator, and each member's part to that member. v1 throttle time; v3 KIP-345
 * static members; v4 flexible; v5 KIP-559 protocol type and name, checked if sent.
 */
export const SyncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string({ entity: 'groupId' }),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    // Only from the leader.
    assignments: array({ memberId: string(), assignment: bytes() }),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    errorCode: int16(),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignment: bytes(),
  },
})
export type SyncGroupRequest = RequestOf<typeof SyncGroup>
export type SyncGroupResponse = ResponseInputOf<typeof SyncGroup>
