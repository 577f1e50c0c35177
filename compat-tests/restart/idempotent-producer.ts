import { InitProducerId } from '../../protocol/apis/init-producer-id.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { RawClient } from '../raw-client.ts'
import { waitFor } from '../wait-for.ts'

/** The broker's response to one batch. */
export interface Answer {
  readonly errorCode: number
  readonly baseOffset: number
}

/** Sends batches with arbitrary sequence numbers, as no well-behaved client can. */
export class IdempotentProducer {
  readonly producerId: number
  readonly producerEpoch: number

  private constructor(producerId: number, producerEpoch: number) {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
  }

  static async start(port: number): Promise<IdempotentProducer> {
    const client = await RawClient.connect(port)
    const request = { ...NO_PRODUCER, transactionalId: null, transactionTimeoutMs: 60_000 }
    const { producerId, producerEpoch } = await waitFor('a producer id', async () => {
      const response = await client.send(InitProducerId, 4, request)
      // Apache Kafka returns this error while it fetches its first block of ids.
      if (response.errorCode === COORDINATOR_LOAD_IN_PROGRESS) return undefined
      if (response.errorCode !== 0) throw new Error(`InitProducerId: error code ${response.errorCode}`)
      return response
    })
    client.close()
    return new IdempotentProducer(producerId, producerEpoch)
  }

  /** Writes values to partition 0 over a separate connection. The first one has the given sequence number. */
  async send(port: number, topic: string, baseSequence: number, ...values: string[]): Promise<Answer> {
    const { producerId, producerEpoch } = this
    const timestamp = Date.now()
    const records = values.map((value) => ({ value, timestamp }))
    const batch = buildBatch(records, { producerId, producerEpoch, baseSequence })
    const client = await RawClient.connect(port)
    const { responses } = await client.send(Produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, topicId: NO_TOPIC_ID, partitionData: [{ index: 0, records: batch }] }],
    })
    client.close()
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    return { errorCode, baseOffset }
  }
}

const COORDINATOR_LOAD_IN_PROGRESS = 14
const NO_PRODUCER = { producerId: -1, producerEpoch: -1, enable2Pc: false, keepPreparedTxn: false }
const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000'
