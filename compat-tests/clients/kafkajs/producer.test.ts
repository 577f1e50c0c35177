import { expect } from 'chai'
import { type Admin, CompressionTypes, type KafkaMessage, type Producer } from 'kafkajs'
import { TestBroker } from '../../test-broker.ts'
import { errorType, Inbox, KafkaJsApplication } from './kafkajs-application.ts'

describe('kafkajs producer', function () {
  this.timeout(60_000)
  let broker: TestBroker
  let application: KafkaJsApplication
  let admin: Admin
  let producer: Producer

  before(async () => {
    broker = await TestBroker.start()
    application = new KafkaJsApplication(broker.bootstrap)
    admin = await application.admin()
    producer = await application.producer()
  })
  after(async () => {
    await application?.close()
    await broker?.dispose()
  })

  const create = (topic: string, numPartitions = 1, configEntries: { name: string; value: string }[] = []) =>
    admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] })

  async function read(topic: string, count: number): Promise<KafkaMessage[]> {
    const consumer = await application.consumer()
    const messages = await (await Inbox.of(consumer, topic)).atLeast(count)
    await consumer.disconnect()
    return messages.map(({ message }) => message)
  }

  it('makes a topic by writing to it', async () => {
    const [sent] = await producer.send({ topic: 'made-by-writing', messages: [{ value: 'first' }] })
    expect(sent).to.include({ topicName: 'made-by-writing', partition: 0, errorCode: 0, baseOffset: '0' })
    expect((await read('made-by-writing', 1))[0]!.value!.toString()).to.equal('first')
  })

  it('keeps keys, values, headers and timestamps, byte for byte', async () => {
    await create('whole')
    const timestamp = String(Date.now() - 86_400_000)
    const headers = { plain: 'text', bytes: Buffer.from([0, 255, 128]), twice: ['one', 'two'], empty: '' }
    await producer.send({ topic: 'whole', messages: [{ key: 'key', value: 'välue', headers, timestamp }] })
    const [message] = await read('whole', 1)
    expect(message!.key!.toString()).to.equal('key')
    expect(message!.value!.toString()).to.equal('välue')
    expect(message!.timestamp).to.equal(timestamp)
    expect(message!.offset).to.equal('0')
    expect(message!.headers).to.deep.equal({
      plain: Buffer.from('text'),
      bytes: Buffer.from([0, 255, 128]),
      twice: [Buffer.from('one'), Buffer.from('two')],
      empty: Buffer.alloc(0),
    })
  })

  it('tells null from empty, in keys and in values', async () => {
    await create('nulls')
    const messages = [
      { key: null, value: 'no key' },
      { key: '', value: 'empty key' },
      { key: 'no value', value: null },
      { key: 'empty value', value: '' },
      { key: null, value: null },
    ]
    await producer.send({ topic: 'nulls', messages })
    const text = (bytes: Buffer | null) => (bytes === null ? null : bytes.toString())
    const back = (await read('nulls', messages.length)).map(({ key, value }) => ({
      key: text(key),
      value: text(value),
    }))
    expect(back).to.deep.equal(messages)
  })

  it('writes gzip', async () => {
    await create('gzip')
    const values = Array.from({ length: 1000 }, (_, index) => `line ${index} ${'x'.repeat(100)}`)
    const messages = values.map((value) => ({ value }))
    await producer.send({ topic: 'gzip', compression: CompressionTypes.GZIP, messages })
    expect((await read('gzip', 1000)).map(({ value }) => value!.toString())).to.deep.equal(values)
  })

  for (const acks of [0, 1, -1]) {
    it(`writes with acks ${acks}`, async () => {
      const topic = `acks-${acks}`
      await create(topic)
      for (const value of ['a', 'b', 'c']) await producer.send({ topic, acks, messages: [{ value }] })
      expect((await read(topic, 3)).map(({ value }) => value!.toString())).to.deep.equal(['a', 'b', 'c'])
    })
  }

  it('writes to several topics and partitions in one request', async () => {
    await create('batch-a', 2)
    await create('batch-b')
    const sent = await producer.sendBatch({
      topicMessages: [
        {
          topic: 'batch-a',
          messages: [
            { value: '1', partition: 0 },
            { value: '2', partition: 1 },
          ],
        },
        { topic: 'batch-b', messages: [{ value: '3' }] },
      ],
    })
    const answers = sent.map(({ topicName, partition, errorCode, baseOffset }) => [
      topicName,
      partition,
      errorCode,
      baseOffset,
    ])
    expect(answers).to.have.deep.members([
      ['batch-a', 0, 0, '0'],
      ['batch-a', 1, 0, '0'],
      ['batch-b', 0, 0, '0'],
    ])
  })

  it('answers the offset of the first record and the start of the log', async () => {
    await create('answers')
    await producer.send({ topic: 'answers', messages: [{ value: 'a' }, { value: 'b' }] })
    const [sent] = await producer.send({ topic: 'answers', messages: [{ value: 'c' }] })
    expect(sent).to.include({ baseOffset: '2', logStartOffset: '0', logAppendTime: '-1' })
  })

  it('stamps records itself where the topic says so', async () => {
    await create('append-time', 1, [{ name: 'message.timestamp.type', value: 'LogAppendTime' }])
    const before = Date.now()
    const [sent] = await producer.send({ topic: 'append-time', messages: [{ value: 'a', timestamp: '1000' }] })
    const [message] = await read('append-time', 1)
    expect(message!.timestamp).to.equal(sent!.logAppendTime)
    expect(Number(message!.timestamp)).to.be.within(before, Date.now())
  })

  it('is refused a record that is too large, and goes on', async () => {
    await create('small', 1, [{ name: 'max.message.bytes', value: '1000' }])
    const send = (size: number) => producer.send({ topic: 'small', messages: [{ value: Buffer.alloc(size, 120) }] })
    expect(await errorType(send(5000))).to.equal('MESSAGE_TOO_LARGE')
    await send(500)
    const messages = await read('small', 1)
    expect(messages.map(({ offset, value }) => [offset, value!.length])).to.deep.equal([['0', 500]])
  })

  it('is refused a topic of an invalid name', async () => {
    const impatient = await application.producer({ retry: { retries: 0 } })
    const sent = impatient.send({ topic: 'not a name', messages: [{ value: 'a' }] })
    expect(await errorType(sent)).to.equal('INVALID_TOPIC_EXCEPTION')
  })

  it('is refused an unknown topic where it must not be made', async () => {
    const modest = await application.producer({ allowAutoTopicCreation: false, retry: { retries: 0 } })
    const sent = modest.send({ topic: 'nobody-made-it', messages: [{ value: 'a' }] })
    expect(await errorType(sent)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await admin.listTopics()).not.to.include('nobody-made-it')
  })

  it('is refused a record without key where the topic is compacted', async () => {
    await create('compacted', 1, [{ name: 'cleanup.policy', value: 'compact' }])
    const impatient = await application.producer({ retry: { retries: 0 } })
    const sent = impatient.send({ topic: 'compacted', messages: [{ key: null, value: 'a' }] })
    expect(await errorType(sent)).to.equal('INVALID_RECORD')
    await impatient.send({ topic: 'compacted', messages: [{ key: 'k', value: 'a' }] })
  })

  it('writes idempotently, many requests after one another', async () => {
    await create('idempotent')
    const exact = await application.producer({ idempotent: true })
    const values = Array.from({ length: 50 }, (_, index) => String(index))
    for (const value of values) await exact.send({ topic: 'idempotent', messages: [{ value }, { value: `${value}b` }] })
    const back = (await read('idempotent', 100)).map(({ value }) => value!.toString())
    expect(back).to.deep.equal(values.flatMap((value) => [value, `${value}b`]))
  })
})
