import { expect } from 'chai'
import { AlterReplicaLogDirs } from '../protocol/apis/alter-replica-log-dirs.ts'
import { DescribeTopicPartitions } from '../protocol/apis/describe-topic-partitions.ts'
import { Fetch } from '../protocol/apis/fetch.ts'
import { Metadata } from '../protocol/apis/metadata.ts'
import { errorName } from '../protocol/error-codes.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { StorageLostError } from '../storage/failure-policy.ts'
import { type PathEffect, within } from '../storage/host/faulty-files.ts'
import { RunningBroker } from './running-broker.fixture.ts'

const both = { 'log.dirs': '/a,/b', 'offsets.topic.num.partitions': '1' }
const HOUR_MS = 3_600_000
const NO_OPERATIONS = { includeClusterAuthorizedOperations: false, includeTopicAuthorizedOperations: false }

/** Topics `t` and `two` are in /a with the metadata log, `three` and the offsets topic in /b. One record each. */
async function running(): Promise<RunningBroker> {
  const broker = await new RunningBroker().start(both)
  await broker.create('t')
  expect(await broker.commit('group', 7)).to.equal('NONE')
  for (const topic of ['two', 'three']) await broker.create(topic)
  const isInB = (name: string) => broker.host.files.exists(`/b/${name}-0`)
  expect(['t', '__consumer_offsets', 'two', 'three'].map(isInB)).to.deep.equal([false, true, false, true])
  for (const topic of ['t', 'two', 'three']) expect(await broker.produce(topic, 'key', topic)).to.equal(-1)
  broker.complaints.length = 0
  return broker
}

function fail(broker: RunningBroker, directory: string, effect: PathEffect): void {
  broker.host.files.pathFaults = [{ concerns: within(directory), effect }]
}

async function partitionOf(broker: RunningBroker, name: string) {
  const ask = { topics: [{ name, topicId: ZERO_UUID }], allowAutoTopicCreation: false, ...NO_OPERATIONS }
  const { topics } = await broker.call(Metadata, 9, ask)
  const { errorCode, leaderId, isrNodes, offlineReplicas } = topics[0]!.partitions[0]!
  return { error: errorName(errorCode), leaderId, isrNodes, offlineReplicas }
}

async function move(broker: RunningBroker, topic: string, path: string): Promise<string> {
  const dirs = [{ path, topics: [{ name: topic, partitions: [0] }] }]
  const { results } = await broker.call(AlterReplicaLogDirs, 2, { dirs })
  return errorName(results[0]!.partitions[0]!.errorCode)
}

describe('a data directory that fails while the broker runs', () => {
  for (const effect of ['dead', 'unwritable', 'read-only'] as const) {
    it(`is offline as in Kafka, and all else is served (${effect})`, async () => {
      const broker = await running()
      fail(broker, '/b', effect)
      // The offsets topic meets the fault; the other partitions are offline with it.
      expect(await broker.commit('group', 8)).to.equal('NOT_COORDINATOR')
      expect(broker.complaints).to.have.length(1)
      expect(broker.complaints[0]).to.match(
        /^the data directory \/b failed: E(IO|ROFS).*; the \d partitions in it answer KAFKA_STORAGE_ERROR, and nothing in it is read or written, until the next start; the other directories are served; mend its disk/,
      )
      // Even a disk that works again is not used.
      broker.host.files.pathFaults = []
      await broker.passes(HOUR_MS / 12)
      expect(await broker.produce('three', 'key', 'more')).to.equal('KAFKA_STORAGE_ERROR')
      expect(await broker.endOffset('three')).to.equal('KAFKA_STORAGE_ERROR')
      expect(await partitionOf(broker, 'three')).to.deep.equal({
        error: 'LEADER_NOT_AVAILABLE',
        leaderId: -1,
        isrNodes: [],
        offlineReplicas: [1],
      })
      const described = await broker.call(DescribeTopicPartitions, 0, {
        topics: [{ name: 'three' }],
        responsePartitionLimit: 10,
        cursor: null,
      })
      const { errorCode, leaderId, eligibleLeaderReplicas, lastKnownElr } = described.topics[0]!.partitions[0]!
      expect([errorCode, leaderId, eligibleLeaderReplicas, lastKnownElr]).to.deep.equal([0, -1, [1], [1]])
      expect(await broker.committed('group')).to.equal('NOT_COORDINATOR')
      expect(await broker.findCoordinator('group')).to.equal('COORDINATOR_NOT_AVAILABLE')
      expect(await broker.directoryErrors()).to.deep.equal({ '/a': 'NONE', '/b': 'KAFKA_STORAGE_ERROR' })
      expect(await move(broker, 't', '/b')).to.equal('KAFKA_STORAGE_ERROR')
      expect(await move(broker, 'three', '/a')).to.equal('KAFKA_STORAGE_ERROR')
      // All else is served, and new topics go where they can.
      for (const topic of ['t', 'two']) expect(await broker.produce(topic, 'key', 'more')).to.equal(-1)
      expect((await partitionOf(broker, 't')).leaderId).to.equal(1)
      for (const topic of ['four', 'five', 'six']) {
        expect(await broker.create(topic)).to.equal('NONE')
        expect(broker.host.files.exists(`/a/${topic}-0`)).to.equal(true)
      }
      expect(broker.complaints).to.have.length(1)
      await broker.stop()
      expect(broker.complaints).to.have.length(1)
      const isMarked = (directory: string) => broker.host.files.exists(`${directory}/.kafka_cleanshutdown`)
      expect([isMarked('/a'), isMarked('/b')]).to.deep.equal([true, false])
      // The next start has everything that was acknowledged. It also proves that the locks were released.
      await broker.start(both)
      expect(await broker.endOffset('three')).to.equal(1)
      expect(await broker.endOffset('t')).to.equal(2)
      expect(await broker.committed('group')).to.equal(7)
      expect((await partitionOf(broker, 'three')).leaderId).to.equal(1)
      await broker.stop()
    })
  }

  it('answers fetches that wait at once', async () => {
    const broker = await running()
    const waiting = broker.connect()
    const partitions = [{ partition: 0, fetchOffset: 1, logStartOffset: -1, partitionMaxBytes: 1000 }]
    const topics = [{ topic: 'three', topicId: ZERO_UUID, partitions }]
    waiting.send(Fetch, 12, { maxWaitMs: HOUR_MS, minBytes: 1, topics, forgottenTopicsData: [] })
    await broker.passes(100)
    fail(broker, '/b', 'unwritable')
    await broker.commit('group', 8)
    const before = broker.host.clock.monotonicMs()
    const answer = await waiting.receive(Fetch, 12)
    expect(errorName(answer!.responses[0]!.partitions[0]!.errorCode)).to.equal('KAFKA_STORAGE_ERROR')
    expect(broker.host.clock.monotonicMs() - before).to.be.below(1000)
    await broker.stop()
  })

  it('gives its topics’ names free: a topic that is deleted and made again is in another one', async () => {
    const broker = await running()
    fail(broker, '/b', 'dead')
    await broker.commit('group', 8)
    expect(await broker.delete('three')).to.equal('NONE')
    expect(await broker.create('three')).to.equal('NONE')
    expect(await broker.produce('three', 'key', 'new')).to.equal(-1)
    await broker.stop()
    broker.host.files.pathFaults = []
    broker.complaints.length = 0
    await broker.start(both)
    expect(broker.complaints.join('\n')).to.match(/\/b\/three-0 .*it is set aside/)
    expect(await broker.endOffset('three')).to.equal(1)
    await broker.stop()
  })

  it('ends the broker with one line if it is the metadata directory', async () => {
    for (const meet of [
      (broker: RunningBroker) => broker.create('four'),
      (broker: RunningBroker) => broker.passes(HOUR_MS),
    ]) {
      const broker = await running()
      fail(broker, '/a', 'unwritable')
      await meet(broker)
      expect(broker.host.fatalReason).to.be.instanceOf(StorageLostError)
      expect(broker.host.fatalReason!.message).to.match(
        /^the data directory \/a failed: EIO: .*; the metadata log is in it, so the broker ends: mend its disk or permissions, and start the broker again$/,
      )
      await broker.stop()
    }
  })

  it('ends the broker if no other is left, although the metadata is elsewhere', async () => {
    const apart = { 'log.dirs': '/a,/b', 'metadata.log.dir': '/m' }
    const broker = await new RunningBroker().start(apart)
    for (const topic of ['one', 'two']) await broker.create(topic)
    fail(broker, '/a', 'dead')
    await broker.passes(HOUR_MS)
    expect(broker.host.fatalReason).to.equal(undefined)
    broker.host.files.pathFaults = ['/a', '/b'].map((each) => ({ concerns: within(each), effect: 'dead' }))
    await broker.passes(HOUR_MS)
    expect(broker.host.fatalReason?.message).to.match(
      /^the data directory \/b failed: EIO.*; no other data directory is left/,
    )
  })
})
