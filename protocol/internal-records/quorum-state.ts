import { array, int32, int64, type MessageOf, message, string, uuid } from '../schema.ts'

/**
 * Content of the file quorum-state, which Kafka writes as JSON. v1 KIP-853: directory id of the voted candidate instead
 * of the voters.
 */
export const QuorumStateData = message({
  name: 'QuorumStateData',
  versions: '0-1',
  flexible: '0+',
  fields: {
    clusterId: string('0'),
    leaderId: int32({ default: -1 }),
    leaderEpoch: int32({ default: -1 }),
    votedId: int32({ default: -1 }),
    votedDirectoryId: uuid('1+'),
    appliedOffset: int64('0'),
    currentVoters: array({ voterId: int32() }, '0', { nullable: '0' }),
  },
})
export type QuorumStateDataValue = MessageOf<typeof QuorumStateData>
