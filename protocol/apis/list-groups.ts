import { api, array, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Lists the groups that this broker coordinates. v1 throttle time; v3 flexible; v4 KIP-518 filter by state; v5
 * KIP-848 filter by type.
 */
export const ListGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: '0-5',
  flexible: '3+',
  request: {
    statesFilter: array(string(), '4+'),
    typesFilter: array(string(), '5+'),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string({ entity: 'groupId' }),
      protocolType: string(),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  },
})
export type ListGroupsRequest = RequestOf<typeof ListGroups>
export type ListGroupsResponse = ResponseInputOf<typeof ListGroups>
