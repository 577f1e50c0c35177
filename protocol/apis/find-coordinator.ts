import { api, array, int8, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Finds the broker that coordinates a group (key type 0), a transactional id (1) or a share group's partition (2,
 * keys `group:topicId:partition`). v1 key type, throttle time and error message (KIP-98); v3 flexible; v4 several
 * keys at once (KIP-699); v5 KIP-890 TRANSACTION_ABORTABLE; v6 KIP-932 share groups.
 */
export const FindCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: '0-6',
  flexible: '3+',
  request: {
    key: string('0-3'),
    keyType: int8('1+', { default: 0 }),
    coordinatorKeys: array(string(), '4+'),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    errorCode: int16('0-3', { default: 0 }),
    errorMessage: string('1-3', { nullable: '1-3', default: null, ignorable: true }),
    nodeId: int32('0-3', { default: 0, entity: 'brokerId' }),
    host: string('0-3', { default: '' }),
    port: int32('0-3', { default: 0 }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32({ entity: 'brokerId' }),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '4+', default: null, ignorable: true }),
      },
      '4+',
    ),
  },
})
export type FindCoordinatorRequest = RequestOf<typeof FindCoordinator>
export type FindCoordinatorResponse = ResponseInputOf<typeof FindCoordinator>
