import {
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  type MessageOf,
  metadataRecord,
  string,
  uint16,
  uuid,
} from '../schema.ts'

/**
 * A broker registered. v1 migration from ZooKeeper; v2 fenced while shutting down; v3 KIP-858 log directories; v4
 * cordoned log directories.
 */
export const RegisterBrokerRecord = metadataRecord({
  apiKey: 0,
  name: 'RegisterBrokerRecord',
  versions: '0-4',
  flexible: '0+',
  fields: {
    brokerId: int32({ entity: 'brokerId' }),
    isMigratingZkBroker: bool('2+', { default: false }),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array({ name: string({ mapKey: true }), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string({ mapKey: true }), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    rack: string({ nullable: '0+' }),
    fenced: bool({ default: true }),
    inControlledShutdown: bool('1+', { default: false }),
    logDirs: array(uuid(), '3+', { tag: 0 }),
    cordonedLogDirs: array(uuid(), '4+', { tag: 1, nullable: '4+', default: null }),
  },
})
export type RegisterBrokerRecordValue = MessageOf<typeof RegisterBrokerRecord>

/** A broker's registration was removed permanently. */
export const UnregisterBrokerRecord = metadataRecord({
  apiKey: 1,
  name: 'UnregisterBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: int32({ entity: 'brokerId' }),
    brokerEpoch: int64(),
  },
})
export type UnregisterBrokerRecordValue = MessageOf<typeof UnregisterBrokerRecord>

/** Older form of BrokerRegistrationChangeRecord. Read, never written. */
export const FenceBrokerRecord = metadataRecord({
  apiKey: 7,
  name: 'FenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: int32({ entity: 'brokerId' }),
    epoch: int64(),
  },
})
export type FenceBrokerRecordValue = MessageOf<typeof FenceBrokerRecord>

/** Older form of BrokerRegistrationChangeRecord. Read, never written. */
export const UnfenceBrokerRecord = metadataRecord({
  apiKey: 8,
  name: 'UnfenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: int32({ entity: 'brokerId' }),
    epoch: int64(),
  },
})
export type UnfenceBrokerRecordValue = MessageOf<typeof UnfenceBrokerRecord>

/**
 * A registered broker was fenced, unfenced or is shutting down; 1 sets, -1 clears, 0 leaves. v1 shutting down; v2 log
 * directories; v3 cordoned log directories.
 */
export const BrokerRegistrationChangeRecord = metadataRecord({
  apiKey: 17,
  name: 'BrokerRegistrationChangeRecord',
  versions: '0-3',
  flexible: '0+',
  fields: {
    brokerId: int32({ entity: 'brokerId' }),
    brokerEpoch: int64(),
    fenced: int8({ tag: 0 }),
    inControlledShutdown: int8('1+', { tag: 1 }),
    logDirs: array(uuid(), '2+', { tag: 2 }),
    cordonedLogDirs: array(uuid(), '3+', { tag: 3, nullable: '3+', default: null }),
  },
})
export type BrokerRegistrationChangeRecordValue = MessageOf<typeof BrokerRegistrationChangeRecord>

/** A controller registered (KIP-919). */
export const RegisterControllerRecord = metadataRecord({
  apiKey: 27,
  name: 'RegisterControllerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    endPoints: array({ name: string({ mapKey: true }), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string({ mapKey: true }), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  },
})
export type RegisterControllerRecordValue = MessageOf<typeof RegisterControllerRecord>

/** A controller's registration was removed permanently. */
export const UnregisterControllerRecord = metadataRecord({
  apiKey: 29,
  name: 'UnregisterControllerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    controllerId: int32(),
  },
})
export type UnregisterControllerRecordValue = MessageOf<typeof UnregisterControllerRecord>
