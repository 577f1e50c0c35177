import { ListOffsets, type ListOffsetsRequest, type ListOffsetsResponse } from '../../protocol/apis/list-offsets.ts'
import { type ErrorName, errorCode, isRejection } from '../../protocol/error-codes.ts'
import { runInSlices } from '../../storage/host/turn-slices.ts'
import type { TimestampAndOffset } from '../../storage/partition-log.ts'
import type { Partition } from '../partition/partition.ts'
import { partitionFailure } from '../partition/partition-failure.ts'
import type { FoundPartition } from '../partition/partition-registry.ts'
import { handler, type RequestContext } from './handler.ts'
import { legacyOffsets } from './legacy-offsets.ts'

type TopicRequest = ListOffsetsRequest['topics'][number]
type PartitionRequest = TopicRequest['partitions'][number]
type PartitionResponse = ListOffsetsResponse['topics'][number]['partitions'][number]

/** Special timestamps. Source: ListOffsetsRequest. */
const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

/** First version that allows each special timestamp. */
const oldestVersionFor: Readonly<Record<number, number>> = {
  [LATEST]: 0,
  [EARLIEST]: 0,
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
  [EARLIEST_PENDING_UPLOAD]: 11,
}

/** First version with a leader epoch in the response; older versions cannot encode it. */
const WITH_LEADER_EPOCH = 4
/** First version with OFFSET_NOT_AVAILABLE. */
const WITH_OFFSET_NOT_AVAILABLE = 5
const CONSUMER = -1
/** Replica id of debugging tools, which read from any replica. */
const DEBUGGING_CONSUMER = -2
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

/**
 * Finds offsets by timestamp, and the start and end of a log. Source: KafkaApis.handleListOffsetRequest,
 * ReplicaManager.fetchOffset.
 */
export const listOffsets = handler(ListOffsets, async (request, context) => {
  if (request.isolationLevel !== READ_UNCOMMITTED && request.isolationLevel !== READ_COMMITTED)
    return unknownIsolationLevel(request)
  if (context.apiVersion === 0) return legacyAnswer(request, context)
  const duplicates = duplicatePartitions(request)
  // Topics with the same name share an entry; topics without partitions are left out.
  const topics = new Map<string, Map<number, PartitionResponse>>()
  for (const topic of request.topics) {
    for (const asked of topic.partitions) {
      const wait = context.slices.next()
      if (wait !== undefined) await wait
      if (context.isAbandoned) return undefined
      const isDuplicate = duplicates.has(`${asked.partitionIndex}:${topic.name}`)
      const found = isDuplicate ? failure(asked, 'INVALID_REQUEST') : await answer(topic.name, asked, request, context)
      const others = topics.get(topic.name) ?? new Map<number, PartitionResponse>()
      topics.set(topic.name, others.set(asked.partitionIndex, found))
    }
  }
  return { topics: [...topics].map(([name, partitions]) => ({ name, partitions: [...partitions.values()] })) }
})

/** Answer to an unknown isolation level. Kafka does not check the level first: the request fails later. */
function unknownIsolationLevel({ topics }: ListOffsetsRequest) {
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((asked) => failure(asked, 'UNKNOWN_SERVER_ERROR')),
    })),
  }
}

function duplicatePartitions(request: ListOffsetsRequest): Set<string> {
  const seen = new Set<string>()
  const duplicates = new Set<string>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${partitionIndex}:${name}`
      if (seen.has(key)) duplicates.add(key)
      seen.add(key)
    }
  }
  return duplicates
}

async function answer(
  topic: string,
  asked: PartitionRequest,
  request: ListOffsetsRequest,
  context: RequestContext,
): Promise<PartitionResponse> {
  if (!isSupported(asked.timestamp, context.apiVersion)) return failure(asked, 'UNSUPPORTED_VERSION')
  const partition = await look(topic, asked, request, context)
  if (isRejection(partition)) return failure(asked, partition.error)
  const fenced = partition.checkEpoch(asked.currentLeaderEpoch)
  if (fenced !== undefined) return failure(asked, fenced.error)
  try {
    const isLagging = request.replicaId === CONSUMER && partition.isHighWatermarkLagging
    if (isLagging && asked.timestamp === LATEST) return failure(asked, notAvailable(context))
    const found = await find(partition, asked.timestamp, lastFetchableOffset(partition, request))
    if (isLagging && found === undefined) return failure(asked, notAvailable(context))
    return found === undefined ? failure(asked, 'NONE') : success(asked, found, context.apiVersion)
  } catch (error) {
    return failure(asked, partitionFailure(context.services, `${topic}-${asked.partitionIndex}`, error))
  }
}

/**
 * v0 answers with a list of offsets. Duplicate partitions are answered each time. Source:
 * KafkaApis.handleListOffsetRequestV0 (3.9).
 */
async function legacyAnswer(request: ListOffsetsRequest, context: RequestContext) {
  const topics: { name: string; partitions: PartitionResponse[] }[] = []
  for (const { name, partitions } of request.topics) {
    const answers: PartitionResponse[] = []
    topics.push({ name, partitions: answers })
    for (const asked of partitions) {
      const wait = context.slices.next()
      if (wait !== undefined) await wait
      if (context.isAbandoned) return undefined
      answers.push(await legacyPartition(name, asked, request, context))
    }
  }
  return { topics }
}

async function legacyPartition(
  topic: string,
  asked: PartitionRequest,
  request: ListOffsetsRequest,
  context: RequestContext,
): Promise<PartitionResponse> {
  if (!isSupported(asked.timestamp, 0)) return failure(asked, 'UNSUPPORTED_VERSION')
  const partition = await look(topic, asked, request, context)
  if (isRejection(partition)) return failure(asked, partition.error)
  const { slices, nowMs } = context
  const readableEnd = request.replicaId === CONSUMER ? partition.highWatermark : Number.POSITIVE_INFINITY
  const oldStyleOffsets = await runInSlices(legacyOffsets(partition.log, asked, { readableEnd, nowMs }), slices)
  if (oldStyleOffsets === undefined) return failure(asked, 'UNKNOWN_SERVER_ERROR')
  return { oldStyleOffsets, ...failure(asked, 'NONE') }
}

function notAvailable({ apiVersion }: RequestContext): ErrorName {
  return apiVersion >= WITH_OFFSET_NOT_AVAILABLE ? 'OFFSET_NOT_AVAILABLE' : 'LEADER_NOT_AVAILABLE'
}

function look(
  topic: string,
  { partitionIndex, currentLeaderEpoch }: PartitionRequest,
  { replicaId }: ListOffsetsRequest,
  { services: { partitions } }: RequestContext,
): FoundPartition | Promise<FoundPartition> {
  if (replicaId === DEBUGGING_CONSUMER) return partitions.replicaFor(topic, partitionIndex)
  return partitions.leaderFor(topic, partitionIndex, currentLeaderEpoch)
}

/** Other negative timestamps are unsupported. Source: isListOffsetsTimestampUnsupported. */
function isSupported(timestamp: number, version: number): boolean {
  return timestamp >= 0 || version >= (oldestVersionFor[timestamp] ?? Number.POSITIVE_INFINITY)
}

function lastFetchableOffset(partition: Partition, { replicaId, isolationLevel }: ListOffsetsRequest): number {
  if (replicaId !== CONSUMER) return partition.logEndOffset
  return isolationLevel === READ_COMMITTED ? partition.lastStableOffset : partition.highWatermark
}

/** Undefined if no record that the client may read matches. */
async function find(
  partition: Partition,
  timestamp: number,
  lastFetchable: number,
): Promise<TimestampAndOffset | undefined> {
  const { log, logStartOffset } = partition
  switch (timestamp) {
    case LATEST:
      return { timestampMs: -1, offset: lastFetchable, leaderEpoch: partition.leaderEpoch }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { timestampMs: -1, offset: logStartOffset, leaderEpoch: log.epochForOffset(logStartOffset) }
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      // This broker has no tiered storage; Kafka answers these values then.
      return { timestampMs: -1, offset: -1, leaderEpoch: -1 }
  }
  const found =
    timestamp === MAX_TIMESTAMP ? await log.maxTimestamp() : await log.offsetForTimestamp(timestamp, lastFetchable)
  return found !== undefined && found.offset < lastFetchable ? found : undefined
}

function success(
  { partitionIndex }: PartitionRequest,
  { timestampMs: timestamp, offset, leaderEpoch }: TimestampAndOffset,
  version: number,
): PartitionResponse {
  const answer = { partitionIndex, errorCode: 0, timestamp, offset }
  return version >= WITH_LEADER_EPOCH ? { leaderEpoch, ...answer } : answer
}

function failure({ partitionIndex }: PartitionRequest, error: ErrorName): PartitionResponse {
  return { partitionIndex, errorCode: errorCode(error) }
}
