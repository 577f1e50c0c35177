import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { configResourceType } from './metadata-image.ts'
import { newTopic, StoreOnMemory } from './metadata-store.fixture.ts'

/** Brokers 1 to 3, and topics with these replicas. */
async function threeBrokers(...topics: [string, number[][]][]) {
  const opened = await StoreOnMemory.start()
  const { host, change, store } = opened
  for (const nodeId of [2, 3]) {
    const directoryIds = [`directoryOfBroker000${nodeId}A`]
    await host.settle(
      store.brokers.register({ nodeId, rack: null, directoryIds, advertised: [], fenced: false }, change),
    )
  }
  for (const [name, replicas] of topics) {
    const assignments = new Map(replicas.entries())
    await opened.create(newTopic(name, { partitionCount: -1, replicationFactor: -1, assignments }))
  }
  const partition = (topic: string, index = 0) => store.image.topicsByName.get(topic)!.partitions[index]!
  return { host, change, store, partition }
}

/** Settings of topic t. */
const oneTopic = (settings: ReadonlyMap<string, string>) =>
  // biome-ignore lint/correctness/useYield: one resource
  function* () {
    return [{ resourceType: configResourceType.topic, resourceName: 't', settings }]
  }

describe('changes of leaders and replicas', () => {
  it('a reassignment is answered at once, and complete soon', async () => {
    const { host, change, store, partition } = await threeBrokers(['t', [[1]]])
    const wish = { topic: 't', partition: 0, replicas: [2, 3] }
    const options = { ...change, mayChangeReplicationFactor: true }
    expect(await host.settle(store.alterPartitionReassignments([wish], options))).to.deep.equal([undefined])
    expect(partition('t')).to.deep.include({ leader: 1, replicas: [2, 3, 1], addingReplicas: [2, 3] })
    await host.advance(100)
    expect(partition('t')).to.deep.include({ leader: 2, replicas: [2, 3], isr: [2, 3], addingReplicas: [] })
  })

  it('refused reassignments do not hinder others', async () => {
    const { host, change, store, partition } = await threeBrokers(['t', [[1]]])
    const wishes = [
      { topic: 'u', partition: 0, replicas: [2] },
      { topic: 't', partition: 0, replicas: [3] },
      { topic: 't', partition: 1, replicas: null },
    ]
    const answers = await host.settle(
      store.alterPartitionReassignments(wishes, { ...change, mayChangeReplicationFactor: false }),
    )
    expect(answers.map((answer) => answer?.error)).to.deep.equal([
      'UNKNOWN_TOPIC_OR_PARTITION',
      undefined,
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    await host.advance(100)
    expect(partition('t').replicas).to.deep.equal([3])
  })

  it('elections of all partitions name those that need one', async () => {
    const { host, change, store, partition } = await threeBrokers(
      [
        't',
        [
          [1, 2],
          [1, 2],
        ],
      ],
      ['u', [[3]]],
    )
    const move = { topic: 't', partition: 1, leader: 2 }
    expect(await host.settle(store.moveLeader(move, change))).to.equal(undefined)
    expect(partition('t', 1)).to.include({ leader: 2 })
    expect(await host.settle(store.moveLeader(move, change))).to.include({ error: 'ELECTION_NOT_NEEDED' })
    const answers = await host.settle(store.electLeaders({ election: 'preferred', topics: null }, change))
    if (isRejection(answers)) throw new Error(answers.error)
    expect(Object.fromEntries(answers.map(({ topic, partitions }) => [topic, partitions]))).to.deep.equal({
      t: [{ partition: 1, refusal: undefined }],
      u: [],
    })
    expect(partition('t', 1)).to.include({ leader: 1 })
    const named = { election: 'unclean', topics: [{ topic: 'u', partitions: [0, 7] }] } as const
    const [one] = (await host.settle(store.electLeaders(named, change))) as Exclude<typeof answers, undefined>
    expect(one?.partitions.map(({ refusal }) => refusal?.error)).to.deep.equal([
      'ELECTION_NOT_NEEDED',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
  })

  it('leaders are balanced after a broker returned', async () => {
    const { host, change, store, partition } = await threeBrokers(['t', [[2, 3]]])
    await host.settle(store.brokers.fence(2, change))
    expect(partition('t')).to.include({ leader: 3 })
    await host.settle(store.brokers.unfence(2, change))
    await host.advance(100)
    await host.settle(store.balanceLeaders(change))
    expect(partition('t')).to.include({ leader: 2 })
  })

  it('an unclean election leads to replicas in sync again', async () => {
    const { host, change, store, partition } = await threeBrokers(['t', [[2, 3]]])
    await host.settle(store.brokers.fence(3, change))
    await host.settle(store.brokers.fence(2, change))
    await host.settle(store.brokers.unfence(3, change))
    await host.settle(store.electUncleanLeaders(change))
    expect(partition('t')).to.include({ leader: -1 })
    const settings = new Map([['unclean.leader.election.enable', 'true']])
    await host.settle(store.alterConfigs(oneTopic(settings), change))
    await host.settle(store.electUncleanLeaders(change))
    expect(partition('t')).to.deep.include({ leader: 3, isr: [3], isRecovering: true })
    await host.settle(store.brokers.unfence(2, change))
    await host.advance(100)
    expect(partition('t')).to.deep.include({ leader: 3, isr: [2, 3], isRecovering: false })
  })

  it('a change that cannot be written is refused', async () => {
    const { host, change, store } = await threeBrokers(['t', [[1, 2]]])
    host.files.rates = { ...host.files.rates, writeError: 1 }
    const failed = { error: 'KAFKA_STORAGE_ERROR' }
    expect(await host.settle(store.moveLeader({ topic: 't', partition: 0, leader: 2 }, change))).to.include(failed)
    const options = { ...change, mayChangeReplicationFactor: true }
    const [moved] = await host.settle(
      store.alterPartitionReassignments([{ topic: 't', partition: 0, replicas: [1] }], options),
    )
    expect(moved).to.include(failed)
  })

  it('a change of min.insync.replicas ends the eligibility of replicas', async () => {
    const { host, change, store, partition } = await threeBrokers(['t', [[2]]])
    await host.settle(store.brokers.fence(2, change))
    const { partitionEpoch, ...before } = partition('t')
    expect(before).to.deep.include({ eligibleLeaderReplicas: [2], lastKnownEligibleLeaderReplicas: [2] })
    const settings = new Map([['min.insync.replicas', '3']])
    await host.settle(store.alterConfigs(oneTopic(settings), change))
    expect(partition('t')).to.deep.include({
      eligibleLeaderReplicas: [],
      lastKnownEligibleLeaderReplicas: [],
      partitionEpoch: partitionEpoch + 1,
    })
  })

  it('a broker that runs is not removed, one that does not is', async () => {
    const { host, change, store } = await threeBrokers()
    const remove = (nodeId: number) => host.settle(store.unregisterBroker(nodeId, change))
    expect(await remove(2)).to.include({ error: 'INVALID_REQUEST', message: 'Broker ID 2 is running' })
    await host.settle(store.brokers.fence(2, change))
    expect(await remove(2)).to.equal(undefined)
    expect(await remove(2)).to.include({
      error: 'BROKER_ID_NOT_REGISTERED',
      message: 'Broker ID 2 is not currently registered',
    })
  })
})
