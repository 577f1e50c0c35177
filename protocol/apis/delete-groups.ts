import { api, array, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Deletes empty groups with their offsets (KIP-229). v2 flexible; v3 error message per group. */
export const DeleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-3',
  flexible: '2+',
  request: {
    groupsNames: array(string(), { entity: 'groupId' }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      groupId: string({ entity: 'groupId', mapKey: true }),
      errorCode: int16(),
      errorMessage: string('3+', { nullable: '3+', default: null, ignorable: true }),
    }),
  },
})
export type DeleteGroupsRequest = RequestOf<typeof DeleteGroups>
export type DeleteGroupsResponse = ResponseInputOf<typeof DeleteGroups>
