import {
  api,
  array,
  gatheredRecords,
  int8,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseInputOf,
  string,
  struct,
  uuid,
} from '../schema.ts'

/**
 * Reads record batches, for consumers and followers. Batches are sent as stored in the log. v1 throttle time; v2 magic
 * 1; v3 KIP-74 limit for the whole response, and the order of partitions matters; v4 KIP-98 isolation level, magic 2;
 * v5 log start offset (KIP-107); v7 KIP-227 sessions; v9 KIP-320 leader epoch; v10 KIP-110 zstd; v11 KIP-392 rack; v12
 * flexible, diverging epochs and KIP-595; v13 KIP-516 topic ids; v14 KIP-405 tiered storage errors; v15 KIP-903 replica
 * state; v16 KIP-951 leader hints; v17 KIP-853 directory ids; v18 KIP-1166 high watermark of the follower.
 */
export const Fetch = api({
  key: 1,
  name: 'Fetch',
  versions: '0-18',
  flexible: '12+',
  request: {
    clusterId: string('12+', { tag: 0, nullable: '12+', default: null, ignorable: true }),
    // Up to v14; later in ReplicaState. -1: a consumer.
    replicaId: int32('0-14', { default: -1, entity: 'brokerId' }),
    replicaState: struct(
      { replicaId: int32({ default: -1, entity: 'brokerId' }), replicaEpoch: int64({ default: -1 }) },
      '15+',
      { tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32('3+', { default: 0x7fffffff, ignorable: true }),
    isolationLevel: int8('4+', { default: 0, ignorable: true }),
    sessionId: int32('7+', { default: 0, ignorable: true }),
    // 0 opens a session, -1 requests none or closes it (FetchMetadata).
    sessionEpoch: int32('7+', { default: -1, ignorable: true }),
    topics: array({
      topic: string('0-12', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32('9+', { default: -1, ignorable: true }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32('12+', { default: -1 }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid('17+', { tag: 0, ignorable: true }),
        // Long.MAX_VALUE: unknown.
        highWatermark: int64('18+', { tag: 1, default: Number.MAX_SAFE_INTEGER, ignorable: true }),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string('7-12', { ignorable: true, entity: 'topicName' }),
        topicId: uuid('13+', { ignorable: true }),
        partitions: array(int32()),
      },
      '7+',
    ),
    rackId: string('11+', { default: '', ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    errorCode: int16('7+', { ignorable: true }),
    sessionId: int32('7+', { default: 0 }),
    responses: array({
      topic: string('0-12', { default: '', ignorable: true, entity: 'topicName' }),
      topicId: uuid('13+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64('4+', { default: -1, ignorable: true }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        divergingEpoch: struct({ epoch: int32({ default: -1 }), endOffset: int64({ default: -1 }) }, '12+', { tag: 0 }),
        currentLeader: struct(
          { leaderId: int32({ default: -1, entity: 'brokerId' }), leaderEpoch: int32({ default: -1 }) },
          '12+',
          { tag: 1 },
        ),
        snapshotId: struct({ endOffset: int64({ default: -1 }), epoch: int32({ default: -1 }) }, '12+', { tag: 2 }),
        // Null unless the isolation level is read_committed.
        abortedTransactions: array({ producerId: int64({ entity: 'producerId' }), firstOffset: int64() }, '4+', {
          nullable: '4+',
          ignorable: true,
        }),
        preferredReadReplica: int32('11+', { default: -1, entity: 'brokerId' }),
        // Empty, never null, without records: old clients cannot handle null.
        records: gatheredRecords(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32({ entity: 'brokerId', mapKey: true }),
        host: string(),
        port: int32(),
        rack: string({ nullable: '16+', default: null }),
      },
      '16+',
      { tag: 0 },
    ),
  },
})
export type FetchRequest = RequestOf<typeof Fetch>
export type FetchResponse = ResponseInputOf<typeof Fetch>
