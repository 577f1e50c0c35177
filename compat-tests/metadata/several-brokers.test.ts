import { cpSync } from 'node:fs'
import { expect } from 'chai'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { apacheKafka } from '../apache-kafka.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'

const RECORDS = 20
/** Replicas of each topic's partitions. */
const topics = { everywhere: [[3, 1, 2]], 'on two': [[2, 3]], alone: [[3], [2], [1]] } as const
const names = { everywhere: 'everywhere', 'on two': 'on-two', alone: 'alone' } as const

/**
 * At its start Kafka takes the leadership from its broker until that is unfenced. A load of groups that has begun is
 * given up, which is logged, and begins again with the next leader epoch.
 */
const lostRace = /Failed to load metadata from __consumer_offsets-0 with epoch \d+ due to Stopped loading records/

const clientOf = (broker: TestBroker) => new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })

async function withAdmin<T>(broker: TestBroker, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = clientOf(broker).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

/** Leader, replicas and in-sync replicas of each partition. */
function placed(broker: TestBroker): Promise<string[]> {
  return withAdmin(broker, async (admin) => {
    const { topics: described } = await admin.fetchTopicMetadata({ topics: Object.values(names) })
    return described
      .flatMap(({ name, partitions }) =>
        partitions.map((each) => `${name}-${each.partitionId} ${each.leader} of ${each.replicas} in sync ${each.isr}`),
      )
      .sort()
  })
}

function ends(broker: TestBroker): Promise<number> {
  return withAdmin(broker, async (admin) => {
    const offsets = await Promise.all(Object.values(names).map((topic) => admin.fetchTopicOffsets(topic)))
    return offsets.flat().reduce((sum, { high }) => sum + Number(high), 0)
  })
}

describe('a directory that three brokers served', () => {
  needs('java', 'maven')

  it('is one of a single broker after a start with --brokers 1, for Apache Kafka, too', async function () {
    this.timeout(240_000)
    const three = await TestBroker.start({ settings: { 'num.brokers': '3' } })
    const kafka = await TestBroker.stopped({ program: { ...apacheKafka, prepare: () => {} } })
    try {
      await withAdmin(three, async (admin) => {
        for (const [topic, partitions] of Object.entries(topics)) {
          const replicaAssignment = partitions.map((replicas, partition) => ({ partition, replicas: [...replicas] }))
          await admin.createTopics({ topics: [{ topic: names[topic as keyof typeof names], replicaAssignment }] })
        }
        // Makes the topic of committed offsets, with three replicas.
        await admin.setOffsets({ groupId: 'g', topic: 'alone', partitions: [{ partition: 0, offset: '7' }] })
      })
      const producer = clientOf(three).producer()
      await producer.connect()
      for (const topic of Object.values(names))
        for (let i = 0; i < RECORDS; i++) await producer.send({ topic, messages: [{ key: `${i}`, value: `${i}` }] })
      await producer.disconnect()
      expect(await placed(three)).to.deep.equal([
        'alone-0 3 of 3 in sync 3',
        'alone-1 2 of 2 in sync 2',
        'alone-2 1 of 1 in sync 1',
        'everywhere-0 3 of 3,1,2 in sync 3,1,2',
        'on-two-0 2 of 2,3 in sync 2,3',
      ])
      await three.restart({ 'num.brokers': '1' })
      const single = ['alone-0', 'alone-1', 'alone-2', 'everywhere-0', 'on-two-0'].map(
        (each) => `${each} 1 of 1 in sync 1`,
      )
      expect(await placed(three)).to.deep.equal(single)
      expect(three.logs).to.contain('brokers 2 and 3 are removed, and all that they had is moved to broker 1')
      await three.stop()
      cpSync(three.dataDir, kafka.dataDir, { recursive: true, filter: (path) => !path.endsWith('.lock') })
      await kafka.restart()
      expect(await placed(kafka)).to.deep.equal(single)
      expect(await ends(kafka)).to.equal(3 * RECORDS)
      await withAdmin(kafka, async (admin) => {
        const [committed] = await admin.fetchOffsets({ groupId: 'g', topics: ['alone'] })
        expect(committed?.partitions.find(({ partition }) => partition === 0)?.offset).to.equal('7')
        const { brokers } = await admin.describeCluster()
        expect(brokers.map(({ nodeId }) => nodeId)).to.deep.equal([1])
      })
      const errors = kafka.logs.split('\n').filter((line) => / (ERROR|FATAL) /.test(line) && !lostRace.test(line))
      expect(errors).to.deep.equal([])
    } finally {
      await Promise.all([three.dispose(), kafka.dispose()])
    }
  })
})
