import { api, array, int8, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Lists resources that have their own settings. v0 was ListClientMetricsResources (KIP-714); v1 every type, KIP-1142.
 */
export const ListConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: '0-1',
  flexible: '0+',
  request: {
    resourceTypes: array(int8(), '1+'),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    configResources: array({ resourceName: string(), resourceType: int8('1+', { default: 16, ignorable: true }) }),
  },
})
export type ListConfigResourcesRequest = RequestOf<typeof ListConfigResources>
export type ListConfigResourcesResponse = ResponseInputOf<typeof ListConfigResources>
