import { expect } from 'chai'
import { Produce } from '../../protocol/apis/produce.ts'
import { errorName, reject } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { batchOf, DataPath } from './data-path.fixture.ts'
import { produce } from './produce.ts'

const NEWEST = 13

function requestTo(topic: { name: string; id: string }, records: Buffer | null, changes: object = {}) {
  const topicData = [{ name: topic.name, topicId: topic.id, partitionData: [{ index: 0, records }] }]
  return { transactionalId: null, acks: -1, timeoutMs: 1000, topicData, ...changes }
}

describe('Produce', () => {
  for (let version = 3; version <= NEWEST; version++) {
    it(`v${version} appends and answers the first offset`, async () => {
      const path = new DataPath([produce])
      const topic = path.metadata.addTopic('t')
      const client = path.connect()
      await client.call(Produce, version, requestTo(topic, batchOf(['a', 'b'])))
      const { responses } = await client.call(Produce, version, requestTo(topic, batchOf(['c'])))
      expect(responses[0]).to.include(version < 13 ? { name: 't' } : { topicId: topic.id })
      expect(responses[0]?.partitionResponses[0]).to.include({ index: 0, errorCode: 0, baseOffset: 2 })
      expect(path.log('t').logEndOffset).to.equal(3)
    })
  }

  async function outcome(version: number, request: ReturnType<typeof requestTo>, path: DataPath) {
    const { responses } = await path.connect().call(Produce, version, request)
    const partition = responses[0]!.partitionResponses[0]!
    return { ...partition, error: errorName(partition.errorCode) }
  }

  const nowhere = { name: 'nowhere', id: 'ZAAAAAAAAAAAAAAAAAAAAA' }

  it('answers UNKNOWN_TOPIC_OR_PARTITION to a name and UNKNOWN_TOPIC_ID to an id that is unknown', async () => {
    const path = new DataPath([produce])
    expect(await outcome(12, requestTo(nowhere, batchOf(['a'])), path)).to.include({
      error: 'UNKNOWN_TOPIC_OR_PARTITION',
      baseOffset: -1,
    })
    for (const id of [nowhere.id, ZERO_UUID]) {
      expect((await outcome(13, requestTo({ name: 't', id }, batchOf(['a'])), path)).error).to.equal('UNKNOWN_TOPIC_ID')
    }
  })

  it('refuses acks other than -1, 0 and 1', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('t')
    expect((await outcome(9, requestTo(topic, batchOf(['a']), { acks: 2 }), path)).error).to.equal(
      'INVALID_REQUIRED_ACKS',
    )
  })

  it('fails as a whole on an invalid first batch, as Kafka does', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('t', 2)
    const noise = Buffer.alloc(80, 7)
    const partitionData = [batchOf(['a']), noise].map((records, index) => ({ index, records }))
    const topicData = [{ name: topic.name, topicId: topic.id, partitionData }]
    const { responses } = await path.connect().call(Produce, 9, requestTo(topic, null, { topicData }))
    for (const { errorCode, errorMessage } of responses[0]!.partitionResponses)
      expect([errorName(errorCode), errorMessage]).to.deep.equal([
        'CORRUPT_MESSAGE',
        'Invalid magic found in record: 7',
      ])
    expect(path.log('t').logEndOffset).to.equal(0)
    const client = path.connect()
    client.send(Produce, 9, requestTo(topic, noise, { acks: 0 }))
    expect(await client.receive(Produce, 9)).to.equal(undefined)
  })

  it('refuses null records like others if the topic does not exist', async () => {
    const path = new DataPath([produce])
    expect((await outcome(9, requestTo(nowhere, null), path)).error).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('leaves out a topic without partitions', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('t')
    const topicData = [{ name: topic.name, topicId: topic.id, partitionData: [] }]
    expect((await path.connect().call(Produce, 9, requestTo(topic, null, { topicData }))).responses).to.deep.equal([])
  })

  it('refuses internal topics', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('__consumer_offsets')
    expect((await outcome(9, requestTo(topic, batchOf(['a'])), path)).error).to.equal('INVALID_TOPIC_EXCEPTION')
  })

  it('requires min.insync.replicas with acks=all, at most the number of replicas', async () => {
    const path = new DataPath([produce], { 'min.insync.replicas': '2' })
    const alone = path.metadata.addTopic('alone')
    const short = path.metadata.addTopic('short', 1, { replicas: [1, 2], isr: [1] })
    expect((await outcome(9, requestTo(alone, batchOf(['a'])), path)).error).to.equal('NONE')
    expect((await outcome(9, requestTo(short, batchOf(['a'])), path)).error).to.equal('NOT_ENOUGH_REPLICAS')
    expect((await outcome(9, requestTo(short, batchOf(['a']), { acks: 1 }), path)).error).to.equal('NONE')
  })

  it('answers NOT_LEADER_OR_FOLLOWER if another broker leads', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('t', 1, { leader: 2 })
    expect((await outcome(9, requestTo(topic, batchOf(['a'])), path)).error).to.equal('NOT_LEADER_OR_FOLLOWER')
  })

  it('answers which records were invalid, and a message only then', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('t')
    const recordErrors = [{ batchIndex: 3, message: 'null key' }]
    path.log('t').nextRejection = { ...reject('INVALID_RECORD', 'bad'), recordErrors }
    expect(await outcome(8, requestTo(topic, batchOf(['a'])), path)).to.deep.include({
      error: 'INVALID_RECORD',
      errorMessage: 'bad',
      logStartOffset: 0,
      recordErrors: [{ batchIndex: 3, batchIndexErrorMessage: 'null key' }],
    })
    path.log('t').nextRejection = reject('MESSAGE_TOO_LARGE')
    expect(await outcome(8, requestTo(topic, batchOf(['a'])), path)).to.include({
      error: 'MESSAGE_TOO_LARGE',
      errorMessage: null,
      logStartOffset: -1,
    })
  })

  it('refuses transactional records without a transactional id, for all partitions', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('t')
    const records = batchOf(['a'])
    records.writeInt16BE(records.readInt16BE(21) | 0x10, 21)
    expect((await outcome(9, requestTo(topic, records), path)).error).to.equal('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  })

  it('closes the connection of a client that sends null for records', async () => {
    const path = new DataPath([produce])
    const client = path.connect()
    client.send(Produce, 9, requestTo(path.metadata.addTopic('t'), null))
    expect(await client.receive(Produce, 9)).to.equal(undefined)
  })

  it('answers the leader to a client that asked the wrong broker, from v10 on', async () => {
    const path = new DataPath([produce])
    path.metadata.addBroker(2, { host: 'other', port: 9093 })
    const topic = path.metadata.addTopic('t', 1, { leader: 2, leaderEpoch: 4 })
    for (const version of [10, 13]) {
      const { responses, nodeEndpoints } = await path.connect().call(Produce, version, requestTo(topic, batchOf(['a'])))
      expect(responses[0]?.partitionResponses[0]?.currentLeader).to.deep.equal({ leaderId: 2, leaderEpoch: 4 })
      expect(nodeEndpoints).to.deep.equal([{ nodeId: 2, host: 'other', port: 9093, rack: null }])
    }
    expect((await path.connect().call(Produce, 9, requestTo(topic, batchOf(['a'])))).nodeEndpoints).to.deep.equal([])
  })

  it('appends to other partitions if one is refused', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('t')
    const partitionData = [
      { index: 5, records: batchOf(['a']) },
      { index: 0, records: batchOf(['b']) },
    ]
    const request = {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1,
      topicData: [{ name: 't', topicId: topic.id, partitionData }],
    }
    const { responses } = await path.connect().call(Produce, 9, request)
    expect(responses[0]?.partitionResponses.map(({ index, errorCode }) => [index, errorName(errorCode)])).to.deep.equal(
      [
        [5, 'UNKNOWN_TOPIC_OR_PARTITION'],
        [0, 'NONE'],
      ],
    )
  })

  it('answers nothing with acks=0, and closes the connection on an error', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('t')
    const client = path.connect()
    client.send(Produce, 9, requestTo(topic, batchOf(['a']), { acks: 0 }))
    await path.host.advance(10)
    expect(client.hasResponse).to.equal(false)
    expect(client.isClosed).to.equal(false)
    expect(path.log('t').logEndOffset).to.equal(1)
    client.send(Produce, 9, requestTo(nowhere, batchOf(['a']), { acks: 0 }))
    expect(await client.receive(Produce, 9)).to.equal(undefined)
    expect(path.warnings).to.have.length(1)
  })

  it('keeps the order of requests to a log that is being opened, and lets other clients go on', async () => {
    const path = new DataPath([produce])
    path.logs.opening = (topic) =>
      topic === 't' ? new Promise((resolve) => path.host.timers.after(100, resolve)) : Promise.resolve()
    const topic = path.metadata.addTopic('t', 2)
    const other = path.metadata.addTopic('other')
    const client = path.connect()
    const twice = [0, 1, 0].map((index) => ({ index, records: batchOf(['a']) }))
    const topicData = [{ name: 't', topicId: topic.id, partitionData: twice }]
    client.send(Produce, 9, requestTo(topic, null, { topicData }))
    client.send(Produce, 9, requestTo(topic, batchOf(['b', 'b'])))
    await path.host.advance(50)
    expect((await outcome(9, requestTo(other, batchOf(['x'])), path)).error).to.equal('NONE')
    // The log is opened by now; the second request must not pass the first.
    await path.host.advance(49)
    expect(path.logs.logOf('t', 0)).to.equal(undefined)
    const offsets = []
    for (let index = 0; index < 2; index++) {
      const response = await client.receive(Produce, 9)
      offsets.push(response?.responses[0]?.partitionResponses.map((each) => [each.index, each.baseOffset]))
    }
    expect(offsets).to.deep.equal([
      [
        [0, 0],
        [1, 0],
        [0, 1],
      ],
      [[0, 2]],
    ])
  })

  it('refuses a partition alone whose log cannot be opened', async () => {
    const path = new DataPath([produce])
    path.logs.opening = async (_, partition) => {
      if (partition === 0) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    const topic = path.metadata.addTopic('t', 2)
    const partitionData = [0, 1].map((index) => ({ index, records: batchOf(['a']) }))
    const topicData = [{ name: 't', topicId: topic.id, partitionData }]
    const { responses } = await path.connect().call(Produce, 9, requestTo(topic, null, { topicData }))
    const errors = responses[0]?.partitionResponses.map((each) => errorName(each.errorCode))
    expect(errors).to.deep.equal(['KAFKA_STORAGE_ERROR', 'NONE'])
  })

  it('starts the next request while the append is written, and answers in order', async () => {
    const path = new DataPath([produce])
    const topic = path.metadata.addTopic('t')
    const log = path.log('t')
    let flush = () => {}
    log.flushing = () => new Promise((resolve) => (flush = resolve))
    const client = path.connect()
    client.send(Produce, 9, requestTo(topic, batchOf(['a'])))
    await path.host.advance(1)
    const first = flush
    client.send(Produce, 9, requestTo(topic, batchOf(['b'])))
    await path.host.advance(1)
    expect(log.logEndOffset).to.equal(2)
    flush()
    await path.host.advance(1)
    expect(client.hasResponse).to.equal(false)
    first()
    const offsets = []
    for (let index = 0; index < 2; index++) {
      offsets.push((await client.receive(Produce, 9))?.responses[0]?.partitionResponses[0]?.baseOffset)
    }
    expect(offsets).to.deep.equal([0, 1])
  })
})
