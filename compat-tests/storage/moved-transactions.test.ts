import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { Produce } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { encodeRecords } from '../../src/coordinator/coordinator-record.ts'
import { coordinatorPartition } from '../../src/coordinator/java-hash.ts'
import { TRANSACTION_TOPIC } from '../../src/coordinator/transaction/open-transaction-coordinator.ts'
import { transactionRecord } from '../../src/coordinator/transaction/transaction-records.ts'
import { apacheKafka } from '../apache-kafka.ts'
import { type BrokerProgram, ottla } from '../broker-program.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { TestBroker } from '../test-broker.ts'
import { TransactionalClient } from '../transactional-client.ts'
import { waitFor } from '../wait-for.ts'
import { startOn } from './start-on.ts'
import { consumed, endOf } from './topic-state.ts'

const GROUP = 'copiers'
/**
 * At its start Kafka's broker is fenced for a moment, and its partitions have no leader. On a busy machine its coordinator
 * looks for the leaders just then, takes the partitions for deleted, logs this, and completes transactions without markers.
 * Source: TransactionMarkerChannelManager.
 */
const SKIPS_MARKERS = 'these partitions are likely deleted already and hence can be skipped'
/** Client id of Kafka's admin tools: only they may write to internal topics. */
const ADMIN_CLIENT_ID = '__admin_client'

/** The transactions of the test: each client has ended one before, and is in the middle of another. */
class Transactions {
  readonly open = new TransactionalClient('open', 'KIP-890')
  readonly classic = new TransactionalClient('classic', 'classic')
  readonly committing = new TransactionalClient('committing', 'KIP-890')
  readonly aborting = new TransactionalClient('aborting', 'classic')

  get all(): readonly TransactionalClient[] {
    return [this.open, this.classic, this.committing, this.aborting]
  }

  async make(broker: TestBroker): Promise<void> {
    const { port } = broker
    await createTopics(broker)
    for (const each of this.all) {
      const topic = each.transactionalId
      await each.init(port)
      expect(await each.send(port, topic, `${topic} before`)).to.equal('NONE')
      expect(await each.end(port, 'commit')).to.equal('NONE')
      await stateIs(each, port, 'CompleteCommit')
      expect(await each.send(port, topic, `${topic} in the middle`)).to.equal('NONE')
      expect(await each.commitOffset(port, `${GROUP} of ${topic}`, topic, 7)).to.equal('NONE')
    }
    await decide(broker, this.committing, 'PrepareCommit')
    await decide(broker, this.aborting, 'PrepareAbort')
  }
}

async function withAdmin<T>(broker: TestBroker, task: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await task(admin)
  } finally {
    await admin.disconnect()
  }
}

async function createTopics(broker: TestBroker): Promise<void> {
  const names = ['open', 'classic', 'committing', 'aborting']
  const topics = names.map((topic) => ({ topic, numPartitions: 1 }))
  await withAdmin(broker, (admin) => admin.createTopics({ topics }))
}

/**
 * Leaves the log as a crash does between the decision to end a transaction and its markers: writes the decision into the
 * coordinator's log, as only the coordinator does otherwise. The running one does not read it.
 */
async function decide(
  broker: TestBroker,
  client: TransactionalClient,
  state: 'PrepareCommit' | 'PrepareAbort',
): Promise<void> {
  const { transactionalId, producerId, producerEpoch, scheme } = client
  const known = await client.describe(broker.port)
  const isClassic = scheme === 'classic'
  const decision = transactionRecord(
    {
      transactionalId,
      producerId,
      previousProducerId: producerId,
      nextProducerId: -1,
      producerEpoch: isClassic ? producerEpoch : producerEpoch + 1,
      lastProducerEpoch: -1,
      timeoutMs: known.transactionTimeoutMs,
      state,
      partitions: new Map(known.topics.map(({ topic, partitions }) => [topic, new Set(partitions)])),
      startMs: Number(known.transactionStartTimeMs),
      lastUpdateMs: Date.now(),
      clientTransactionVersion: isClassic ? 0 : 2,
    },
    2,
  )
  const records = buildBatch(encodeRecords([decision]).map((each) => ({ ...each, timestamp: Date.now() })))
  const count = await withAdmin(broker, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [TRANSACTION_TOPIC] })
    return topics[0]!.partitions.length
  })
  const partitionData = [{ index: coordinatorPartition(transactionalId, count), records }]
  const raw = await RawClient.connect(broker.port, ADMIN_CLIENT_ID)
  const topicData = [{ name: TRANSACTION_TOPIC, topicId: ZERO_UUID, partitionData }]
  const { responses } = await raw.send(Produce, 9, { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData })
  raw.close()
  expect(errorName(responses[0]!.partitionResponses[0]!.errorCode)).to.equal('NONE')
}

async function stateIs(client: TransactionalClient, port: number, state: string): Promise<void> {
  await waitFor(`${client.transactionalId} is ${state}`, async () => {
    const { transactionState } = await client.describe(port)
    return transactionState === state
  })
}

async function committedOffset(broker: TestBroker, topic: string): Promise<string> {
  return withAdmin(broker, async (admin) => {
    const [found] = await admin.fetchOffsets({ groupId: `${GROUP} of ${topic}`, topics: [topic] })
    return found!.partitions.find(({ partition }) => partition === 0)!.offset
  })
}

function describeMove(title: string, from: BrokerProgram, to: BrokerProgram): void {
  describe(title, function () {
    this.timeout(180_000)
    needs('java', 'maven')
    const transactions = new Transactions()
    const { open, classic, committing, aborting } = transactions
    const brokers: TestBroker[] = []
    let target: TestBroker
    let known: Awaited<ReturnType<TransactionalClient['describe']>>[]

    before(async () => {
      const source = await TestBroker.start({ program: from })
      brokers.push(source)
      await transactions.make(source)
      known = await Promise.all([open, classic].map((each) => each.describe(source.port)))
      await source.kill9()
      target = await startOn(to, source)
      brokers.push(target)
      await stateIs(open, target.port, 'Ongoing')
    })
    after(async () => {
      for (const broker of brokers) await broker.dispose()
    })

    it('moves open transactions as they are', async () => {
      const moved = await Promise.all([open, classic].map((each) => each.describe(target.port)))
      expect(moved).to.deep.equal(known)
      expect(known.map(({ transactionState }) => transactionState)).to.deep.equal(['Ongoing', 'Ongoing'])
    })

    it('continues and commits an open transaction of each scheme', async () => {
      for (const client of [open, classic]) {
        const topic = client.transactionalId
        expect(await committedOffset(target, topic), 'before the end').to.equal('-1')
        expect(await client.send(target.port, topic, `${topic} after`)).to.equal('NONE')
        expect(await client.end(target.port, 'commit')).to.equal('NONE')
        await stateIs(client, target.port, 'CompleteCommit')
        const values = ['before', 'in the middle', 'after'].map((when) => `${topic} ${when}`)
        expect(await consumed(target, topic, 3)).to.deep.equal(values)
        await waitFor('the offset is committed', async () => (await committedOffset(target, topic)) === '7')
      }
    })

    it('carries out what was decided before the crash', async () => {
      await stateIs(committing, target.port, 'CompleteCommit')
      await stateIs(aborting, target.port, 'CompleteAbort')
      if (to === apacheKafka && target.logs.includes(SKIPS_MARKERS)) {
        // What Ottla has written is there all the same: two records, and the marker between them.
        for (const topic of ['committing', 'aborting']) expect(await endOf(target, topic), topic).to.be.at.least(3)
        return
      }
      expect(await consumed(target, 'committing', 2)).to.deep.equal(
        ['before', 'in the middle'].map((when) => `committing ${when}`),
      )
      expect(await consumed(target, 'aborting', 1)).to.deep.equal(['aborting before'])
      expect(await committedOffset(target, 'committing')).to.equal('7')
      expect(await committedOffset(target, 'aborting')).to.equal('-1')
    })

    it('fences who was there before the move', async () => {
      for (const client of transactions.all) {
        const { producerId, producerEpoch } = client
        await client.init(target.port)
        expect(client.producerId, client.transactionalId).to.equal(producerId)
        expect(client.producerEpoch, client.transactionalId).to.be.greaterThan(producerEpoch)
        const zombie = new TransactionalClient(client.transactionalId, client.scheme)
        zombie.producerId = producerId
        zombie.producerEpoch = producerEpoch
        expect(await zombie.end(target.port, 'commit')).to.equal('PRODUCER_FENCED')
      }
    })
  })
}

describeMove('transactions of Apache Kafka 4.4.0, continued by Ottla', apacheKafka, ottla)
describeMove('transactions of Ottla, continued by Apache Kafka 4.4.0', ottla, apacheKafka)
