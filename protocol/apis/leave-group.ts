import { api, array, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Removes members from a classic group. v1 throttle time; v3 KIP-345 several members at once, also by instance id; v4
 * flexible; v5 KIP-800 reason.
 */
export const LeaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string({ entity: 'groupId' }),
    memberId: string('0-2'),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: '3+', default: null }),
        reason: string('5+', { nullable: '5+', default: null, ignorable: true }),
      },
      '3+',
    ),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    errorCode: int16(),
    members: array({ memberId: string(), groupInstanceId: string({ nullable: '3+' }), errorCode: int16() }, '3+'),
  },
})
export type LeaveGroupRequest = RequestOf<typeof LeaveGroup>
export type LeaveGroupResponse = ResponseInputOf<typeof LeaveGroup>
