import { api, array, int16, int32, type RequestOf, type ResponseInputOf, string, struct, uuid } from '../schema.ts'

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
}

/**
 * Joins, keeps alive, reconciles and leaves a group of the new protocol, all in one api (KIP-848). v1 subscription by
 * regular expression, and the member chooses its own id (KIP-1082).
 */
export const ConsumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string({ entity: 'groupId' }),
    memberId: string(),
    // 0 joins, -1 leaves, -2 leaves temporarily as a static member.
    memberEpoch: int32(),
    instanceId: string({ nullable: '0+', default: null }),
    rackId: string({ nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    // Null: unchanged since the last heartbeat. The same applies to every nullable field here.
    subscribedTopicNames: array(string(), { nullable: '0+', default: null, entity: 'topicName' }),
    subscribedTopicRegex: string('1+', { nullable: '1+', default: null }),
    serverAssignor: string({ nullable: '0+', default: null }),
    topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }, { nullable: '0+', default: null }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    memberId: string({ nullable: '0+', default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    // Null: unchanged.
    assignment: struct({ topicPartitions: array(topicPartitions) }, { nullable: '0+', default: null }),
  },
})
export type ConsumerGroupHeartbeatRequest = RequestOf<typeof ConsumerGroupHeartbeat>
export type ConsumerGroupHeartbeatResponse = ResponseInputOf<typeof ConsumerGroupHeartbeat>
