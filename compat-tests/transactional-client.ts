import { AddOffsetsToTxn } from '../protocol/apis/add-offsets-to-txn.ts'
import { AddPartitionsToTxn } from '../protocol/apis/add-partitions-to-txn.ts'
import { DescribeTransactions } from '../protocol/apis/describe-transactions.ts'
import { EndTxn } from '../protocol/apis/end-txn.ts'
import { FindCoordinator } from '../protocol/apis/find-coordinator.ts'
import { InitProducerId } from '../protocol/apis/init-producer-id.ts'
import { Produce } from '../protocol/apis/produce.ts'
import { TxnOffsetCommit } from '../protocol/apis/txn-offset-commit.ts'
import { errorName } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { RawClient } from './raw-client.ts'
import { waitFor } from './wait-for.ts'

/** How a client speaks of transactions: before KIP-890, or with it. */
export type Scheme = 'classic' | 'KIP-890'

/** Answers that pass: the coordinator's topic is being made, or the transaction before is being completed. */
const passing = new Set([
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'CONCURRENT_TRANSACTIONS',
  'NOT_COORDINATOR',
])

/** A producer of one transactional id that a test leads through its transactions, request by request. */
export class TransactionalClient {
  readonly transactionalId: string
  readonly scheme: Scheme
  producerId = -1
  producerEpoch = -1
  readonly #sequences = new Map<string, number>()

  constructor(transactionalId: string, scheme: Scheme) {
    this.transactionalId = transactionalId
    this.scheme = scheme
  }

  get #isClassic(): boolean {
    return this.scheme === 'classic'
  }

  /** Gets an id and an epoch; asks again while another transaction of the id is being ended. */
  async init(port: number, transactionTimeoutMs = 600_000): Promise<void> {
    const { transactionalId } = this
    await this.#findCoordinator(port, 1, transactionalId)
    const none = { producerId: -1, producerEpoch: -1, enable2Pc: false, keepPreparedTxn: false }
    await this.#until('a producer id', port, async (client) => {
      const answer = await client.send(InitProducerId, 4, { transactionalId, transactionTimeoutMs, ...none })
      this.producerId = answer.producerId
      this.producerEpoch = answer.producerEpoch
      return answer.errorCode
    })
    this.#sequences.clear()
  }

  async #findCoordinator(port: number, keyType: number, key: string): Promise<void> {
    await this.#until(`the coordinator of ${key}`, port, async (client) => {
      const { coordinators } = await client.send(FindCoordinator, 4, { key: '', keyType, coordinatorKeys: [key] })
      return coordinators[0]!.errorCode
    })
  }

  /** Writes a record to partition 0 of the topic in the transaction. Returns the error. */
  async send(port: number, topic: string, value: string): Promise<string> {
    const { transactionalId, producerId, producerEpoch } = this
    if (this.#isClassic) await this.#add(port, topic)
    const baseSequence = this.#sequences.get(topic) ?? 0
    const records = buildBatch([{ value, timestamp: Date.now() }], {
      producerId,
      producerEpoch,
      baseSequence,
      transactional: true,
    })
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
    const error = await withClient(port, async (client) => {
      const request = { transactionalId, acks: -1, timeoutMs: 10_000, topicData }
      const { responses } = await client.send(Produce, this.#isClassic ? 9 : 12, request)
      return errorName(responses[0]!.partitionResponses[0]!.errorCode)
    })
    if (error === 'NONE') this.#sequences.set(topic, baseSequence + 1)
    return error
  }

  async #add(port: number, topic: string): Promise<void> {
    await this.#until('partitions are added', port, async (client) => {
      const { resultsByTopicV3AndBelow: results } = await client.send(AddPartitionsToTxn, 3, {
        transactions: [],
        v3AndBelowTransactionalId: this.transactionalId,
        v3AndBelowProducerId: this.producerId,
        v3AndBelowProducerEpoch: this.producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [0] }],
      })
      return results[0]!.resultsByPartition[0]!.partitionErrorCode
    })
  }

  /** Commits an offset of partition 0 in the transaction, for a group without members. Returns the error. */
  async commitOffset(port: number, groupId: string, topic: string, committedOffset: number): Promise<string> {
    const { transactionalId, producerId, producerEpoch } = this
    const producer = { transactionalId, producerId, producerEpoch, groupId }
    await this.#findCoordinator(port, 0, groupId)
    if (this.#isClassic)
      await this.#until(
        'the group is added',
        port,
        async (client) => (await client.send(AddOffsetsToTxn, 3, producer)).errorCode,
      )
    const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: '' }]
    const member = { generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null }
    const topics = [{ name: topic, topicId: ZERO_UUID, partitions }]
    return waitFor(`${transactionalId} commits an offset`, async () => {
      const version = this.#isClassic ? 3 : 5
      const request = { ...producer, ...member, topics }
      const answer = await withClient(port, (client) => client.send(TxnOffsetCommit, version, request))
      const error = errorName(answer.topics[0]!.partitions[0]!.errorCode)
      return passing.has(error) ? undefined : error
    })
  }

  /** Ends the transaction; with KIP-890 the client has another epoch then. Returns the error. */
  async end(port: number, result: 'commit' | 'abort'): Promise<string> {
    const { transactionalId, producerId, producerEpoch } = this
    const request = { transactionalId, producerId, producerEpoch, committed: result === 'commit' }
    const answer = await withClient(port, (client) => client.send(EndTxn, this.#isClassic ? 3 : 5, request))
    if (answer.errorCode === 0 && !this.#isClassic) {
      this.producerId = answer.producerId
      this.producerEpoch = answer.producerEpoch
      this.#sequences.clear()
    }
    return errorName(answer.errorCode)
  }

  /** What DescribeTransactions answers. */
  async describe(port: number) {
    const { transactionalId } = this
    const { transactionStates } = await withClient(port, (client) =>
      client.send(DescribeTransactions, 0, { transactionalIds: [transactionalId] }),
    )
    const { topics, ...state } = transactionStates[0]!
    const sorted = [...topics].sort((a, b) => a.topic.localeCompare(b.topic))
    return { ...state, topics: sorted.map(({ topic, partitions }) => ({ topic, partitions: [...partitions] })) }
  }

  async #until(what: string, port: number, ask: (client: RawClient) => Promise<number>): Promise<void> {
    await waitFor(`${this.transactionalId}: ${what}`, async () => {
      const error = errorName(await withClient(port, ask))
      if (passing.has(error)) return undefined
      if (error !== 'NONE') throw new Error(`${this.transactionalId}: ${what}: ${error}`)
      return true
    })
  }
}

async function withClient<T>(port: number, task: (client: RawClient) => Promise<T>): Promise<T> {
  const client = await RawClient.connect(port)
  try {
    return await task(client)
  } finally {
    client.close()
  }
}
