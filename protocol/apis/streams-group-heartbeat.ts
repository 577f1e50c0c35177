import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseInputOf,
  string,
  struct,
  uint16,
} from '../schema.ts'

const keyValue = {
  key: string(),
  value: string(),
}

const topicInfo = {
  name: string({ entity: 'topicName' }),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(keyValue),
}

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
}

const endpoint = {
  host: string(),
  port: uint16(),
}

const taskOffset = {
  subtopologyId: string(),
  partition: int32(),
  offset: int64(),
}

const status = {
  statusCode: int8(),
  statusDetail: string(),
}

const topicPartition = {
  topic: string({ entity: 'topicName' }),
  partitions: array(int32()),
}

/**
 * Joins, keeps alive, reconciles and leaves a Kafka Streams group; the first one contains the topology (KIP-1071). v1
 * the broker may ask for a description of the topology (KIP-1331).
 */
export const StreamsGroupHeartbeat = api({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  request: {
    groupId: string({ entity: 'groupId' }),
    memberId: string(),
    memberEpoch: int32(),
    endpointInformationEpoch: int32(),
    instanceId: string({ nullable: '0+', default: null }),
    rackId: string({ nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    // Only in the first heartbeat.
    topology: struct(
      {
        epoch: int32(),
        subtopologies: array({
          subtopologyId: string(),
          sourceTopics: array(string(), { entity: 'topicName' }),
          sourceTopicRegex: array(string()),
          stateChangelogTopics: array(topicInfo),
          repartitionSinkTopics: array(string(), { entity: 'topicName' }),
          repartitionSourceTopics: array(topicInfo),
          copartitionGroups: array({
            sourceTopics: array(int16()),
            sourceTopicRegex: array(int16()),
            repartitionSourceTopics: array(int16()),
          }),
        }),
      },
      { nullable: '0+', default: null },
    ),
    activeTasks: array(taskIds, { nullable: '0+', default: null }),
    standbyTasks: array(taskIds, { nullable: '0+', default: null }),
    warmupTasks: array(taskIds, { nullable: '0+', default: null }),
    processId: string({ nullable: '0+', default: null }),
    userEndpoint: struct(endpoint, { nullable: '0+', default: null }),
    clientTags: array(keyValue, { nullable: '0+', default: null }),
    taskOffsets: array(taskOffset, { nullable: '0+', default: null }),
    taskEndOffsets: array(taskOffset, { nullable: '0+', default: null }),
    shutdownApplication: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    memberId: string(),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    acceptableRecoveryLagLegacy: int32('0', { default: 0 }),
    taskOffsetIntervalMs: int32(),
    acceptableRecoveryLag: int64('1+', { default: -1, ignorable: true }),
    status: array(status, { nullable: '0+' }),
    activeTasks: array(taskIds, { nullable: '0+', default: null }),
    standbyTasks: array(taskIds, { nullable: '0+', default: null }),
    warmupTasks: array(taskIds, { nullable: '0+', default: null }),
    topologyDescriptionRequired: bool('1+', { default: false }),
    endpointInformationEpoch: int32(),
    partitionsByUserEndpoint: array(
      {
        userEndpoint: struct(endpoint),
        activePartitions: array(topicPartition),
        standbyPartitions: array(topicPartition),
      },
      { nullable: '0+', default: null },
    ),
  },
})
export type StreamsGroupHeartbeatRequest = RequestOf<typeof StreamsGroupHeartbeat>
export type StreamsGroupHeartbeatResponse = ResponseInputOf<typeof StreamsGroupHeartbeat>
