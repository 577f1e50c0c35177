import { expect } from 'chai'
import { AlterReplicaLogDirs } from '../protocol/apis/alter-replica-log-dirs.ts'
import { DescribeLogDirs } from '../protocol/apis/describe-log-dirs.ts'
import { Fetch } from '../protocol/apis/fetch.ts'
import { errorName } from '../protocol/error-codes.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { SeededRandom } from '../storage/host/seeded-random.ts'
import { BROKER, RunningBroker } from './running-broker.fixture.ts'

const both = { 'log.dirs': '/a,/b', 'offsets.topic.num.partitions': '1', 'log.flush.interval.messages': '1' }
const THROTTLE = 'replica.alter.log.dirs.io.max.bytes.per.second'

/** Topic `t` is in /a with the metadata log, the offsets topic in /b. */
async function running(): Promise<RunningBroker> {
  const broker = await new RunningBroker().start(both)
  await broker.create('t')
  expect(await broker.commit('group', 1)).to.equal('NONE')
  for (let i = 0; i < 3; i++) expect(await broker.produce('t', 'key', `value ${i}`)).to.equal(-1)
  return broker
}

async function move(broker: RunningBroker, topic: string, path: string, partition = 0): Promise<string> {
  const dirs = [{ path, topics: [{ name: topic, partitions: [partition] }] }]
  const { results } = await broker.call(AlterReplicaLogDirs, 2, { dirs })
  return errorName(results[0]!.partitions[0]!.errorCode)
}

/** Partitions by directory: `t-0`, and `t-0 future, lag 3`. */
async function described(broker: RunningBroker): Promise<Record<string, string[]>> {
  const { results } = await broker.call(DescribeLogDirs, 4, { topics: null })
  const lines = results.map(({ logDir, topics }) => {
    const partitions = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, isFutureKey, offsetLag }) => {
        return `${name}-${partitionIndex}${isFutureKey ? ` future, lag ${offsetLag}` : ''}`
      }),
    )
    return [logDir, partitions.sort()]
  })
  return Object.fromEntries(lines)
}

/** The high watermark that a fetch of all records of `t` answers, or the error. */
async function fetched(broker: RunningBroker, fetchOffset: number): Promise<string | number> {
  const partition = { partition: 0, fetchOffset, partitionMaxBytes: 100_000 }
  const topics = [{ topic: 't', topicId: ZERO_UUID, partitions: [partition] }]
  const answer = await broker.call(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 100_000,
    topics,
    forgottenTopicsData: [],
  })
  const { errorCode, highWatermark, records } = answer.responses[0]!.partitions[0]!
  expect(records?.length).to.be.greaterThan(0)
  return errorCode === 0 ? highWatermark : errorName(errorCode)
}

describe('a partition that moves to another data directory', () => {
  it('is produced to and fetched from all the time, and is there after a restart', async () => {
    const broker = await running()
    await broker.alter(BROKER, '1', { [THROTTLE]: '100' })
    expect(await move(broker, 't', '/b')).to.equal('NONE')
    expect(await described(broker)).to.deep.equal({
      '/a': ['t-0'],
      '/b': ['__consumer_offsets-0', 't-0 future, lag 3'],
    })
    expect(await broker.produce('t', 'key', 'more')).to.equal(-1)
    await broker.alter(BROKER, '1', { [THROTTLE]: null })
    for (let i = 0; !broker.host.files.exists('/b/t-0'); i++) {
      expect(await broker.produce('t', 'key', `more ${i}`)).to.equal(-1)
      expect(await fetched(broker, 0)).to.equal(5 + i)
      await broker.passes(0.2)
    }
    await broker.passes(100)
    const end = await broker.endOffset('t')
    expect(await described(broker)).to.deep.equal({ '/a': [], '/b': ['__consumer_offsets-0', 't-0'] })
    expect(await broker.produce('t', 'key', 'last')).to.equal(-1)
    await broker.stop()
    await broker.start(both)
    expect(await described(broker)).to.deep.equal({ '/a': [], '/b': ['__consumer_offsets-0', 't-0'] })
    expect(await broker.endOffset('t')).to.equal((end as number) + 1)
    expect(broker.complaints).to.deep.equal([])
    await broker.stop()
  })

  it('may be that of the offsets of groups', async () => {
    const broker = await running()
    expect(await move(broker, '__consumer_offsets', '/a')).to.equal('NONE')
    for (let i = 2; i < 40; i++) {
      expect(await broker.commit('group', i)).to.equal('NONE')
      await broker.passes(1)
    }
    expect(await described(broker)).to.deep.equal({ '/a': ['__consumer_offsets-0', 't-0'], '/b': [] })
    expect(await broker.committed('group')).to.equal(39)
    broker.host.crash()
    await broker.start(both)
    expect(await broker.committed('group')).to.equal(39)
    await broker.stop()
  })

  it('that cannot move gets the errors of Kafka, and one that does not exist yet is created there', async () => {
    const broker = await running()
    expect(await move(broker, 't', '/c')).to.equal('LOG_DIR_NOT_FOUND')
    expect(await move(broker, 't', '/a')).to.equal('NONE')
    expect(await move(broker, 'n'.repeat(249), '/c')).to.equal('INVALID_TOPIC_EXCEPTION')
    expect(await move(broker, 'new', '/c')).to.equal('LOG_DIR_NOT_FOUND')
    expect(await move(broker, 't', '/b', 1)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    for (const name of ['new', 'newer', 'newest']) {
      expect(await move(broker, name, '/b')).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
      expect(await broker.create(name)).to.equal('NONE')
      expect(broker.host.files.exists(`/b/${name}-0`), name).to.equal(true)
    }
    expect(broker.complaints).to.deep.equal([])
    await broker.stop()
  })

  for (const losesPower of [false, true]) {
    it(`is in one directory with all its records after a crash at any step${losesPower ? ' and a power loss' : ''}`, async function () {
      this.timeout(300_000)
      let crashes = 0
      for (let [step, isOver] = [0, false]; !isOver; step += 3) {
        const broker = await running()
        broker.host.files.crashAfterChanges = step
        let acknowledged = 3
        const use = async () => {
          await move(broker, 't', '/b')
          for (let i = 0; i < 5; i++) {
            if ((await broker.produce('t', 'key', `more ${i}`)) !== -1) return
            acknowledged++
          }
          await broker.passes(3000)
        }
        await use().catch((error: Error) => {
          if (!broker.host.files.crashed) throw error
        })
        isOver = !broker.host.files.crashed
        if (!isOver) crashes++
        broker.host.crash()
        if (losesPower) broker.host.memory.losePower(new SeededRandom(step))
        await broker.start(both)
        const when = `step ${step}`
        const end = await broker.endOffset('t')
        expect(end, when).to.be.a('number').and.at.least(acknowledged)
        expect(await broker.produce('t', 'key', 'after'), when).to.equal(-1)
        await broker.passes(5000)
        expect(await broker.endOffset('t'), when).to.equal((end as number) + 1)
        const places = Object.values(await described(broker)).flat()
        expect(places.sort(), when).to.deep.equal(['__consumer_offsets-0', 't-0'])
        await broker.stop()
      }
      expect(crashes).to.be.greaterThan(15)
    })
  }
})
