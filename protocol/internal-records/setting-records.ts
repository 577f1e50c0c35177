import { array, bool, float64, int8, int16, type MessageOf, metadataRecord, string } from '../schema.ts'

/** A dynamic setting; null removes it. */
export const ConfigRecord = metadataRecord({
  apiKey: 4,
  name: 'ConfigRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: string({ nullable: '0+' }),
  },
})
export type ConfigRecordValue = MessageOf<typeof ConfigRecord>

/** A client quota was set or removed (KIP-546). */
export const ClientQuotaRecord = metadataRecord({
  apiKey: 14,
  name: 'ClientQuotaRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    entity: array({ entityType: string(), entityName: string({ nullable: '0+' }) }),
    key: string(),
    value: float64(),
    remove: bool(),
  },
})
export type ClientQuotaRecordValue = MessageOf<typeof ClientQuotaRecord>

/** Level of a feature, such as metadata.version. 0 removes it. */
export const FeatureLevelRecord = metadataRecord({
  apiKey: 12,
  name: 'FeatureLevelRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: string(),
    featureLevel: int16(),
  },
})
export type FeatureLevelRecordValue = MessageOf<typeof FeatureLevelRecord>
