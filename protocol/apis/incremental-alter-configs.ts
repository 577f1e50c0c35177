import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Changes individual settings: set (0), delete (1), append to (2) or subtract from (3) a list (KIP-339). v1 flexible.
 */
export const IncrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: '0-1',
  flexible: '1+',
  request: {
    resources: array({
      resourceType: int8({ mapKey: true }),
      resourceName: string({ mapKey: true }),
      configs: array({
        name: string({ mapKey: true }),
        configOperation: int8({ mapKey: true }),
        value: string({ nullable: '0+' }),
      }),
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
export type IncrementalAlterConfigsRequest = RequestOf<typeof IncrementalAlterConfigs>
export type IncrementalAlterConfigsResponse = ResponseInputOf<typeof IncrementalAlterConfigs>
