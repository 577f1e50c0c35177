import { array, int16, int32, int64, type MessageOf, message, string, struct, uint16, uuid } from '../schema.ts'

const voter = {
  voterId: int32(),
  voterDirectoryId: uuid('1+'),
}

/** First record of a leader epoch in the metadata log. v1 directory ids of the voters (KIP-853). */
export const LeaderChangeMessage = message({
  name: 'LeaderChangeMessage',
  versions: '0-1',
  flexible: '0+',
  fields: {
    version: int16(),
    leaderId: int32({ entity: 'brokerId' }),
    voters: array(voter),
    grantingVoters: array(voter),
  },
})
export type LeaderChangeMessageValue = MessageOf<typeof LeaderChangeMessage>

/** First record of a snapshot of the metadata log. */
export const SnapshotHeaderRecord = message({
  name: 'SnapshotHeaderRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16(),
    lastContainedLogTimestamp: int64(),
  },
})
export type SnapshotHeaderRecordValue = MessageOf<typeof SnapshotHeaderRecord>

/** Last record of a snapshot of the metadata log. */
export const SnapshotFooterRecord = message({
  name: 'SnapshotFooterRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16(),
  },
})
export type SnapshotFooterRecordValue = MessageOf<typeof SnapshotFooterRecord>

/** Kind of quorum: 0 static voters, 1 voters that may change (KIP-853). */
export const KRaftVersionRecord = message({
  name: 'KRaftVersionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16(),
    kRaftVersion: int16(),
  },
})
export type KRaftVersionRecordValue = MessageOf<typeof KRaftVersionRecord>

/** The voters of the metadata quorum (KIP-853). */
export const VotersRecord = message({
  name: 'VotersRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16(),
    voters: array({
      voterId: int32({ entity: 'brokerId' }),
      voterDirectoryId: uuid(),
      endpoints: array({ name: string({ mapKey: true }), host: string(), port: uint16() }),
      kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    }),
  },
})
export type VotersRecordValue = MessageOf<typeof VotersRecord>

/**
 * Key of a control record. Types: 0 abort, 1 commit, 2 leader change, 3 and 4 snapshot header and footer, 5 KRaft
 * version, 6 voters.
 */
export const ControlRecordTypeSchema = message({
  name: 'ControlRecordTypeSchema',
  versions: '0',
  flexible: 'none',
  fields: {
    type: int16(),
  },
})
export type ControlRecordTypeSchemaValue = MessageOf<typeof ControlRecordTypeSchema>

/** Value of a transaction marker. */
export const EndTxnMarker = message({
  name: 'EndTxnMarker',
  versions: '0',
  flexible: 'none',
  fields: {
    coordinatorEpoch: int32(),
  },
})
export type EndTxnMarkerValue = MessageOf<typeof EndTxnMarker>
