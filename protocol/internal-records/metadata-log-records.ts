import { int8, int32, int64, type MessageOf, metadataRecord, string } from '../schema.ts'

/** The next free producer id; all lower ones are taken. */
export const ProducerIdsRecord = metadataRecord({
  apiKey: 15,
  name: 'ProducerIdsRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: int32({ entity: 'brokerId' }),
    brokerEpoch: int64({ default: -1 }),
    nextProducerId: int64(),
  },
})
export type ProducerIdsRecordValue = MessageOf<typeof ProducerIdsRecord>

/** Does nothing but make the log grow, so that followers can tell how far behind they are (KIP-835). */
export const NoOpRecord = metadataRecord({
  apiKey: 20,
  name: 'NoOpRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
})
export type NoOpRecordValue = MessageOf<typeof NoOpRecord>

/** The following records take effect only with EndTransactionRecord (KIP-868). */
export const BeginTransactionRecord = metadataRecord({
  apiKey: 23,
  name: 'BeginTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: string({ tag: 0, nullable: '0+', default: null }),
  },
})
export type BeginTransactionRecordValue = MessageOf<typeof BeginTransactionRecord>

/** The records since BeginTransactionRecord take effect. */
export const EndTransactionRecord = metadataRecord({
  apiKey: 24,
  name: 'EndTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
})
export type EndTransactionRecordValue = MessageOf<typeof EndTransactionRecord>

/** The records since BeginTransactionRecord are discarded. */
export const AbortTransactionRecord = metadataRecord({
  apiKey: 25,
  name: 'AbortTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    reason: string({ tag: 0, nullable: '0+', default: null }),
  },
})
export type AbortTransactionRecordValue = MessageOf<typeof AbortTransactionRecord>

/** State of the migration from ZooKeeper. Always 0 in a cluster that never had ZooKeeper. */
export const ZkMigrationRecord = metadataRecord({
  apiKey: 21,
  name: 'ZkMigrationStateRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    zkMigrationState: int8(),
  },
})
export type ZkMigrationRecordValue = MessageOf<typeof ZkMigrationRecord>
