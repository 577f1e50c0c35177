import { api, array, int8, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Removes the access rules that match filters, and returns them (KIP-140). v1 KIP-290 pattern types; v2 flexible; v3
 * KIP-373 user resources.
 */
export const DeleteAcls = api({
  key: 31,
  name: 'DeleteAcls',
  versions: '0-3',
  flexible: '2+',
  request: {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullable: '0+' }),
      patternTypeFilter: int8('1+', { default: 3 }),
      principalFilter: string({ nullable: '0+' }),
      hostFilter: string({ nullable: '0+' }),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8('1+', { default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})
export type DeleteAclsRequest = RequestOf<typeof DeleteAcls>
export type DeleteAclsResponse = ResponseInputOf<typeof DeleteAcls>
