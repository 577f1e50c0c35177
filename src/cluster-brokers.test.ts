import { expect } from 'chai'
import { DescribeConfigs } from '../protocol/apis/describe-configs.ts'
import { Fetch } from '../protocol/apis/fetch.ts'
import { OffsetCommit } from '../protocol/apis/offset-commit.ts'
import { OffsetFetch } from '../protocol/apis/offset-fetch.ts'
import { errorName } from '../protocol/error-codes.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { within } from '../storage/host/faulty-files.ts'
import { Broker } from './broker.ts'
import { configSource } from './config/config-description.ts'
import { RunningBrokers } from './running-brokers.fixture.ts'

const start = (brokers: number, properties: Record<string, string> = {}) =>
  new RunningBrokers(brokers, properties).start()

async function commit(rig: RunningBrokers, nodeId: number, groupId: string, committedOffset: number): Promise<string> {
  const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: '' }]
  const member = { generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null }
  const topics = [{ name: 't', topicId: ZERO_UUID, partitions }]
  const answer = await rig.call(nodeId, OffsetCommit, 8, { groupId, ...member, topics })
  return errorName(answer.topics[0]!.partitions[0]!.errorCode)
}

/** Message of the error with which the change fails. */
function failureOf(rig: RunningBrokers, change: Promise<void>): Promise<string | undefined> {
  return rig.settle(
    change.then(
      () => undefined,
      (error: Error) => error.message,
    ),
  )
}

async function committed(rig: RunningBrokers, nodeId: number, groupId: string): Promise<number | string> {
  const topics = [{ name: 't', partitionIndexes: [0] }]
  const answer = await rig.call(nodeId, OffsetFetch, 7, { groupId, groups: [], topics, requireStable: false })
  return answer.errorCode === 0 ? answer.topics[0]!.partitions[0]!.committedOffset : errorName(answer.errorCode)
}

describe('several brokers in one process', () => {
  it('are named by each of them, with their racks and the ports that they bound', async () => {
    const rig = await start(3, { 'broker.racks': 'a,b,c' })
    const expected = { brokers: ['1 127.0.0.1:9092 a', '2 127.0.0.1:9093 b', '3 127.0.0.1:9094 c'], controllerId: 1 }
    for (const nodeId of [1, 2, 3]) expect(await rig.brokersSeenBy(nodeId)).to.deep.equal(expected)
  })

  it('are advertised where the pattern says', async () => {
    const rig = await start(2, { 'advertised.listeners': 'PLAINTEXT://box:19092+n' })
    expect((await rig.brokersSeenBy(2)).brokers).to.deep.equal(['1 box:19092 -', '2 box:19093 -'])
  })

  it('describe themselves as Apache Kafka does', async () => {
    const rig = await start(3, { 'broker.racks': 'a,b,c', 'group.max.size': '7' })
    const keys = ['num.brokers', 'broker.racks', 'offsets.topic.replication.factor', 'group.max.size', 'broker.rack']
    const resources = [{ resourceType: 4, resourceName: '2', configurationKeys: keys }]
    const { results } = await rig.call(2, DescribeConfigs, 4, { resources, includeSynonyms: true })
    const described = results[0]!.configs.map(({ name, value, configSource: source, synonyms }) => [
      name,
      value,
      source,
      synonyms.map((each) => `${each.value} ${each.source}`),
    ])
    expect(described).to.have.deep.members([
      ['broker.rack', 'b', configSource.staticBroker, ['b 4']],
      ['group.max.size', '7', configSource.staticBroker, ['7 4', '2147483647 5']],
      ['offsets.topic.replication.factor', '3', configSource.default, ['3 5']],
    ])
  })

  it('lead their own partitions only, over one copy of the data', async () => {
    const rig = await start(3)
    expect(await rig.create('t', [[2, 3, 1]])).to.equal('NONE')
    expect(await rig.describe('t')).to.equal('leader 2, replicas 2 3 1, isr 2 3 1')
    expect(await rig.produce(1, 't', 'x')).to.equal('NOT_LEADER_OR_FOLLOWER')
    expect(await rig.produce(2, 't', 'x')).to.equal(0)
    expect(await rig.consume(2, 't')).to.equal(1)
    expect(rig.host.files.list('/data').filter((name) => name.startsWith('t-'))).to.deep.equal(['t-0'])
  })

  it('take over from one that is killed, and take it back as a follower', async () => {
    const rig = await start(3)
    await rig.create('t', [[2, 3, 1]])
    await rig.produce(2, 't', 'x')
    await rig.settle(rig.cluster.brokers.kill(2))
    expect(await rig.describe('t')).to.equal('leader 3, replicas 2 3 1, isr 3 1')
    expect((await rig.brokersSeenBy(1)).brokers).to.deep.equal(['1 127.0.0.1:9092 -', '3 127.0.0.1:9094 -'])
    expect(await rig.produce(3, 't', 'y')).to.equal(1)
    expect(await rig.consume(3, 't')).to.equal(2)
    await rig.settle(rig.cluster.brokers.start(2))
    await rig.passes()
    expect(await rig.describe('t')).to.equal('leader 3, replicas 2 3 1, isr 1 2 3')
    expect((await rig.brokersSeenBy(2)).brokers).to.deep.equal([
      '1 127.0.0.1:9092 -',
      '2 127.0.0.1:9093 -',
      '3 127.0.0.1:9094 -',
    ])
    expect(await rig.produce(2, 't', 'z')).to.equal('NOT_LEADER_OR_FOLLOWER')
  })

  it('take over from one that cannot serve after it has joined, until it can', async () => {
    const rig = await start(2)
    await rig.create('t', [[2, 1]])
    await rig.settle(rig.cluster.brokers.kill(2))
    const { serve } = Broker.prototype
    Broker.prototype.serve = () => Promise.reject(new Error('cannot serve'))
    try {
      expect(await failureOf(rig, rig.cluster.brokers.start(2))).to.equal('cannot serve')
    } finally {
      Broker.prototype.serve = serve
    }
    await rig.passes()
    expect((await rig.brokersSeenBy(1)).brokers).to.deep.equal(['1 127.0.0.1:9092 -'])
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1')
    await rig.settle(rig.cluster.brokers.start(2))
    await rig.passes()
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1 2')
  })

  it('take over from one of which a part does not stop', async () => {
    const rig = await start(2)
    await rig.create('t', [[2, 1]])
    const { stop } = Broker.prototype
    Broker.prototype.stop = async function () {
      await stop.call(this)
      throw new Error('cannot stop')
    }
    try {
      expect(await failureOf(rig, rig.cluster.brokers.kill(2))).to.equal('cannot stop')
    } finally {
      Broker.prototype.stop = stop
    }
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1')
    expect(await rig.produce(1, 't', 'x')).to.equal(0)
  })

  it('take over before one stops', async () => {
    const rig = await start(2)
    await rig.create('t', [[2, 1]])
    await rig.settle(rig.cluster.brokers.stop(2))
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1')
    expect(await rig.produce(1, 't', 'x')).to.equal(0)
    await rig.settle(rig.cluster.brokers.start(2))
    await rig.passes()
    expect(await rig.describe('t')).to.equal('leader 1, replicas 2 1, isr 1 2')
  })

  it('leave a partition offline whose replicas are all gone, until they are back', async () => {
    const rig = await start(2)
    await rig.create('t', [[2]])
    await rig.produce(2, 't', 'x')
    await rig.settle(rig.cluster.brokers.kill(2))
    expect(await rig.describe('t')).to.match(/^leader -1, replicas 2, /)
    expect(await rig.produce(1, 't', 'y')).to.equal('NOT_LEADER_OR_FOLLOWER')
    await rig.settle(rig.cluster.brokers.start(2))
    expect(await rig.describe('t')).to.equal('leader 2, replicas 2, isr 2')
    expect(await rig.consume(2, 't')).to.equal(1)
    expect(await rig.produce(2, 't', 'y')).to.equal(1)
  })

  it('serve consumers from a follower, too, which hears of appends at the leader', async () => {
    const rig = await start(2)
    await rig.create('t', [[2, 1]])
    await rig.produce(2, 't', 'x')
    expect(await rig.consume(1, 't')).to.equal(1)
    const client = rig.connect(1)
    const partitions = [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1 << 20 }]
    const topics = [{ topic: 't', topicId: ZERO_UUID, partitions }]
    client.send(Fetch, 11, { maxWaitMs: 60_000, minBytes: 1, maxBytes: 1 << 20, topics, forgottenTopicsData: [] })
    await rig.passes()
    expect(client.hasResponse).to.equal(false)
    await rig.produce(2, 't', 'y')
    const before = rig.host.clock.monotonicMs()
    const answer = await client.receive(Fetch, 11)
    expect(answer?.responses[0]?.partitions[0]).to.include({ errorCode: 0, highWatermark: 2 })
    expect(rig.host.clock.monotonicMs() - before).to.be.lessThan(1000)
  })

  it('hide what too few replicas have until enough are back in sync', async () => {
    const rig = await start(2)
    await rig.create('t', [[2, 1]], { 'min.insync.replicas': '2' })
    await rig.produce(2, 't', 'x')
    await rig.settle(rig.cluster.brokers.kill(1))
    expect(await rig.produce(2, 't', 'y')).to.equal('NOT_ENOUGH_REPLICAS')
    expect(await rig.produce(2, 't', 'y', 1)).to.equal(1)
    expect(await rig.consume(2, 't')).to.equal(1)
    await rig.settle(rig.cluster.brokers.start(1))
    await rig.passes()
    expect(await rig.describe('t')).to.equal('leader 2, replicas 2 1, isr 1 2')
    for (const nodeId of [1, 2]) expect(await rig.consume(nodeId, 't')).to.equal(2)
  })

  it('move the coordinator of groups with their offsets', async () => {
    const rig = await start(3)
    await rig.create('t', [[1]])
    const owner = (await rig.coordinator(1, 'g')) as number
    for (const nodeId of [1, 2, 3]) expect(await rig.coordinator(nodeId, 'g')).to.equal(owner)
    const other = owner === 1 ? 2 : 1
    expect(await commit(rig, other, 'g', 5)).to.equal('NOT_COORDINATOR')
    expect(await commit(rig, owner, 'g', 5)).to.equal('NONE')
    await rig.settle(rig.cluster.brokers.kill(owner))
    const next = (await rig.coordinator(other, 'g')) as number
    expect(next).not.to.equal(owner)
    expect(await committed(rig, next, 'g')).to.equal(5)
    await rig.settle(rig.cluster.brokers.start(owner))
    expect(await committed(rig, owner, 'g')).to.equal('NOT_COORDINATOR')
  })

  it('drop the clients of one that is killed at once', async () => {
    const rig = await start(2)
    const [first, second] = [rig.connect(1), rig.connect(2)]
    const killed = rig.cluster.brokers.kill(2)
    await rig.settle(killed)
    expect([first.isClosed, second.isClosed]).to.deep.equal([false, true])
  })

  it('name a controller that is alive', async () => {
    const rig = await start(3)
    await rig.settle(rig.cluster.brokers.kill(1))
    expect((await rig.brokersSeenBy(3)).controllerId).to.equal(2)
    await rig.settle(rig.cluster.brokers.start(1))
    expect((await rig.brokersSeenBy(3)).controllerId).to.equal(1)
  })

  it('send a consumer to the replica in its rack, if the selector knows racks', async () => {
    const selector = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'
    const rig = await start(3, { 'broker.racks': 'a,b,c', 'replica.selector.class': selector })
    await rig.create('t', [[1, 2]])
    await rig.produce(1, 't', 'x')
    const fetch = async (nodeId: number, rackId: string, version = 11, fetchOffset = 0) => {
      const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }]
      const topics = [{ topic: 't', topicId: ZERO_UUID, partitions }]
      // Nothing more comes: an answer that redirects does not wait.
      const wait = { maxWaitMs: 100_000, minBytes: 1_000_000, maxBytes: 1 << 20 }
      const request = { ...wait, topics, forgottenTopicsData: [], rackId }
      const sentMs = rig.host.clock.monotonicMs()
      const { responses } = await rig.call(nodeId, Fetch, version, request)
      const { errorCode, preferredReadReplica, records, highWatermark } = responses[0]!.partitions[0]!
      const waited = rig.host.clock.monotonicMs() - sentMs > 50_000 ? 'waited, ' : ''
      const bytes = records === null ? 0 : Buffer.concat([records].flat() as Buffer[]).length
      return `${waited}${errorName(errorCode)} ${preferredReadReplica} ${bytes} ${highWatermark}`
    }
    const read = /^waited, NONE -1 [1-9]\d* 1$/
    expect(await fetch(1, 'b')).to.equal('NONE 2 0 1')
    expect(await fetch(2, 'b')).to.match(read)
    for (const rack of ['a', 'c', '']) expect(await fetch(1, rack)).to.match(read)
    expect(await fetch(1, 'b', 10)).to.match(read)
    expect(await fetch(1, 'b', 11, 5)).to.equal('OFFSET_OUT_OF_RANGE -1 0 -1')
    await rig.settle(rig.cluster.brokers.kill(2))
    expect(await fetch(1, 'b')).to.match(read)
  })

  it('are at most a hundred', async () => {
    const rig = await start(100)
    const add = async () => void (await rig.cluster.brokers.add(undefined))
    expect(await failureOf(rig, add())).to.equal('a process runs at most 100 brokers')
    await rig.settle(rig.cluster.brokers.remove(2))
    expect(await failureOf(rig, add())).to.equal(undefined)
  })

  it('can be added and removed', async () => {
    const rig = await start(1)
    expect(await rig.settle(rig.cluster.brokers.add('r'))).to.equal(2)
    expect((await rig.brokersSeenBy(1)).brokers).to.deep.equal(['1 127.0.0.1:9092 -', '2 127.0.0.1:9093 r'])
    await rig.create('t', [[2]])
    expect(await rig.produce(2, 't', 'x')).to.equal(0)
    await rig.settle(rig.cluster.brokers.remove(2))
    expect(rig.cluster.metadata.image.brokers.has(2)).to.equal(false)
    expect(await rig.describe('t')).to.match(/^leader -1, replicas 2, /)
    expect(await failureOf(rig, rig.cluster.brokers.remove(1))).to.contain('broker 1 cannot be removed')
    expect(await failureOf(rig, rig.cluster.brokers.start(2))).to.equal('there is no broker 2')
    // Replicas of the removed one are not those of the next.
    expect(await rig.settle(rig.cluster.brokers.add(undefined))).to.equal(3)
    expect(await rig.describe('t')).to.match(/^leader -1, replicas 2, /)
  })

  it('are added at the next port, also after brokers of an earlier start', async () => {
    const before = await start(3)
    await before.stop()
    const rig = await before.again(undefined).start()
    expect(await rig.settle(rig.cluster.brokers.add(undefined))).to.equal(4)
    expect((await rig.brokersSeenBy(1)).brokers).to.deep.equal(['1 127.0.0.1:9092 -', '4 127.0.0.1:9093 -'])
  })

  it('come back at the ports that they had, also for the controller', async () => {
    const listeners = { listeners: 'PLAINTEXT://:9092,CONTROLLER://:0', 'controller.listener.names': 'CONTROLLER' }
    const rig = await start(2, listeners)
    const ports = () => rig.cluster.brokers.running.get(1)!.controllerAddresses.map(({ port }) => port)
    const before = ports()
    await rig.settle(rig.cluster.brokers.kill(1))
    await rig.settle(rig.cluster.brokers.start(1))
    expect(ports()).to.deep.equal(before)
  })

  it('lead what they led after the process was stopped', async () => {
    const rig = await start(3)
    await rig.create('t', [
      [3, 1],
      [2, 3],
    ])
    await rig.produce(3, 't', 'x')
    await rig.stop()
    const again = await rig.again(3).start()
    expect(await again.describe('t', 0)).to.equal('leader 3, replicas 3 1, isr 3 1')
    expect(await again.describe('t', 1)).to.equal('leader 2, replicas 2 3, isr 2 3')
    expect(await again.consume(3, 't')).to.equal(1)
    expect(again.complaints).to.deep.equal([])
  })

  it('take over at the start from one that is not started again, whose data waits for it', async () => {
    const rig = await start(3)
    await rig.create('t', [[3, 1]])
    await rig.create('lone', [[3]])
    await rig.produce(3, 't', 'x')
    await rig.produce(3, 'lone', 'y')
    await rig.stop()
    const fewer = await rig.again(2).start()
    expect(await fewer.describe('t')).to.equal('leader 1, replicas 3 1, isr 1')
    expect(await fewer.consume(1, 't')).to.equal(1)
    expect(await fewer.describe('lone')).to.match(/^leader -1, replicas 3, /)
    await fewer.stop()
    const all = await rig.again(3).start()
    expect(await all.describe('lone')).to.equal('leader 3, replicas 3, isr 3')
    expect(await all.consume(3, 'lone')).to.equal(1)
  })

  it('move all to the first broker where one is asked for', async () => {
    const rig = await start(3)
    await rig.create('t', [[3, 1, 2]])
    await rig.create('lone', [[3]])
    await rig.produce(3, 't', 'x')
    await rig.produce(3, 'lone', 'y')
    await rig.stop()
    const without = await rig.again(undefined).start()
    expect(await without.describe('t')).to.equal('leader 1, replicas 3 1 2, isr 1')
    expect(await without.describe('lone')).to.match(/^leader -1, replicas 3, /)
    expect(without.complaints).to.deep.equal([
      'brokers 2 and 3 ran on this data and are not started: 1 partition has no leader; start with --brokers 3 to have them back, or with --brokers 1 to move all to broker 1',
    ])
    await without.stop()
    const one = await rig.again(1).start()
    expect(one.complaints).to.deep.equal([
      'brokers 2 and 3 are removed, and all that they had is moved to broker 1 (num.brokers=1)',
    ])
    for (const topic of ['t', 'lone']) {
      expect(await one.describe(topic)).to.equal('leader 1, replicas 1, isr 1')
      expect(await one.consume(1, topic)).to.equal(1)
      expect(await one.produce(1, topic, 'z')).to.equal(1)
    }
    expect([...one.cluster.metadata.image.brokers.keys()]).to.deep.equal([1])
    await one.stop()
    expect((await rig.again(1).start()).complaints).to.deep.equal([])
  })

  it('move nothing into an empty log where a data directory cannot be read', async () => {
    const rig = await start(2, { 'log.dirs': '/a,/b' })
    await rig.create('lone', [[2], [2]])
    for (const index of [0, 1]) expect(await rig.produce(2, 'lone', 'x', -1, index)).to.equal(0)
    await rig.stop()
    const inB = [0, 1].find((index) => rig.host.memory.exists(`/b/lone-${index}`))!
    rig.host.files.pathFaults = [{ concerns: within('/b'), effect: 'dead' }]
    const one = await rig.again(1, { 'log.dirs': '/a,/b' }).start()
    expect(await one.consume(1, 'lone', 1 - inB)).to.equal(1)
    expect(await one.consume(1, 'lone', inB)).to.equal('KAFKA_STORAGE_ERROR')
    expect(rig.host.memory.exists(`/a/lone-${inB}`)).to.equal(false)
    await one.stop()
    rig.host.files.pathFaults = []
    const healed = await rig.again(1, { 'log.dirs': '/a,/b' }).start()
    expect(await healed.consume(1, 'lone', inB)).to.equal(1)
  })
})
