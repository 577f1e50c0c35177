import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Replaces all dynamic settings of a resource: settings that the request omits return to their defaults. Superseded by
 * IncrementalAlterConfigs (KIP-133). v2 flexible.
 */
export const AlterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: '0-2',
  flexible: '2+',
  request: {
    resources: array({
      resourceType: int8({ mapKey: true }),
      resourceName: string({ mapKey: true }),
      configs: array({ name: string({ mapKey: true }), value: string({ nullable: '0+' }) }),
    }),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
})
export type AlterConfigsRequest = RequestOf<typeof AlterConfigs>
export type AlterConfigsResponse = ResponseInputOf<typeof AlterConfigs>
