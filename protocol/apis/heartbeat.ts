import { api, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Keeps a member of a classic group alive and announces rebalances to it (REBALANCE_IN_PROGRESS). v1 throttle time; v3
 * KIP-345 static members; v4 flexible.
 */
export const Heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4',
  flexible: '4+',
  request: {
    groupId: string({ entity: 'groupId' }),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    errorCode: int16(),
  },
})
export type HeartbeatRequest = RequestOf<typeof Heartbeat>
export type HeartbeatResponse = ResponseInputOf<typeof Heartbeat>
