import { expect } from 'chai'
import { type Admin, type Consumer, type ConsumerConfig, PartitionAssigners, type Producer } from 'kafkajs'
import { TestBroker } from '../../test-broker.ts'
import { waitFor, within } from '../../wait-for.ts'
import { GroupMemberProcess } from './group-member-process.ts'
import { Inbox, KafkaJsApplication, nextAssignment, SHORT_SESSION, SHORT_SESSIONS } from './kafkajs-application.ts'

describe('kafkajs consumer', function () {
  this.timeout(60_000)
  let broker: TestBroker
  let application: KafkaJsApplication
  let admin: Admin
  let producer: Producer

  before(async () => {
    broker = await TestBroker.start({ settings: SHORT_SESSIONS })
    application = new KafkaJsApplication(broker.bootstrap)
    admin = await application.admin()
    producer = await application.producer()
  })
  after(async () => {
    await application?.close()
    await broker?.dispose()
  })

  const create = (topic: string, numPartitions = 1) => admin.createTopics({ topics: [{ topic, numPartitions }] })
  const send = (topic: string, ...values: string[]) =>
    producer.send({ topic, messages: values.map((value) => ({ value })) })
  const committed = async (groupId: string, topic: string) => {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return found!.partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)
  }

  it('reads what is there from the beginning, and what comes later', async () => {
    await create('from-beginning')
    await send('from-beginning', 'before')
    const inbox = await Inbox.of(await application.consumer(), 'from-beginning')
    await inbox.atLeast(1)
    await send('from-beginning', 'after')
    await inbox.atLeast(2)
    expect(inbox.values).to.deep.equal(['before', 'after'])
  })

  it('reads only what comes later where it is not told otherwise', async () => {
    await create('from-end')
    await send('from-end', 'before')
    const consumer = await application.consumer()
    const joined = nextAssignment(consumer)
    const inbox = await Inbox.of(consumer, 'from-end', false)
    await within('the consumer joins', joined)
    // Its first fetch fixes its position; only records written after that are certain to arrive.
    await within(
      'a fetch ends',
      new Promise<void>((resolve) => void consumer.on(consumer.events.FETCH, () => resolve())),
    )
    await send('from-end', 'after')
    await inbox.atLeast(1)
    expect(inbox.values).to.deep.equal(['after'])
  })

  it('continues where its group stopped', async () => {
    await create('continued')
    await send('continued', 'a', 'b')
    const first = await application.consumer({ groupId: 'continuing' })
    await (await Inbox.of(first, 'continued')).atLeast(2)
    await first.disconnect()
    expect(await committed('continuing', 'continued')).to.deep.equal(['2'])
    await send('continued', 'c')
    const second = await Inbox.of(await application.consumer({ groupId: 'continuing' }), 'continued')
    await second.atLeast(1)
    expect(second.values).to.deep.equal(['c'])
  })

  it('goes back to an offset that it seeks', async () => {
    await create('sought')
    await send('sought', 'a', 'b', 'c')
    const consumer = await application.consumer()
    const inbox = await Inbox.of(consumer, 'sought')
    await inbox.atLeast(3)
    consumer.seek({ topic: 'sought', partition: 0, offset: '1' })
    await inbox.atLeast(5)
    expect(inbox.values).to.deep.equal(['a', 'b', 'c', 'b', 'c'])
  })

  it('starts over where it seeks an offset beyond the end', async () => {
    await create('sought-too-far')
    await send('sought-too-far', 'a', 'b')
    const consumer = await application.consumer()
    const inbox = await Inbox.of(consumer, 'sought-too-far')
    await inbox.atLeast(2)
    consumer.seek({ topic: 'sought-too-far', partition: 0, offset: '100' })
    await inbox.atLeast(4)
    expect(inbox.values).to.deep.equal(['a', 'b', 'a', 'b'])
  })

  it('commits by hand, with metadata, what and when it wants', async () => {
    const [topic, groupId] = ['by-hand', 'by-hand']
    await create(topic)
    await send(topic, 'a', 'b', 'c')
    const consumer = await application.consumer({ groupId })
    const seen: string[] = []
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message }) => {
        seen.push(message.value!.toString())
      },
    })
    await waitFor('all three', () => seen.length === 3)
    expect(await committed(groupId, topic)).to.deep.equal(['-1'])
    await consumer.commitOffsets([{ topic, partition: 0, offset: '2', metadata: 'a note' }])
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    expect(found!.partitions).to.deep.equal([{ partition: 0, offset: '2', metadata: 'a note' }])
    await consumer.disconnect()
    expect(await committed(groupId, topic)).to.deep.equal(['2'])
  })

  it('pauses and resumes', async () => {
    const topic = 'paused'
    await create(topic, 2)
    const consumer = await application.consumer()
    const inbox = await Inbox.of(consumer, topic)
    await producer.send({
      topic,
      messages: [
        { value: 'a', partition: 0 },
        { value: 'b', partition: 1 },
      ],
    })
    await inbox.atLeast(2)
    consumer.pause([{ topic, partitions: [0] }])
    await producer.send({
      topic,
      messages: [
        { value: 'held', partition: 0 },
        { value: 'c', partition: 1 },
      ],
    })
    await inbox.atLeast(3)
    await producer.send({ topic, messages: [{ value: 'd', partition: 1 }] })
    await inbox.atLeast(4)
    expect(inbox.values.slice(2)).to.deep.equal(['c', 'd'])
    consumer.resume([{ topic, partitions: [0] }])
    await inbox.atLeast(5)
    expect(inbox.values[4]).to.equal('held')
  })

  it('shares six partitions between two members, and gives all to one when the other leaves', async () => {
    const [topic, groupId] = ['shared', 'sharing']
    await create(topic, 6)
    const [first, second] = [await member(groupId), await member(groupId)]
    await Inbox.of(first, topic)
    const both = [assignmentOf(second, 3), assignmentOf(first, 3)]
    await Inbox.of(second, topic)
    const [ofSecond, ofFirst] = await within('both are given their share', Promise.all(both))
    expect([...ofFirst![topic]!, ...ofSecond![topic]!].toSorted()).to.deep.equal([0, 1, 2, 3, 4, 5])
    const all = assignmentOf(first, 6)
    await second.disconnect()
    await within('the one that stays is given all', all)
  })

  it('takes over from a member that dies, from its committed offsets on', async () => {
    const [topic, groupId] = ['inherited', 'heirs']
    await create(topic, 6)
    const everyPartition = (value: string) =>
      producer.send({ topic, messages: [0, 1, 2, 3, 4, 5].map((partition) => ({ partition, value })) })
    await everyPartition('early')
    const doomed = await GroupMemberProcess.start(broker.bootstrap, groupId, topic)
    try {
      await doomed.hasRead(6)
      await waitFor('it commits what it read', async () => (await committed(groupId, topic)).every((o) => o === '1'))
      // On a slow machine it would lose a short session, and read again what it did not commit.
      const survivor = await member(groupId, { sessionTimeout: 30_000 })
      const shared = assignmentOf(survivor, 3)
      const inbox = await Inbox.of(survivor, topic)
      await within('they share the partitions', shared)
      const all = assignmentOf(survivor, 6)
      await doomed.kill9()
      await everyPartition('late')
      await within('the survivor is given all', all)
      await inbox.atLeast(6)
      expect(inbox.values).to.deep.equal(Array(6).fill('late'))
      expect(new Set(inbox.messages.map(({ partition }) => partition)).size).to.equal(6)
    } finally {
      await doomed.kill9()
    }
  })

  it('gives each group all messages', async () => {
    await create('everybody')
    await send('everybody', 'a', 'b')
    const inboxes = [
      await Inbox.of(await application.consumer(), 'everybody'),
      await Inbox.of(await application.consumer(), 'everybody'),
    ]
    for (const inbox of inboxes) await inbox.atLeast(2)
    expect(inboxes.map(({ values }) => values)).to.deep.equal([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })

  function member(groupId: string, config: Partial<ConsumerConfig> = {}): Promise<Consumer> {
    const partitionAssigners = [PartitionAssigners.roundRobin]
    return application.consumer({ groupId, ...SHORT_SESSION, partitionAssigners, ...config })
  }

  /** Resolves once the member is assigned exactly `count` partitions. */
  function assignmentOf(consumer: Consumer, count: number): Promise<Record<string, number[]>> {
    return new Promise((resolve) => {
      const remove = consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        const assignment = payload.memberAssignment as unknown as Record<string, number[]>
        if (Object.values(assignment).flat().length !== count) return
        remove()
        resolve(assignment)
      })
    })
  }
})
