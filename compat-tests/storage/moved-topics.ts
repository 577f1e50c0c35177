import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteRecords } from '../../protocol/apis/delete-records.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { type BatchOptions, buildBatch, type NewRecord } from '../../protocol/records/batch-builder.ts'
import type { RawClient } from '../raw-client.ts'
import { IdempotentProducer } from '../restart/idempotent-producer.ts'
import type { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { FIRST_MS, NO_TOPIC_ID, readAll, stateOf, withClient } from './topic-state.ts'
import { CODECS } from './written-logs.ts'

export interface Topic {
  readonly name: string
  readonly configs: Readonly<Record<string, string>>
}

export const topics: readonly Topic[] = [
  ...CODECS.map((codec) => ({ name: `codec.${codec}`, configs: {} })),
  { name: 'segments', configs: { 'segment.bytes': '1048576', 'index.interval.bytes': '1000' } },
  { name: 'append-time', configs: { 'message.timestamp.type': 'LogAppendTime' } },
  { name: 'trimmed', configs: {} },
  {
    name: 'compacted',
    configs: { 'cleanup.policy': 'compact', 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0.01' },
  },
  { name: 'idempotent', configs: {} },
]

/** In the message format of 0.10.2, which a broker of 2.8.2 still writes if configured. */
export const oldFormat = { 'message.format.version': '0.10.2' }
export const oldTopics: readonly Topic[] = ['none', 'gzip', 'snappy', 'lz4'].map((codec) => ({
  name: `v1.${codec}`,
  configs: oldFormat,
}))

async function produce(client: RawClient, name: string, records: readonly NewRecord[], options: BatchOptions = {}) {
  const topicData = [
    { name, topicId: NO_TOPIC_ID, partitionData: [{ index: 0, records: buildBatch(records, options) }] },
  ]
  await waitFor(`a batch is in ${name}`, async () => {
    const request = { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData }
    const { responses } = await client.send(Produce, 9, request)
    return responses[0]!.partitionResponses[0]!.errorCode === 0
  })
}

function records(i: number): NewRecord[] {
  return Array.from({ length: 1 + (i % 5) }, (_, j) => ({
    key: (i + j) % 3 === 0 ? null : `key ${(i + j) % 7}`,
    value: (i + j) % 4 === 0 ? null : `value ${i}.${j} ${'so it goes '.repeat(i % 9)}`,
    timestamp: FIRST_MS + i * 1000 - (j % 2) * 1500,
  }))
}

/** Creates and fills topics; the idempotent producer's last batch has the sequence number 10. */
export async function makeHistory(broker: TestBroker, made: readonly Topic[]): Promise<IdempotentProducer> {
  await withClient(broker, async (client) => {
    const asked = made.map(({ name, configs }) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }))
    // At first its own controller may not know the broker yet and refuses them all.
    await waitFor(
      'topics are made',
      async () => {
        const { topics: answers } = await client.send(CreateTopics, 5, { topics: asked, timeoutMs: 10_000 })
        // An earlier attempt may have made it.
        return answers.every(({ errorCode }) => ['NONE', 'TOPIC_ALREADY_EXISTS'].includes(errorName(errorCode)))
      },
      60_000,
    )
    for (const { name } of made.filter(({ name }) => /^(codec|v1)\./.test(name))) {
      const compression = name.split('.')[1] as (typeof CODECS)[number]
      for (let i = 0; i < 30; i++) await produce(client, name, records(i), { compression })
    }
    for (let i = 0; i < 35; i++) {
      const value = `${i} ${'x'.repeat(100_000)}`
      await produce(client, 'segments', [{ value, timestamp: FIRST_MS + i * 1000 }])
    }
    for (const name of ['append-time', 'trimmed']) for (let i = 0; i < 20; i++) await produce(client, name, records(i))
    const partitions = [{ partitionIndex: 0, offset: 25 }]
    await client.send(DeleteRecords, 2, { topics: [{ name: 'trimmed', partitions }], timeoutMs: 10_000 })
    await fillCompacted(client, broker)
  })
  const producer = await IdempotentProducer.start(broker.port)
  for (let sequence = 0; sequence <= 10; sequence++) {
    const answer = await producer.send(broker.port, 'idempotent', sequence, `value ${sequence}`)
    expect(answer).to.deep.equal({ errorCode: 0, baseOffset: sequence })
  }
  return producer
}

/**
 * Writes records, each into a segment of its own, and waits until the cleaner can remove no more: of each key one, and
 * the last one, which the active segment holds. So no cleaner of a later broker removes more while it is compared.
 */
async function fillCompacted(client: RawClient, broker: TestBroker): Promise<void> {
  const [written, keys] = [60, 5]
  for (let i = 0; i < written; i++) {
    await produce(client, 'compacted', [{ key: `key ${i % keys}`, value: `${i}`, timestamp: FIRST_MS + 200 * i }])
  }
  const count = async () => (await readAll(broker, 'compacted')).filter((line) => !line.startsWith('batch')).length
  await waitFor('it is compacted', async () => (await count()) === keys + 1, 60_000)
}

/** Commits one transaction and aborts another, with a stock client. */
export async function makeTransactions(broker: TestBroker): Promise<void> {
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 30 } })
  const producer = kafka.producer({ transactionalId: 'tx', idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (const [i, end] of (['commit', 'abort', 'commit', 'abort'] as const).entries()) {
    const transaction = await producer.transaction()
    await transaction.send({
      topic: 'transactional',
      messages: [{ value: `${end} ${i}.0` }, { value: `${end} ${i}.1` }],
    })
    await transaction[end]()
  }
  await producer.disconnect()
  // The coordinator answers before it has written the last end into the log.
  await waitFor('the last transaction has ended', async () => {
    const { producers } = await stateOf(broker, 'transactional')
    return producers.length > 0 && producers.every(({ currentTxnStartOffset }) => Number(currentTxnStartOffset) === -1)
  })
}
