import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { newTopic, StoreOnMemory } from './metadata-store.fixture.ts'
import type { NewTopic } from './metadata-store.ts'

async function refusal(wish: Partial<NewTopic>, existing: string[] = []): Promise<[string, string | null]> {
  const opened = await StoreOnMemory.start()
  for (const name of existing) await opened.create(newTopic(name))
  const [answer] = await opened.create(newTopic('t', wish))
  if (!isRejection(answer)) throw new Error('it was created')
  return [answer.error, answer.message]
}

const assigned = (...partitions: [number, number[]][]) => ({
  partitionCount: -1,
  replicationFactor: -1,
  assignments: new Map(partitions),
})

const refusals: [string, Partial<NewTopic>, string, string][] = [
  ['an empty name', { name: '' }, 'INVALID_TOPIC_EXCEPTION', 'Topic name is invalid: the empty string is not allowed'],
  ['a dot', { name: '..' }, 'INVALID_TOPIC_EXCEPTION', "Topic name is invalid: '..' is not allowed"],
  [
    'no partitions',
    { partitionCount: 0 },
    'INVALID_PARTITIONS',
    'Number of partitions was set to an invalid non-positive value.',
  ],
  [
    'no replicas',
    { replicationFactor: 0 },
    'INVALID_REPLICATION_FACTOR',
    'Replication factor must be larger than 0, or -1 to use the default value.',
  ],
  [
    'too many replicas',
    { replicationFactor: 3 },
    'INVALID_REPLICATION_FACTOR',
    'Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 1 broker(s) are registered or some brokers have all their log directories cordoned.',
  ],
  [
    'too many partitions',
    { partitionCount: 10_001 },
    'POLICY_VIOLATION',
    'Excessively large number of partitions per request.',
  ],
  ['an unknown setting', { configs: new Map([['a', 'b']]) }, 'INVALID_CONFIG', 'Unknown topic config name: a'],
  [
    'a null setting',
    { configs: new Map([['retention.ms', null]]) },
    'INVALID_CONFIG',
    'Null value not supported for topic configs: retention.ms',
  ],
  [
    'a gap in the assignment',
    assigned([0, [1]], [2, [1]]),
    'INVALID_REPLICA_ASSIGNMENT',
    'partitions should be a consecutive 0-based integer sequence',
  ],
  [
    'a broker twice',
    assigned([0, [1, 1]]),
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes the broker 1 more than once.',
  ],
]

describe('new topics', () => {
  for (const [what, wish, error, message] of refusals) {
    it(`${what} is refused in Kafka’s words`, async () => {
      expect(await refusal(wish)).to.deep.equal([error, message])
    })
  }

  it('a name that differs from another only in dots and underscores is refused', async () => {
    expect(await refusal({ name: 'a.b_c' }, ['a_b.c'])).to.deep.equal([
      'INVALID_TOPIC_EXCEPTION',
      "Topic 'a.b_c' collides with existing topic: a_b.c",
    ])
  })

  it('a name is free again once its topic is gone', async () => {
    const opened = await StoreOnMemory.start()
    await opened.create(newTopic('a_b'))
    const id = opened.store.image.topicsByName.get('a_b')?.id as string
    await opened.host.settle(opened.store.deleteTopics([id], opened.change))
    expect(isRejection((await opened.create(newTopic('a.b')))[0])).to.equal(false)
  })

  it('unset values get the broker’s defaults', async () => {
    const opened = await StoreOnMemory.start(undefined, { 'num.partitions': '4' })
    await opened.create(newTopic('t', { partitionCount: -1, replicationFactor: -1 }))
    expect(opened.store.image.topicsByName.get('t')?.partitions).to.have.length(4)
  })
})

describe('more partitions', () => {
  it('are added after the existing ones', async () => {
    const { host, store, change, create } = await opened()
    await create(newTopic('t', { partitionCount: 2 }))
    const grow = (count: number) =>
      host.settle(
        store.createPartitions([{ name: 't', count, assignments: undefined }], { ...change, validateOnly: false }),
      )
    expect((await grow(2))[0]).to.include({ error: 'INVALID_PARTITIONS', message: 'Topic already has 2 partition(s).' })
    expect((await grow(1))[0]).to.include({
      error: 'INVALID_PARTITIONS',
      message: 'The topic t currently has 2 partition(s); 1 would not be an increase.',
    })
    await grow(5)
    expect(store.image.topicsByName.get('t')?.partitions).to.have.length(5)
  })
})

async function opened() {
  const on = await StoreOnMemory.start()
  return { host: on.host, store: on.store, change: on.change, create: on.create.bind(on) }
}
