import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { RequestEvent } from 'kafkajs'
import { Metadata } from '../../../protocol/apis/metadata.ts'
import { RawClient } from '../../raw-client.ts'
import { againstApacheKafka, TestBroker } from '../../test-broker.ts'
import { Inbox, KafkaJsApplication } from './kafkajs-application.ts'

const FROM_JOIN_TO_RECORD_MS = 100
const ATTEMPTS_TAKE_MS = 40_000

describe('first contact', function () {
  this.timeout(60_000)
  let broker: TestBroker
  let application: KafkaJsApplication

  beforeEach(async () => {
    broker = await TestBroker.start()
    application = new KafkaJsApplication(broker.bootstrap)
  })
  afterEach(async () => {
    await application?.close()
    await broker?.dispose()
  })

  it('a topic that Metadata makes comes back with its leader in the same answer', async function () {
    if (againstApacheKafka) this.skip() // it answers UNKNOWN_TOPIC_OR_PARTITION or LEADER_NOT_AVAILABLE first
    const client = await RawClient.connect(broker.port)
    const { topics, brokers } = await client.send(Metadata, 9, {
      topics: [{ name: 'made', topicId: '00000000-0000-0000-0000-000000000000' }],
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    client.close()
    expect(topics.map(({ name, errorCode }) => ({ name, errorCode }))).to.deep.equal([{ name: 'made', errorCode: 0 }])
    const partitions = topics[0]!.partitions.map(({ errorCode, leaderId }) => ({ errorCode, leaderId }))
    expect(partitions).to.deep.equal([{ errorCode: 0, leaderId: brokers[0]!.nodeId }])
  })

  it('a topic can be made by subscribing to it', async function () {
    if (againstApacheKafka) this.skip() // likewise
    const inbox = await Inbox.of(await application.consumer(), 'made-by-reading')
    const producer = await application.producer()
    await producer.send({ topic: 'made-by-reading', messages: [{ value: 'a' }] })
    await inbox.atLeast(1)
    expect(inbox.values).to.deep.equal(['a'])
  })

  it('a coordinator answers the very first request for it', async function () {
    if (againstApacheKafka) this.skip() // it creates the offsets topic first and answers COORDINATOR_NOT_AVAILABLE
    const impatient = new KafkaJsApplication(broker.bootstrap, { retry: { retries: 0 } })
    const admin = await impatient.admin()
    await admin.createTopics({ topics: [{ topic: 'a-topic' }] })
    await admin.fetchOffsets({ groupId: 'first', topics: ['a-topic'] })
    await impatient.close()
  })

  it(`from a consumer's join to its first record, the broker takes at most ${FROM_JOIN_TO_RECORD_MS} ms`, async () => {
    await (await application.producer()).send({ topic: 'waiting', messages: [{ value: 'a' }] })
    // The machine is shared: the best of several attempts shows the broker's own time.
    const attempts: number[] = []
    const endMs = Date.now() + ATTEMPTS_TAKE_MS
    do attempts.push(await brokerMsFromJoinToRecord())
    while (Math.min(...attempts) > FROM_JOIN_TO_RECORD_MS && Date.now() < endMs)
    expect(Math.min(...attempts), attempts.join(' ')).to.be.at.most(FROM_JOIN_TO_RECORD_MS)
  })

  /** Sum of the request durations of a new group's consumer, from JoinGroup to the first record; they do not overlap. */
  async function brokerMsFromJoinToRecord(): Promise<number> {
    const consumer = await application.consumer({ groupId: randomUUID() })
    const requests: RequestEvent['payload'][] = []
    const stopListening = consumer.on(consumer.events.REQUEST, ({ payload }) => requests.push(payload))
    await (await Inbox.of(consumer, 'waiting')).atLeast(1)
    stopListening()
    await consumer.disconnect()
    const join = requests.findIndex(({ apiName }) => apiName === 'JoinGroup')
    const fetch = requests.findIndex(({ apiName }) => apiName === 'Fetch')
    expect(join).to.be.within(0, fetch)
    return requests.slice(join, fetch + 1).reduce((sum, { duration }) => sum + Number(duration), 0)
  }
})
