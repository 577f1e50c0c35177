import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/**
 * Raises or lowers the cluster's feature levels (KIP-584). v1 validate only and kinds of downgrade (KIP-778); v2 only a
 * top-level error, no results per feature (KIP-1022).
 */
export const UpdateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: '0-2',
  flexible: '0+',
  request: {
    timeoutMs: int32({ default: 60_000 }),
    featureUpdates: array({
      feature: string({ mapKey: true }),
      maxVersionLevel: int16(),
      allowDowngrade: bool('0'),
      upgradeType: int8('1+', { default: 1 }),
    }),
    validateOnly: bool('1+', { default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    results: array(
      {
        feature: string({ mapKey: true }),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
      },
      '0-1',
      { default: [], ignorable: true },
    ),
  },
})
export type UpdateFeaturesRequest = RequestOf<typeof UpdateFeatures>
export type UpdateFeaturesResponse = ResponseInputOf<typeof UpdateFeatures>
