import { api, array, bool, int16, int32, int64, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Lists the served versions of all apis. The only api that is answered in v0 if its version is unknown. v1 throttle
 * time; v3 flexible, name of the client's software (KIP-511), features as tags (KIP-584); v4 a feature's oldest version
 * may be 0; v5 the client names the broker and cluster that it expects, and must rebootstrap if they are wrong
 * (KIP-1242).
 */
export const ApiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: '0-5',
  flexible: '3+',
  request: {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
    clusterId: string('5+', { nullable: '5+', default: null, ignorable: true }),
    nodeId: int32('5+', { default: -1, ignorable: true }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16({ mapKey: true }), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    supportedFeatures: array({ name: string({ mapKey: true }), minVersion: int16(), maxVersion: int16() }, '3+', {
      tag: 0,
      ignorable: true,
    }),
    // -1 if unknown.
    finalizedFeaturesEpoch: int64('3+', { tag: 1, default: -1, ignorable: true }),
    finalizedFeatures: array(
      { name: string({ mapKey: true }), maxVersionLevel: int16(), minVersionLevel: int16() },
      '3+',
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', { tag: 3, default: false, ignorable: true }),
  },
})
export type ApiVersionsRequest = RequestOf<typeof ApiVersions>
export type ApiVersionsResponse = ResponseInputOf<typeof ApiVersions>
