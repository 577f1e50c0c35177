import { ZERO_UUID } from '../../protocol/schema.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { randomBatches } from './random-batches.ts'
import type { Vocabulary } from './random-message.ts'

/** Topics that exist at the start of every round. Their settings cover every path of an append. */
export const topics: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  plain: {},
  compact: { 'cleanup.policy': 'compact' },
  append: { 'message.timestamp.type': 'LogAppendTime' },
  gzip: { 'compression.type': 'gzip' },
  snappy: { 'compression.type': 'snappy' },
  lz4: { 'compression.type': 'lz4' },
  zstd: { 'compression.type': 'zstd' },
  bare: { 'compression.type': 'uncompressed' },
  small: { 'max.message.bytes': '600', 'segment.bytes': '1048576' },
  bounds: { 'message.timestamp.before.max.ms': '3600000', 'message.timestamp.after.max.ms': '3600000' },
}
const topicNames = Object.keys(topics)

const groups = ['group', 'other-group', '']
const configNames = [
  'retention.ms',
  'cleanup.policy',
  'compression.type',
  'max.message.bytes',
  'segment.bytes',
  'message.timestamp.type',
  'retention.bytes',
  'log.retention.ms',
  'consumer.session.timeout.ms',
  'no.such.config',
]
const configValues = ['-1', '0', '1', '1000', '1048576', 'delete', 'compact', 'gzip', 'zstd', 'LogAppendTime', '', 'x']
const assignors = ['range', 'roundrobin', 'uniform', 'cooperative-sticky']
const names = [...topicNames, 'new-topic', '__consumer_offsets', ...configNames, ...groups, '1', '']

const likely: Readonly<Record<string, readonly unknown[]>> = {
  topicName: [...topicNames, ...topicNames, 'new-topic', '__consumer_offsets', 'no/such'],
  topic: topicNames,
  groupId: groups,
  group: groups,
  key: groups,
  coordinatorKeys: groups,
  keyType: [0, 0, 0, 1, 2],
  memberId: ['', 'no-such-member'],
  groupInstanceId: ['static-1', 'static-2'],
  protocolType: ['consumer', 'consumer', 'connect', ''],
  assignmentStrategy: assignors,
  serverAssignor: assignors,
  transactionalId: ['transaction', 'other-transaction'],
  name: names,
  configName: configNames,
  resourceName: [...topicNames, '1', '', ...groups],
  resourceType: [2, 2, 4, 8, 16, 32],
  configOperation: [0, 1, 2, 3],
  value: configValues,
  acks: [-1, 1, 1, 0, 2],
  index: [0, 0, 0, 1, 2],
  partition: [0, 0, 0, 1, 2],
  partitionIndex: [0, 0, 0, 1, 2],
  partitionIndexes: [0, 1, 2],
  partitions: [0, 1, 2],
  replicaId: [-1, -1, -1, -2, 1],
  brokerId: [1, 1, 1, 2, -1],
  brokerIds: [1, 1, 1, 2, -1],
  numPartitions: [1, 2, 3, -1, 0],
  count: [1, 2, 3, 4],
  replicationFactor: [1, 1, -1, 2],
  leaderEpoch: [-1, 0, 1],
  currentLeaderEpoch: [-1, 0, 1],
  fetchOffset: [0, 0, 1, 2, 10],
  offset: [0, 1, -1],
  committedOffset: [0, 1, 5],
  timestamp: [-1, -2, -3, -4, -5, 0, 1_767_225_600_000],
  maxWaitMs: [0, 0, 0, 10, 100],
  minBytes: [0, 1, 1, 1000],
  maxBytes: [0, 1000, 1 << 20, 1 << 26],
  partitionMaxBytes: [0, 1000, 1 << 20],
  sessionId: [0],
  sessionEpoch: [-1, 0, 1, 2],
  isolationLevel: [0, 1, 2],
  timeoutMs: [0, 1000],
  sessionTimeoutMs: [6000, 10_000, 30_000],
  rebalanceTimeoutMs: [0, 1000, 6000, 60_000],
  generationId: [-1, 0, 1, 2],
  generationIdOrMemberEpoch: [-1, 0, 1, 2],
  memberEpoch: [0, 0, 1, -1, -2],
  producerId: [-1, 0, 1, 1000],
  producerEpoch: [-1, 0, 1],
  mechanism: ['PLAIN', 'SCRAM-SHA-256'],
  patternTypeFilter: [1, 2, 3, 4],
  clientSoftwareName: ['fuzzer', '', '-'],
  subscribedTopicRegex: ['pl.*', '(', '(a+)+$', '[a-', '\\1'],
}

const numbers = [3, 5, 10, 100, 1000, 30_000, 65_536, 1 << 20, 1_767_225_600_000, 2 ** 40]

/** Field values of a client, including those from the broker's responses in this round: member ids, session ids, ... */
export class LearnedVocabulary implements Vocabulary {
  readonly likely = new Map(Object.entries(likely))
  readonly strings = names
  readonly numbers = numbers
  readonly records: (random: SeededRandom) => Buffer = (random) => randomBatches(random)
  uuids: string[] = [ZERO_UUID, 'BBBBBBBBBBBBBBBBBBBBBA']

  /** Adds the id of a topic that requests may name. */
  learnTopicId(topicId: string): void {
    if (!this.uuids.includes(topicId)) this.uuids = [...this.uuids.slice(-20), topicId]
  }

  /** Keeps a value from an answer for later requests, if the field's name is one of the known ones. */
  learn(name: string, value: unknown): void {
    if (!learnable.has(name) || value === '' || value === null) return
    const known = this.likely.get(name) ?? []
    if (!known.includes(value)) this.likely.set(name, [...known.slice(known.length > 12 ? 1 : 0), value])
  }
}

const learnable = new Set(['memberId', 'sessionId', 'producerId', 'producerEpoch', 'generationId', 'memberEpoch'])
