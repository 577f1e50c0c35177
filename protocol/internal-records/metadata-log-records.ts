import { int8, int32, int64, type MessageOf, metadataRecord, string } from '../schema.ts'

/** Producer ids below the next one are taken. */
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

/** Lets the log grow so that its followers can tell how far behind they are (KIP-835). */
export const NoOpRecord = metadataRecord({
  apiKey: 20,
  name: 'NoOpRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
})
export type NoOpRecordValue = MessageOf<typeof NoOpRecord>

/** What follows counts only once EndTransactionRecord is there (KIP-868). */
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

/** What came since BeginTransactionRecord counts now. */
export const EndTransactionRecord = metadataRecord({
  apiKey: 24,
  name: 'EndTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
})
export type EndTransactionRecordValue = MessageOf<typeof EndTransactionRecord>

/** What came since BeginTransactionRecord never counts. */
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

/** How far the migration from ZooKeeper has come. Always 0 in a cluster that never had one. */
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
