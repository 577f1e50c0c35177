import { array, bytes, int32, type MessageOf, message, string } from '../schema.ts'

/**
 * Metadata of a member of a classic consumer group, preceded by its version as int16. v1 KIP-429 owned partitions; v2
 * generation; v3 KIP-881 rack.
 */
export const ConsumerProtocolSubscription = message({
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  flexible: 'none',
  fields: {
    topics: array(string()),
    userData: bytes({ nullable: '0+', default: null }),
    ownedPartitions: array({ topic: string({ entity: 'topicName', mapKey: true }), partitions: array(int32()) }, '1+', {
      ignorable: true,
    }),
    generationId: int32('2+', { default: -1, ignorable: true }),
    rackId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  },
})
export type ConsumerProtocolSubscriptionValue = MessageOf<typeof ConsumerProtocolSubscription>

/** Assignment of a member of a classic consumer group, preceded by its version as int16. All versions are the same. */
export const ConsumerProtocolAssignment = message({
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  flexible: 'none',
  fields: {
    assignedPartitions: array({ topic: string({ entity: 'topicName', mapKey: true }), partitions: array(int32()) }),
    userData: bytes({ nullable: '0+', default: null }),
  },
})
export type ConsumerProtocolAssignmentValue = MessageOf<typeof ConsumerProtocolAssignment>
