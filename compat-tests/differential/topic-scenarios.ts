import { randomUUID } from 'node:crypto'
import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { DescribeCluster } from '../../protocol/apis/describe-cluster.ts'
import { DescribeLogDirs } from '../../protocol/apis/describe-log-dirs.ts'
import { DescribeTopicPartitions } from '../../protocol/apis/describe-topic-partitions.ts'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { ListPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { UpdateFeatures } from '../../protocol/apis/update-features.ts'
import type { InputValue, ValueOf } from '../../protocol/schema.ts'
import { waitFor } from '../wait-for.ts'
import { inAges, inVersions, type Scenario } from './scenario.ts'
import type { Send } from './transcript.ts'

type NewTopic = InputValue<typeof CreateTopics.request.fields>['topics'][number]

const timeoutMs = 10_000
const fakeId = 'f4keAAAAAAAAAAAAAAAAAA'

/** A topic with one partition by default. */
export function topic(name: string, wish: Partial<NewTopic> = {}): NewTopic {
  return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...wish }
}

/** Creates a topic with the newest version, whatever the scenario tests; resolves once readers see it. */
export async function makeTopic(send: Send, name: string, wish: Partial<NewTopic> = {}): Promise<string> {
  const { topics } = await send(CreateTopics, 7, `(make ${name})`, { topics: [topic(name, wish)], timeoutMs })
  await topicIsSeen(send, name)
  return topics[0]?.topicId as string
}

/** Waits until readers see all changes so far. Changes become visible in order, so one more topic is enough. */
export async function changesAreSeen(send: Send): Promise<void> {
  const name = `barrier-${randomUUID()}`
  await send(CreateTopics, 7, '~', { topics: [topic(name)], timeoutMs })
  await topicIsSeen(send, name)
}

/** Kafka's controller answers before its broker knows a topic. */
async function topicIsSeen(send: Send, name: string): Promise<void> {
  await waitFor(`metadata of ${name}`, async () => {
    const seen = await send(Metadata, 12, '~', { topics: [{ name }], allowAutoTopicCreation: false })
    return seen.topics[0]?.errorCode === 0
  })
}

/**
 * Waits until all changes so far have taken effect. Kafka's broker shows a change, then applies it, then shows the next
 * one: so it takes two more.
 */
export async function changesAreApplied(send: Send): Promise<void> {
  for (let i = 0; i < 2; i++) await changesAreSeen(send)
}

/** Kafka's broker creates its logs after its controller has answered, and leads the partitions a moment later. */
export async function logsAreThere(send: Send, topic: string, count: number): Promise<void> {
  await waitFor(`the logs of ${topic}`, async () => {
    const { results } = await send(DescribeLogDirs, 4, '~', { topics: null })
    const partitions = results[0]?.topics.find(({ name }) => name === topic)?.partitions ?? []
    return partitions.filter(({ offsetLag }) => offsetLag === 0).length === count
  })
  const asked = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 }))
  await waitFor(`the leader of ${topic}`, async () => {
    const topics = [{ name: topic, partitions: asked }]
    const answer = await send(ListOffsets, 7, '~', { replicaId: -1, topics })
    return answer.topics[0]?.partitions.every(({ errorCode }) => errorCode === 0)
  })
}

const refusedTopics: [string, Partial<NewTopic> & { name?: string }][] = [
  ['empty name', { name: '' }],
  ['a dot', { name: '.' }],
  ['two dots', { name: '..' }],
  ['illegal characters', { name: 'a b/ä' }],
  ['too long a name', { name: 'x'.repeat(250) }],
  ['the metadata log', { name: '__cluster_metadata' }],
  ['no partitions', { numPartitions: 0 }],
  ['negative partitions', { numPartitions: -2 }],
  ['no replicas', { replicationFactor: 0 }],
  ['negative replicas', { replicationFactor: -2 }],
  ['more replicas than brokers', { replicationFactor: 2 }],
  ['too many partitions', { numPartitions: 10_001 }],
  ['unknown config', { configs: [{ name: 'no.such.config', value: '1' }] }],
  ['not a number', { configs: [{ name: 'retention.ms', value: 'soon' }] }],
  ['not an int', { configs: [{ name: 'segment.bytes', value: '99999999999' }] }],
  ['too small', { configs: [{ name: 'segment.bytes', value: '10' }] }],
  ['unknown word', { configs: [{ name: 'compression.type', value: 'rar' }] }],
  ['unknown policy', { configs: [{ name: 'cleanup.policy', value: 'delete,burn' }] }],
  ['policy twice', { configs: [{ name: 'cleanup.policy', value: 'delete,delete' }] }],
  ['not a boolean', { configs: [{ name: 'preallocate', value: 'maybe' }] }],
  ['ratio out of range', { configs: [{ name: 'min.cleanable.dirty.ratio', value: '1.5' }] }],
  ['gzip level out of range', { configs: [{ name: 'compression.gzip.level', value: '0' }] }],
  ['malformed throttle list', { configs: [{ name: 'leader.replication.throttled.replicas', value: 'a:b,1:2' }] }],
  [
    'lags that conflict',
    {
      configs: [
        { name: 'min.compaction.lag.ms', value: '9223372036854775807' },
        { name: 'max.compaction.lag.ms', value: '9223372036854775806' },
      ],
    },
  ],
  ['remote storage', { configs: [{ name: 'remote.storage.enable', value: 'true' }] }],
  ['null config', { configs: [{ name: 'retention.ms', value: null }] }],
  ['manual assignment and replication factor', { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }],
  [
    'manual assignment and partitions',
    {
      replicationFactor: -1,
      assignments: [{ partitionIndex: 0, brokerIds: [1] }],
    },
  ],
  ['assignment with a gap', assigned([0, [1]], [2, [1]])],
  ['assignment to nobody', assigned([0, []])],
  ['assignment to a stranger', assigned([0, [7]])],
  ['assignment to one twice', assigned([0, [1, 1]])],
]

function assigned(...partitions: [number, number[]][]): Partial<NewTopic> {
  const assignments = partitions.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds }))
  return { numPartitions: -1, replicationFactor: -1, assignments }
}

const creation: Scenario[] = inVersions(CreateTopics, 'what is created and what is refused', async (send, version) => {
  const name = (what: string) => `create-${version}-${what}`
  const create = (what: string, ...topics: NewTopic[]) => send(CreateTopics, version, what, { topics, timeoutMs })
  await create('one partition', topic(name('one')))
  await create('exists', topic(name('one')))
  if (version >= 4) await create('defaults', topic(name('defaults'), { numPartitions: -1, replicationFactor: -1 }))
  await create(
    'configs',
    topic(name('configs'), {
      numPartitions: 3,
      configs: [
        { name: 'retention.ms', value: '9223372036854775807' },
        { name: 'cleanup.policy', value: 'compact,delete' },
        { name: 'min.cleanable.dirty.ratio', value: '0.25' },
        { name: 'flush.messages', value: '+0012' },
      ],
    }),
  )
  await create('assigned', topic(name('assigned'), assigned([1, [1]], [0, [1]])))
  await create('several, one of them bad', topic(name('good')), topic('b a d'))
  await create('duplicate names', topic(name('twice')), topic(name('twice')), topic(name('once')))
  await create('nothing')
  await create('a name with a dot', topic(name('a.b')))
  await create('a name that collides', topic(name('a_b')))
  for (const [what, wish] of refusedTopics) await create(what, topic(name(what.replaceAll(' ', '-')), wish))
  await create(
    'a config twice',
    topic(name('config-twice'), {
      configs: [
        { name: 'retention.ms', value: '5' },
        { name: 'retention.ms', value: '6' },
      ],
    }),
  )
  await create('a config without a name', topic(name('nameless'), { configs: [{ name: '', value: '5' }] }))
  await create('as long a name as may be', topic(`${name('')}${'x'.repeat(249 - name('').length)}`))
  await create('letters of other alphabets', topic(name('ελλ')))
  await create('a partition assigned twice', topic(name('assigned-twice'), assigned([0, [1]], [0, [1]])))
  await create('a negative partition', topic(name('assigned-negative'), assigned([-1, [1]], [0, [1]])))
  await create('a negative broker', topic(name('assigned-to-negative'), assigned([0, [-1]])))
  await send(CreateTopics, version, 'validate only what is bad', {
    topics: [topic(name('one')), topic('b a d'), topic(name('valid'), { numPartitions: 0 })],
    timeoutMs,
    validateOnly: true,
  })
  await send(CreateTopics, version, 'validate only', { topics: [topic(name('valid'))], timeoutMs, validateOnly: true })
  await changesAreSeen(send)
  await send(Metadata, 9, 'after validate only', { topics: [{ name: name('valid') }], allowAutoTopicCreation: false })
})

const impatient: Scenario[] = inAges('no time to wait for the controller', async ({ send, at, age }) => {
  const name = `impatient-${age}`
  await makeTopic(send, name)
  for (const timeout of [0, -1]) {
    const wait = `${timeout} ms`
    const within = { timeoutMs: timeout }
    await send(CreateTopics, at(CreateTopics), wait, { topics: [topic(`${name}${timeout}`), topic('a b')], ...within })
    await send(CreateTopics, at(CreateTopics), `nothing, ${wait}`, { topics: [], ...within })
    const more = { name, count: 2, assignments: null }
    await send(CreatePartitions, at(CreatePartitions), wait, { topics: [more], validateOnly: false, ...within })
    await send(CreatePartitions, at(CreatePartitions), `nothing, ${wait}`, {
      topics: [],
      validateOnly: false,
      ...within,
    })
    const names = at(DeleteTopics) < 6 ? { topicNames: [name] } : { topics: [{ name }] }
    await send(DeleteTopics, at(DeleteTopics), wait, { ...names, ...within })
    const unknown = at(DeleteTopics) < 6 ? { topicNames: ['no-such'] } : { topics: [{ name: 'no-such' }] }
    await send(DeleteTopics, at(DeleteTopics), `a topic that is not there, ${wait}`, { ...unknown, ...within })
    await send(DeleteTopics, at(DeleteTopics), `nothing, ${wait}`, { topics: [], ...within })
    if (at(DeleteTopics) >= 6) {
      const malformed = { topics: [{ name, topicId: fakeId }, { name: null }], ...within }
      await send(DeleteTopics, 6, `malformed, ${wait}`, malformed)
      await send(DeleteTopics, 6, `some malformed, ${wait}`, { topics: [...malformed.topics, { name }], ...within })
      await send(DeleteTopics, 6, `by id, ${wait}`, { topics: [{ name: null, topicId: fakeId }], ...within })
    }
    const partitions = [{ partitionIndex: 0, replicas: [1] }]
    const moves = [{ name, partitions }]
    await send(AlterPartitionReassignments, at(AlterPartitionReassignments), wait, { topics: moves, ...within })
    await send(AlterPartitionReassignments, at(AlterPartitionReassignments), `nothing, ${wait}`, {
      topics: [],
      ...within,
    })
    const lists = [null, [], [{ name, partitionIndexes: [0] }]]
    for (const topics of lists)
      await send(ListPartitionReassignments, 0, `${JSON.stringify(topics)}, ${wait}`, { topics, ...within })
    for (const topicPartitions of [null, [], [{ topic: name, partitions: [0] }]])
      await send(ElectLeaders, at(ElectLeaders), `${JSON.stringify(topicPartitions)}, ${wait}`, {
        topicPartitions,
        ...within,
      })
    const features = [{ feature: 'group.version', maxVersionLevel: 1 }]
    await send(UpdateFeatures, at(UpdateFeatures), wait, { featureUpdates: features, ...within })
    await send(UpdateFeatures, at(UpdateFeatures), `nothing, ${wait}`, { featureUpdates: [], ...within })
  }
  await send(Metadata, 12, 'nothing was done', {
    topics: [{ name }, { name: `${name}0` }],
    allowAutoTopicCreation: false,
  })
})

const deletion: Scenario[] = inVersions(DeleteTopics, 'by name and by id', async (send, version) => {
  const name = (what: string) => `delete-${version}-${what}`
  const ids = new Map<string, string>()
  for (const what of ['a', 'b', 'c']) ids.set(what, await makeTopic(send, name(what)))
  const byName = version < 6
  const drop = (what: string, ...names: string[]) =>
    send(DeleteTopics, version, what, {
      topicNames: byName ? names : [],
      topics: byName ? [] : names.map((each) => ({ name: each, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' })),
      timeoutMs,
    })
  await drop('one', name('a'))
  await drop('gone', name('a'))
  await drop('duplicates', name('b'), name('b'))
  await drop('unknown and known', name('none'), name('b'))
  await drop('nothing')
  await drop('invalid name', 'a b')
  if (version < 6) return
  const byId = (what: string, ...topics: { name: string | null; topicId: string }[]) =>
    send(DeleteTopics, version, what, { topicNames: [], topics, timeoutMs })
  const id = ids.get('c') as string
  await byId('neither name nor id', { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' })
  await byId('both name and id', { name: name('c'), topicId: id })
  await byId('id twice', { name: null, topicId: id }, { name: null, topicId: id })
  await byId('name of a given id', { name: null, topicId: id }, { name: name('c'), topicId: 'AAAAAAAAAAAAAAAAAAAAAA' })
  await byId('unknown id', { name: null, topicId: fakeId })
  await makeTopic(send, name('d')).then((d) => byId('by id', { name: null, topicId: d }))
})

const growth: Scenario[] = inVersions(CreatePartitions, 'more partitions', async (send, version) => {
  const name = `grow-${version}`
  await makeTopic(send, name, { numPartitions: 2 })
  const grow = (
    what: string,
    count: number,
    assignments: { brokerIds: number[] }[] | null = null,
    validateOnly = false,
  ) => send(CreatePartitions, version, what, { topics: [{ name, count, assignments }], timeoutMs, validateOnly })
  await grow('the same', 2)
  await grow('fewer', 1)
  await grow('none', 0)
  await grow('negative', -1)
  await grow('validate only', 3, null, true)
  await grow('three', 3)
  await grow('assigned', 4, [{ brokerIds: [1] }])
  await grow('too few assignments', 6, [{ brokerIds: [1] }])
  await grow('to a stranger', 5, [{ brokerIds: [9] }])
  await grow('to two', 5, [{ brokerIds: [1, 1] }])
  await grow('to nobody', 5, [{ brokerIds: [] }])
  await grow('too many', 10_100)
  await send(CreatePartitions, version, 'unknown topic', {
    topics: [{ name: 'none', count: 3, assignments: null }],
    timeoutMs,
    validateOnly: false,
  })
  await send(CreatePartitions, version, 'twice', {
    topics: [
      { name, count: 5, assignments: null },
      { name, count: 6, assignments: null },
    ],
    timeoutMs,
    validateOnly: false,
  })
  await send(CreatePartitions, version, 'several', {
    topics: [
      { name: 'a b', count: 3, assignments: null },
      { name: '', count: 3, assignments: null },
      { name, count: 5, assignments: null },
    ],
    timeoutMs,
    validateOnly: true,
  })
  await send(CreatePartitions, version, 'nothing', { topics: [], timeoutMs, validateOnly: false })
  await changesAreSeen(send)
  await send(Metadata, 12, 'afterwards', { topics: [{ name }] })
})

const looks: Scenario[] = inVersions(Metadata, 'known and unknown topics', async (send, version) => {
  const name = (what: string) => `look-${version}-${what}`
  const id = await makeTopic(send, name('two'), { numPartitions: 2 })
  const look = (what: string, names: string[], more: object = {}) =>
    send(Metadata, version, what, {
      topics: names.map((each) => ({ name: each })),
      ...(version >= 4 ? { allowAutoTopicCreation: false } : {}),
      ...more,
    })
  await look('known', [name('two')])
  await look('twice', [name('two'), name('two')])
  if (version >= 1) await look('none', [])
  if (version >= 4) await look('unknown', [name('none'), 'a b', '', '.'])
  if (version >= 8) await look('operations', [name('two'), name('none')], { includeTopicAuthorizedOperations: true })
  if (version >= 8) await look('operations of no topic', [''], { includeTopicAuthorizedOperations: true })
  if (version >= 8 && version <= 10)
    await look('cluster operations', [name('two')], { includeClusterAuthorizedOperations: true })
  if (version < 12) return
  await send(Metadata, version, 'by id', { topics: [{ name: null, topicId: id }] })
  await send(Metadata, version, 'by unknown id', { topics: [{ name: null, topicId: fakeId }] })
  await send(Metadata, version, 'by id and name', {
    topics: [{ name: null, topicId: id }, { name: name('none') }],
    allowAutoTopicCreation: false,
  })
  await send(Metadata, version, 'neither', { topics: [{ name: null }] })
  await send(Metadata, version, 'neither, and an id', { topics: [{ name: null }, { name: null, topicId: id }] })
})

const asked: Scenario[] = inVersions(Metadata, 'topics that are made by asking', async (send, version) => {
  const name = (what: string) => `asked-${version}-${what}`
  const ask = (what: string, ...names: string[]) =>
    send(Metadata, version, what, {
      topics: names.map((each) => ({ name: each })),
      ...(version >= 4 ? { allowAutoTopicCreation: true } : {}),
    })
  const first = await ask('a topic, the first time', name('one'))
  for (let { topics } = first; topics[0]?.errorCode !== 0; ) ({ topics } = await ask('~', name('one')))
  await ask('once it is there', name('one'))
  await ask('invalid names', 'a b', '', '.', 'x'.repeat(250), name('one'))
  const colliding = [name('one').replaceAll('-', '.'), name('one').replaceAll('-', '_')]
  const unknown = 3
  let { topics } = await ask('names that collide, the first time', ...colliding)
  while (topics.some(({ errorCode }) => errorCode === unknown)) ({ topics } = await ask('~', ...colliding))
  await ask('once they are there, or not', ...colliding)
})

const all: Scenario[] = inVersions(Metadata, 'all topics', async (send, version) => {
  const prefix = `all-${version}-`
  for (const what of ['a', 'b']) await makeTopic(send, `${prefix}${what}`)
  const own = (answer: ValueOf<typeof Metadata.response.fields>) => ({
    ...answer,
    topics: answer.topics.filter((each) => each.name?.startsWith(prefix)),
  })
  await send(Metadata, version, 'all', { topics: version === 0 ? [] : null }, own)
  if (version < 8 || version > 10) return
  const operations = { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true }
  await send(Metadata, version, 'all with operations', { topics: null, ...operations }, own)
})

const metadataBeforeIds: Scenario = {
  name: 'Metadata v10: ids that are not allowed yet',
  run: async (send) => {
    await send(Metadata, 10, 'null name', { topics: [{ name: null }] })
    await send(Metadata, 10, 'an id', { topics: [{ name: 'x', topicId: fakeId }] })
  },
}

const cluster: Scenario[] = inVersions(DescribeCluster, 'brokers', async (send, version) => {
  await send(DescribeCluster, version, 'plain', { includeClusterAuthorizedOperations: false })
  await send(DescribeCluster, version, 'operations', { includeClusterAuthorizedOperations: true })
  if (version === 0) return
  for (const endpointType of [2, 0, 3])
    await send(DescribeCluster, version, `endpoint type ${endpointType}`, {
      includeClusterAuthorizedOperations: false,
      endpointType,
    })
})

const pages: Scenario[] = inVersions(DescribeTopicPartitions, 'pages', async (send, version) => {
  for (const each of ['page-a', 'page-b']) await makeTopic(send, each, { numPartitions: 3 })
  const page = (what: string, names: string[], more: object = {}) =>
    send(DescribeTopicPartitions, version, what, { topics: names.map((name) => ({ name })), ...more })
  await page('both', ['page-b', 'page-a'])
  await page('first four', ['page-a', 'page-b'], { responsePartitionLimit: 4 })
  await page('exactly the first', ['page-a', 'page-b'], { responsePartitionLimit: 3 })
  await page('rest', ['page-a', 'page-b'], { cursor: { topicName: 'page-b', partitionIndex: 1 } })
  await page('cursor past the end', ['page-a', 'page-b'], { cursor: { topicName: 'page-a', partitionIndex: 9 } })
  await page('cursor of another topic', ['page-a'], { cursor: { topicName: 'page-b', partitionIndex: 0 } })
  await page('negative cursor', ['page-a'], { cursor: { topicName: 'page-a', partitionIndex: -1 } })
  await page('no limit', ['page-a'], { responsePartitionLimit: 0 })
  await page('unknown', ['page-none', 'a b', 'page-a'])
  await page('one twice', ['page-a', 'page-a'])
  await page('no name', ['', 'page-a'])
  await page('no name before the cursor', ['', 'page-a'], { cursor: { topicName: 'page-a', partitionIndex: 0 } })
  await page('a cursor without a topic', ['page-a'], { cursor: { topicName: '', partitionIndex: 0 } })
  await page('a cursor that is no topic', [''], { cursor: { topicName: '', partitionIndex: 0 } })
  await page('a cursor behind all', ['page-a'], { cursor: { topicName: 'page-z', partitionIndex: 0 } })
  await page('a negative limit', ['page-a'], { responsePartitionLimit: -1 })
  await page('from a cursor on, of all', [], {
    cursor: { topicName: 'page-a', partitionIndex: 1 },
    responsePartitionLimit: 3,
  })
})

export const topicScenarios: Scenario[] = [
  ...creation,
  ...impatient,
  ...deletion,
  ...growth,
  ...looks,
  ...asked,
  ...all,
  metadataBeforeIds,
  ...cluster,
  ...pages,
]
