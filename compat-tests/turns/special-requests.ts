import { ZERO_UUID } from '../../protocol/schema.ts'
import { committed, type LargeRequest, numbers, PARTITIONS, TOPICS, WIDE } from './large-requests.ts'

/** A large request of an API whose cost has another cause than that of its entry in `largeRequests`. */
export interface SpecialRequest {
  readonly what: string
  readonly api: string
  readonly elements: number
  readonly build: LargeRequest
  /** Why a turn may be longer than others, and how long, in ms of processor time. */
  readonly oneDecision?: number
}

let made = 0

/** Requests that each create a group of their own. */
const joining = () => ({
  groupId: `special-${made}`,
  memberId: `member-${made++}`,
  memberEpoch: 0,
  rebalanceTimeoutMs: 30_000,
  topicPartitions: [],
})

const described = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }
const fromStart = { fetchOffset: 0, currentLeaderEpoch: -1, logStartOffset: -1, partitionMaxBytes: 1 << 20 }

/** Fetch of the partitions 0 and so on of one topic, most of which do not exist. */
export function fetchOf(elements: number, changes: object): object {
  const partitions = numbers(elements).map((partition) => ({ partition, ...fromStart }))
  const topics = elements === 0 ? [] : [{ topicId: WIDE, partitions }]
  return { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20, topics, forgottenTopicsData: [], ...changes }
}

export const specialRequests: readonly SpecialRequest[] = [
  {
    what: 'a Fetch that opens a session',
    api: 'Fetch',
    elements: 100_000,
    build: (elements) => fetchOf(elements, { sessionId: 0, sessionEpoch: 0 }),
  },
  {
    what: 'a Fetch that waits for all partitions of a topic',
    api: 'Fetch',
    elements: PARTITIONS,
    build: (elements) => fetchOf(elements, { sessionId: 0, sessionEpoch: -1, maxWaitMs: 100, minBytes: 1 }),
  },
  {
    what: 'a Metadata of all topics',
    api: 'Metadata',
    elements: TOPICS,
    build: () => ({ topics: null, ...described, allowAutoTopicCreation: false }),
  },
  {
    what: 'a Metadata of one topic with many partitions',
    api: 'Metadata',
    elements: 1,
    build: () => ({ topics: [{ name: WIDE, topicId: ZERO_UUID }], ...described, allowAutoTopicCreation: false }),
  },
  {
    what: 'an OffsetCommit as large as its batch may be',
    api: 'OffsetCommit',
    elements: 8000,
    build: (elements) => ({
      groupId: 'group',
      memberId: '',
      generationIdOrMemberEpoch: -1,
      groupInstanceId: null,
      topics: [committed(WIDE, 0, elements)],
    }),
    oneDecision: 60,
  },
  {
    what: 'an OffsetFetch of one topic',
    api: 'OffsetFetch',
    elements: 100_000,
    build: (elements) => ({
      groups: [{ groupId: 'group', topics: [{ topicId: WIDE, partitionIndexes: numbers(elements) }] }],
      requireStable: false,
    }),
    oneDecision: 100,
  },
  {
    what: 'a ConsumerGroupHeartbeat that joins with many topics',
    api: 'ConsumerGroupHeartbeat',
    elements: 8000,
    build: (elements) => ({ ...joining(), subscribedTopicNames: numbers(elements).map((i) => `topic-${i}`) }),
    oneDecision: 250,
  },
  {
    what: 'a ConsumerGroupHeartbeat with a regular expression for all topics',
    api: 'ConsumerGroupHeartbeat',
    elements: 1,
    build: () => ({ ...joining(), subscribedTopicRegex: 'topic-.*' }),
  },
  {
    what: 'a DescribeLogDirs of everything',
    api: 'DescribeLogDirs',
    elements: TOPICS,
    build: () => ({ topics: null }),
  },
  {
    what: 'an AlterReplicaLogDirs of one topic',
    api: 'AlterReplicaLogDirs',
    elements: 100_000,
    build: (elements) => ({ dirs: [{ path: '/data', topics: [{ name: WIDE, partitions: numbers(elements) }] }] }),
  },
  {
    what: 'a DescribeConfigs that repeats one topic',
    api: 'DescribeConfigs',
    elements: 3000,
    build: (elements) => ({
      resources: numbers(elements).map(() => ({ resourceType: 2, resourceName: 'topic-1', configurationKeys: null })),
      includeSynonyms: true,
      includeDocumentation: false,
    }),
  },
  {
    what: 'a CreatePartitions that adds many to one topic',
    api: 'CreatePartitions',
    elements: 8000,
    build: (elements) => ({
      topics: [{ name: 'topic-1', count: 1 + elements, assignments: null }],
      timeoutMs: 1000,
      validateOnly: true,
    }),
  },
]
