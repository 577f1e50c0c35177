import { apiByKey } from '../../protocol/apis/index.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import type { ApiSchema, Field, Fields, FieldType } from '../../protocol/schema.ts'
import { includesVersion, ZERO_UUID } from '../../protocol/schema.ts'

/** The broker has topics `topic-0` and so on, with one partition each. */
export const TOPICS = 8000
/** Topic with many partitions; as a topic id it stands for that topic's id. */
export const WIDE = 'wide'
export const PARTITIONS = 8000

/** The broker has that many transactional ids. Each has its number as producer id. */
export const TRANSACTIONS = 2000

export function transactionalId(index: number): string {
  return `transaction-${index}`
}

function ofTransaction(index: number) {
  return { transactionalId: transactionalId(index), producerId: index, producerEpoch: 0 }
}

/** Builds a request with the given number of elements. */
export type LargeRequest = (elements: number, api: ApiSchema, version: number) => object

/** The largest sensible request of each served API, by name. */
export const largeRequests: Readonly<Record<string, LargeRequest>> = {
  Produce: (elements) => ({
    acks: 1,
    timeoutMs: 1000,
    topicData: [{ topicId: WIDE, partitionData: numbers(elements / 4).map((index) => ({ index, records: batch })) }],
  }),
  Fetch: (elements) => ({
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1 << 20,
    topics: [
      {
        topicId: WIDE,
        partitions: numbers(elements).map((partition) => ({
          partition,
          fetchOffset: 0,
          currentLeaderEpoch: -1,
          logStartOffset: -1,
          partitionMaxBytes: 1 << 20,
        })),
      },
    ],
    forgottenTopicsData: [],
  }),
  ListOffsets: (elements) => ({
    replicaId: -1,
    isolationLevel: 0,
    topics: numbers(elements).map((i) => ({ name: `topic-${i}`, partitions: [{ partitionIndex: 0, timestamp: -1 }] })),
  }),
  Metadata: (elements, api, version) => ({ ...manyOfEach(elements, api, version), allowAutoTopicCreation: false }),
  OffsetCommit: (elements) => ({ ...nobody, groupId: 'group', topics: [committed(WIDE, 0, elements)] }),
  OffsetFetch: (elements) => ({
    groups: [{ groupId: 'group', topics: [{ topicId: WIDE, partitionIndexes: numbers(elements) }] }],
    requireStable: false,
  }),
  FindCoordinator: (elements) => ({ keyType: 0, coordinatorKeys: numbers(elements).map((i) => `group-${i}`) }),
  JoinGroup: (elements) => ({
    groupId: 'joined',
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: numbers(elements).map((i) => ({ name: `protocol-${i}`, metadata: Buffer.alloc(0) })),
  }),
  AddPartitionsToTxn: (elements) => ({
    transactions: [
      {
        ...ofTransaction(0),
        verifyOnly: false,
        topics: [{ name: WIDE, partitions: numbers(Math.min(elements, PARTITIONS)) }],
      },
    ],
  }),
  AddOffsetsToTxn: () => ({ ...ofTransaction(1), groupId: 'group' }),
  EndTxn: () => ({ ...ofTransaction(0), committed: true }),
  WriteTxnMarkers: (elements) => ({
    markers: [
      {
        ...ofTransaction(2),
        transactionResult: true,
        topics: [{ name: WIDE, partitionIndexes: numbers(elements / 4) }],
        coordinatorEpoch: 0,
      },
    ],
  }),
  TxnOffsetCommit: (elements) => ({
    ...nobody,
    ...ofTransaction(3),
    groupId: 'group',
    topics: [committed(WIDE, 0, elements)],
  }),
  DescribeTransactions: (elements) => ({ transactionalIds: numbers(elements).map(transactionalId) }),
  ListTransactions: (elements) => ({
    stateFilters: [],
    producerIdFilters: numbers(elements),
    durationFilter: -1,
    transactionalIdPattern: 'transaction-.*[0-9]',
  }),
  Heartbeat: manyOfEach,
  LeaveGroup: manyOfEach,
  SyncGroup: manyOfEach,
  DescribeGroups: manyOfEach,
  ListGroups: manyOfEach,
  SaslHandshake: manyOfEach,
  ApiVersions: manyOfEach,
  CreateTopics: (elements) => ({
    topics: numbers(elements).map((i) => ({
      name: `new-${elements}-${i}`,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
    timeoutMs: 1000,
    validateOnly: false,
  }),
  DeleteTopics: (elements) => ({
    topics: numbers(elements).map((i) => ({ name: `deleted-${elements}-${i}`, topicId: ZERO_UUID })),
    timeoutMs: 1000,
  }),
  DeleteRecords: (elements) => ({
    topics: [{ name: WIDE, partitions: numbers(elements).map((partitionIndex) => ({ partitionIndex, offset: 0 })) }],
    timeoutMs: 1000,
  }),
  InitProducerId: manyOfEach,
  OffsetForLeaderEpoch: (elements) => ({
    replicaId: -1,
    topics: numbers(elements).map((i) => ({
      topic: `topic-${i}`,
      partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }],
    })),
  }),
  DescribeAcls: () => ({ ...anyAcl, resourceNameFilter: null, principalFilter: null, hostFilter: null }),
  CreateAcls: (elements) => ({
    creations: numbers(elements).map((i) => ({
      resourceType: 2,
      resourceName: `topic-${i}`,
      resourcePatternType: 3,
      principal: 'User:a',
      host: '*',
      operation: 3,
      permissionType: 3,
    })),
  }),
  DeleteAcls: (elements) => ({
    filters: numbers(elements).map((i) => ({
      ...anyAcl,
      resourceNameFilter: `topic-${i}`,
      principalFilter: null,
      hostFilter: null,
    })),
  }),
  DescribeConfigs: (elements) => ({
    resources: numbers(elements / 4).map((i) => ({
      resourceType: 2,
      resourceName: `topic-${i}`,
      configurationKeys: null,
    })),
    includeSynonyms: true,
    includeDocumentation: false,
  }),
  AlterConfigs: (elements) => ({
    resources: numbers(elements).map((i) => ({ resourceType: 2, resourceName: `topic-${i}`, configs: [retention] })),
    validateOnly: false,
  }),
  AlterReplicaLogDirs: (elements) => ({
    dirs: [{ path: '/data', topics: [{ name: WIDE, partitions: numbers(elements) }] }],
  }),
  DescribeLogDirs: (elements) => ({ topics: [{ topic: WIDE, partitions: numbers(elements) }] }),
  SaslAuthenticate: manyOfEach,
  CreatePartitions: (elements) => ({
    topics: numbers(elements).map((i) => ({ name: `topic-${i}`, count: 2, assignments: null })),
    timeoutMs: 1000,
    validateOnly: true,
  }),
  CreateDelegationToken: manyOfEach,
  RenewDelegationToken: manyOfEach,
  ExpireDelegationToken: manyOfEach,
  DescribeDelegationToken: manyOfEach,
  DeleteGroups: manyOfEach,
  ElectLeaders: (elements) => ({
    electionType: 0,
    topicPartitions: numbers(elements).map((i) => ({ topic: `topic-${i}`, partitions: [0] })),
    timeoutMs: 1000,
  }),
  IncrementalAlterConfigs: (elements) => ({
    resources: numbers(elements).map((i) => ({
      resourceType: 2,
      resourceName: `topic-${i}`,
      configs: [{ ...retention, configOperation: 0 }],
    })),
    validateOnly: false,
  }),
  AlterPartitionReassignments: (elements) => ({
    timeoutMs: 1000,
    topics: numbers(elements).map((i) => ({ name: `topic-${i}`, partitions: [{ partitionIndex: 0, replicas: [1] }] })),
  }),
  ListPartitionReassignments: (elements) => ({
    timeoutMs: 1000,
    topics: numbers(elements).map(() => ({ name: WIDE, partitionIndexes: [0] })),
  }),
  OffsetDelete: (elements) => ({
    groupId: 'group',
    topics: [{ name: WIDE, partitions: numbers(elements).map((partitionIndex) => ({ partitionIndex })) }],
  }),
  DescribeClientQuotas: manyOfEach,
  AlterClientQuotas: (elements) => ({
    entries: numbers(elements / 4).map((i) => ({
      entity: [{ entityType: 'user', entityName: `user-${i}` }],
      ops: [{ key: 'producer_byte_rate', value: 1000 + i, remove: false }],
    })),
    validateOnly: false,
  }),
  DescribeUserScramCredentials: manyOfEach,
  AlterUserScramCredentials: (elements) => ({
    deletions: [],
    upsertions: numbers(elements / 4).map((i) => ({
      name: `user-${i}`,
      mechanism: 1,
      iterations: 4096,
      salt: Buffer.from('salt'),
      saltedPassword: Buffer.alloc(32),
    })),
  }),
  DescribeQuorum: manyOfEach,
  UpdateFeatures: (elements, api, version) => ({ ...manyOfEach(elements, api, version), validateOnly: true }),
  DescribeCluster: manyOfEach,
  DescribeProducers: manyOfEach,
  UnregisterBroker: manyOfEach,
  ConsumerGroupHeartbeat: (elements) => ({
    groupId: 'heartbeat',
    memberId: 'member',
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: numbers(elements).map((i) => `topic-${i}`),
    topicPartitions: [],
  }),
  ConsumerGroupDescribe: manyOfEach,
  GetTelemetrySubscriptions: manyOfEach,
  PushTelemetry: manyOfEach,
  ListConfigResources: manyOfEach,
  DescribeTopicPartitions: (elements, api, version) => ({
    ...manyOfEach(elements, api, version),
    responsePartitionLimit: 2000,
    cursor: null,
  }),
  AddRaftVoter: manyOfEach,
  RemoveRaftVoter: manyOfEach,
  UnregisterController: manyOfEach,
}

const anyAcl = { resourceTypeFilter: 2, patternTypeFilter: 3, operation: 3, permissionType: 3 }
const batch = buildBatch([{ timestamp: 1_767_225_600_000, key: null, value: 'value' }])
const retention = { name: 'retention.ms', value: '3600000' }
const nobody = { memberId: '', generationIdOrMemberEpoch: -1, groupInstanceId: null }

/** A topic with offsets of `count` partitions starting at `first`. */
export function committed(topicId: string, first: number, count: number): object {
  return {
    topicId,
    partitions: numbers(count).map((index) => ({
      partitionIndex: first + index,
      committedOffset: 1,
      committedLeaderEpoch: -1,
      committedMetadata: '',
    })),
  }
}

/** The numbers 0, 1 and so on. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** Throws if there is none. */
export function apiNamed(name: string): ApiSchema {
  const api = [...apiByKey.values()].find((each) => each.name === name)
  if (api === undefined) throw new Error(`no api ${name}`)
  return api
}

/** Fills each array of the request itself with that many different elements; arrays in these have one element. */
function manyOfEach(elements: number, api: ApiSchema, version: number): object {
  return structOf(api.request.fields, version, 0, elements)
}

function structOf(fields: Fields, version: number, seed: number, elements: number): Record<string, unknown> {
  const entries = Object.entries(fields)
    .filter(([, field]) => includesVersion(field.versions, version))
    .map(([name, field]) => [name, anyValue(field, name, version, seed, elements)])
  return Object.fromEntries(entries)
}

function anyValue(type: FieldType<unknown>, name: string, version: number, seed: number, elements: number): unknown {
  switch (type.kind) {
    case 'array':
      return numbers(elements).map((i) => anyValue(type.element!, name, version, elements === 1 ? seed : i, 1))
    case 'struct':
      return structOf(type.fields!, version, seed, 1)
    case 'string':
      return `${name}-${seed}`
    case 'uuid':
      return ZERO_UUID
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    case 'bool':
      return false
    case 'int64Exact':
      return 1n
    default:
      return name.endsWith('Type') || name === 'operation' ? 3 : ((type as Field<number>).default ?? 1)
  }
}
