import { api, array, bool, bytes, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Joins a classic group, or its next generation; answered when the generation is complete. v1 KIP-62 rebalance timeout;
 * v2 throttle time; v4 KIP-394 assigns a member id first (MEMBER_ID_REQUIRED); v5 KIP-345 static members; v6 flexible;
 * v7 KIP-559 protocol type; v8 KIP-800 reason; v9 tells a returning static leader to keep the assignment (KIP-814).
 */
export const JoinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: '0-9',
  flexible: '6+',
  request: {
    groupId: string({ entity: 'groupId' }),
    sessionTimeoutMs: int32(),
    // -1 in v0: the session timeout is used.
    rebalanceTimeoutMs: int32('1+', { default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: string('5+', { nullable: '5+', default: null }),
    protocolType: string(),
    protocols: array({ name: string({ mapKey: true }), metadata: bytes() }),
    reason: string('8+', { nullable: '8+', default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('2+', { default: 0, ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string('7+', { nullable: '7+', default: null, ignorable: true }),
    // Null only since v7. Before, an error returns the empty string.
    protocolName: string({ nullable: '7+' }),
    leader: string(),
    skipAssignment: bool('9+', { default: false }),
    memberId: string(),
    // All members for the leader, none for the others.
    members: array({
      memberId: string(),
      groupInstanceId: string('5+', { nullable: '5+', default: null, ignorable: true }),
      metadata: bytes(),
    }),
  },
})
export type JoinGroupRequest = RequestOf<typeof JoinGroup>
export type JoinGroupResponse = ResponseInputOf<typeof JoinGroup>
