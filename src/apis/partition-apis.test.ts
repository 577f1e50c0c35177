import { expect } from 'chai'
import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { DescribeLogDirs } from '../../protocol/apis/describe-log-dirs.ts'
import { DescribeProducers } from '../../protocol/apis/describe-producers.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { OffsetForLeaderEpoch } from '../../protocol/apis/offset-for-leader-epoch.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { batchOf, DataPath, type WireClient } from './data-path.fixture.ts'
import { deleteRecords } from './delete-records.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { describeProducers } from './describe-producers.ts'
import { initProducerId } from './init-producer-id.ts'
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts'

const append = { origin: 'client', leaderEpoch: 0, nowMs: 0 } as const

describe('DeleteRecords', () => {
  async function ask(path: DataPath, name: string, offset: number) {
    const request = { topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }], timeoutMs: 1000 }
    const { topics } = await path.connect().call(DeleteRecords, 2, request)
    const { lowWatermark, errorCode } = topics[0]!.partitions[0]!
    return [errorName(errorCode), lowWatermark]
  }

  async function rig() {
    const path = new DataPath([deleteRecords])
    path.metadata.addTopic('t')
    await path.log('t').append(batchOf(['a', 'b', 'c']), append)
    return path
  }

  it('moves the log start up, never down; -1 means the high watermark', async () => {
    const path = await rig()
    expect(await ask(path, 't', 2)).to.deep.equal(['NONE', 2])
    expect(await ask(path, 't', 1)).to.deep.equal(['NONE', 2])
    expect(await ask(path, 't', -1)).to.deep.equal(['NONE', 3])
    expect(path.log('t').logStartOffset).to.equal(3)
  })

  it('refuses offsets out of range, and unknown, internal and compacted topics', async () => {
    const path = await rig()
    path.metadata.addTopic('__consumer_offsets')
    expect(await ask(path, 't', 4)).to.deep.equal(['OFFSET_OUT_OF_RANGE', -1])
    expect(await ask(path, 't', -2)).to.deep.equal(['OFFSET_OUT_OF_RANGE', -1])
    expect(await ask(path, 'x', 0)).to.deep.equal(['UNKNOWN_TOPIC_OR_PARTITION', -1])
    expect(await ask(path, '__consumer_offsets', 0)).to.deep.equal(['INVALID_TOPIC_EXCEPTION', -1])
    path.metadata.setConfig('t', 'cleanup.policy', 'compact')
    expect(await ask(path, 't', 1)).to.deep.equal(['POLICY_VIOLATION', -1])
  })
})

describe('DeleteRecords of odd lists', () => {
  it('answers each partition once, with the last offset listed, and no topic without partitions', async () => {
    const path = new DataPath([deleteRecords])
    path.metadata.addTopic('t')
    await path.log('t').append(batchOf(['a', 'b', 'c']), append)
    const at = (...offsets: number[]) => offsets.map((offset) => ({ partitionIndex: 0, offset }))
    const topics = [
      { name: 't', partitions: at(3, 1) },
      { name: 'none', partitions: [] },
      { name: 't', partitions: at(2) },
    ]
    const answer = await path.connect().call(DeleteRecords, 2, { topics, timeoutMs: 1000 })
    expect(answer.topics).to.deep.equal([
      { name: 't', partitions: [{ partitionIndex: 0, lowWatermark: 2, errorCode: 0 }] },
    ])
  })
})

describe('OffsetForLeaderEpoch', () => {
  it('answers where epochs end, and refuses another leader epoch', async () => {
    const path = new DataPath([offsetForLeaderEpoch])
    path.metadata.addTopic('t', 1, { leaderEpoch: 3 })
    path.log('t').epochs.push({ leaderEpoch: 1, startOffset: 0 })
    await path.log('t').append(batchOf(['a', 'b']), append)
    const ask = async (leaderEpoch: number, currentLeaderEpoch = -1, partition = 0) => {
      const topics = [{ topic: 't', partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }]
      const response = await path.connect().call(OffsetForLeaderEpoch, 4, { topics })
      const answer = response.topics[0]!.partitions[0]!
      return [errorName(answer.errorCode), answer.leaderEpoch, answer.endOffset]
    }
    expect(await ask(1)).to.deep.equal(['NONE', 1, 2])
    expect(await ask(2)).to.deep.equal(['NONE', 1, 2])
    expect(await ask(3)).to.deep.equal(['NONE', 3, 2])
    expect(await ask(4)).to.deep.equal(['NONE', -1, -1])
    expect(await ask(3, 2)).to.deep.equal(['FENCED_LEADER_EPOCH', -1, -1])
    expect(await ask(3, 4)).to.deep.equal(['UNKNOWN_LEADER_EPOCH', -1, -1])
    expect(await ask(3, -1, 9)).to.deep.equal(['UNKNOWN_TOPIC_OR_PARTITION', -1, -1])
    const { partitions } = path.metadata.image.topicsByName.get('t')!
    path.metadata.addTopic('t', 1, { ...partitions[0], replicas: [1, 2], leader: 2 })
    expect(await ask(3, 2)).to.deep.equal(['FENCED_LEADER_EPOCH', -1, -1])
    expect(await ask(3, 3)).to.deep.equal(['NOT_LEADER_OR_FOLLOWER', -1, -1])
  })
})

describe('InitProducerId', () => {
  async function ask(client: WireClient, changes: object = {}) {
    const request = { transactionalId: null, transactionTimeoutMs: 1000, ...changes }
    const { errorCode, producerId, producerEpoch } = await client.call(InitProducerId, 5, request)
    return { error: errorName(errorCode), producerId, producerEpoch }
  }

  it('gives each producer its own id, and epoch 0', async () => {
    const client = new DataPath([initProducerId]).connect()
    const ids = new Set<number>()
    for (let index = 0; index < 1002; index++) {
      const answer = await ask(client)
      expect(answer).to.include({ error: 'NONE', producerEpoch: 0 })
      ids.add(answer.producerId)
    }
    expect(ids.size).to.equal(1002)
  })

  it('refuses a producer id without an epoch', async () => {
    const client = new DataPath([initProducerId]).connect()
    expect(await ask(client, { producerId: 5 })).to.deep.equal({
      error: 'INVALID_REQUEST',
      producerId: -1,
      producerEpoch: -1,
    })
  })
})

describe('DescribeProducers', () => {
  it('is answered by any replica', async () => {
    const path = new DataPath([describeProducers])
    path.metadata.addTopic('t', 1, { replicas: [1, 2], leader: 2 })
    path.metadata.addTopic('elsewhere', 1, { replicas: [2], leader: 2 })
    const topics = ['t', 'elsewhere'].map((name) => ({ name, partitionIndexes: [0] }))
    const response = await path.connect().call(DescribeProducers, 0, { topics })
    expect(response.topics.map(({ partitions }) => errorName(partitions[0]!.errorCode))).to.deep.equal([
      'NONE',
      'NOT_LEADER_OR_FOLLOWER',
    ])
  })

  it('lists the producers of a log, and has error messages for unknown topics', async () => {
    const path = new DataPath([describeProducers])
    path.metadata.addTopic('t')
    path.log('t').producers = [
      {
        producerId: 8,
        producerEpoch: 1,
        lastSequence: 41,
        lastTimestampMs: 1234,
        coordinatorEpoch: -1,
        currentTransactionStartOffset: -1,
      },
    ]
    const topics = [
      { name: 't', partitionIndexes: [0, 5] },
      { name: 'x', partitionIndexes: [0] },
    ]
    const response = await path.connect().call(DescribeProducers, 0, { topics })
    const [known, unknown] = response.topics
    expect(known?.partitions[0]?.activeProducers).to.deep.equal([
      {
        producerId: 8,
        producerEpoch: 1,
        lastSequence: 41,
        lastTimestamp: 1234,
        coordinatorEpoch: -1,
        currentTxnStartOffset: -1,
      },
    ])
    expect(known?.partitions[1]).to.include({ errorCode: 3, errorMessage: null })
    expect(unknown?.partitions[0]?.errorCode).to.equal(3)
    expect(unknown?.partitions[0]?.errorMessage).to.be.a('string')
  })
})

describe('DescribeLogDirs', () => {
  it('answers sizes by directory and topic, of all partitions or of those asked for', async () => {
    const path = new DataPath([describeLogDirs])
    path.metadata.addTopic('a', 2)
    path.metadata.addTopic('b')
    await path.log('b').append(batchOf(['x']), append)
    const all = await path.connect().call(DescribeLogDirs, 4, { topics: null })
    expect(all.results[0]).to.include({ logDir: '/data', errorCode: 0, totalBytes: 9, usableBytes: 7 })
    const sizes = all.results[0]?.topics.map(({ name, partitions }) => [
      name,
      partitions.map((each) => each.partitionSize),
    ])
    expect(sizes).to.deep.equal([
      ['a', [0, 0]],
      ['b', [batchOf(['x']).length]],
    ])
    const some = await path.connect().call(DescribeLogDirs, 4, { topics: [{ topic: 'a', partitions: [1] }] })
    expect(some.results[0]?.topics.map(({ name, partitions }) => [name, partitions.length])).to.deep.equal([['a', 1]])
  })
})
