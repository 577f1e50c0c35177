import { RawClient } from '../../compat-tests/raw-client.ts'
import { EndTxn } from '../../protocol/apis/end-txn.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { RecordBatch, writeBatchHeader } from '../../protocol/records/record-batch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'

const TIMEOUT_MS = 30_000
/** 10,000 records fit into one batch of max.message.bytes. */
const RECORD_BYTES = 80
/** Pause before a request is repeated: less than clients make, so that neither broker waits for this one. */
const PAUSE_MS = 1

/** Records of a transaction: the same number in each partition. */
export interface TransactionLoad {
  readonly topic: string
  readonly partitions: number
  readonly records: number
}

/** A producer of transactions of KIP-890, as cheap as possible, so that the broker is measured. */
export class BenchProducer {
  readonly #client: RawClient
  readonly #transactionalId: string
  readonly #load: TransactionLoad
  readonly #batches: readonly Buffer[]
  #producerId = -1
  #producerEpoch = -1

  private constructor(client: RawClient, transactionalId: string, load: TransactionLoad) {
    this.#client = client
    this.#transactionalId = transactionalId
    this.#load = load
    const value = Buffer.alloc(RECORD_BYTES, 'x')
    const timestamp = Date.now()
    const records = Array.from({ length: load.records / load.partitions }, () => ({ timestamp, key: null, value }))
    const producer = { producerId: 0, producerEpoch: 0, baseSequence: 0, transactional: true }
    this.#batches = Array.from({ length: load.partitions }, () => buildBatch(records, producer))
  }

  static async start(port: number, transactionalId: string, load: TransactionLoad): Promise<BenchProducer> {
    const client = await RawClient.connect(port)
    const producer = new BenchProducer(client, transactionalId, load)
    await producer.#retried(async () => {
      const keys = { key: '', keyType: 1, coordinatorKeys: [transactionalId] }
      const { coordinators } = await client.send(FindCoordinator, 4, keys)
      return coordinators[0]!.errorCode
    })
    await producer.#retried(() => producer.#init())
    return producer
  }

  async #init(): Promise<number> {
    const answer = await this.#client.send(InitProducerId, 4, {
      transactionalId: this.#transactionalId,
      transactionTimeoutMs: 60_000,
      ...{ producerId: -1, producerEpoch: -1, enable2Pc: false, keepPreparedTxn: false },
    })
    this.#producerId = answer.producerId
    this.#producerEpoch = answer.producerEpoch
    return answer.errorCode
  }

  /** Writes and ends one transaction. ending: called when its records are acknowledged. */
  async transaction(committed = true, ending = () => {}): Promise<void> {
    const { topic } = this.#load
    for (const batch of this.#batches) this.#claim(batch)
    const partitionData = this.#batches.map((records, index) => ({ index, records }))
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData }]
    const request = { transactionalId: this.#transactionalId, acks: -1, timeoutMs: TIMEOUT_MS, topicData }
    await this.#retried(async () => {
      const { responses } = await this.#client.send(Produce, 12, request)
      const failed = responses[0]!.partitionResponses.find(({ errorCode }) => errorCode !== 0)
      return failed?.errorCode ?? 0
    })
    ending()
    await this.#retried(() => this.#end(committed))
  }

  /** Gives a batch the producer's id and epoch. Each transaction has another epoch, so sequences begin at 0. */
  #claim(bytes: Buffer): void {
    const batch = new RecordBatch(bytes)
    writeBatchHeader(bytes, {
      baseOffset: 0,
      lastOffsetDelta: batch.lastOffsetDelta,
      partitionLeaderEpoch: -1,
      compression: 0,
      timestampType: 'CreateTime',
      transactional: true,
      control: false,
      hasDeleteHorizon: false,
      baseTimestamp: batch.baseTimestamp,
      maxTimestamp: batch.maxTimestamp,
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      baseSequence: 0,
      count: batch.lastOffsetDelta + 1,
    })
  }

  async #end(committed: boolean): Promise<number> {
    const producer = { producerId: this.#producerId, producerEpoch: this.#producerEpoch }
    const answer = await this.#client.send(EndTxn, 5, {
      transactionalId: this.#transactionalId,
      ...producer,
      committed,
    })
    if (answer.errorCode === 0) {
      this.#producerId = answer.producerId
      this.#producerEpoch = answer.producerEpoch
    }
    return answer.errorCode
  }

  /** Kafka refuses the next transaction until the one before is complete. */
  async #retried(ask: () => Promise<number>): Promise<void> {
    for (;;) {
      const error = errorName(await ask())
      if (error === 'NONE') return
      if (!/CONCURRENT|COORDINATOR|NOT_ENOUGH|NOT_LEADER|UNKNOWN_TOPIC/.test(error)) throw new Error(error)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  close(): void {
    this.#client.close()
  }
}
