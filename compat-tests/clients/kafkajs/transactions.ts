/** Program for ../transactions/copy-process.ts with kafkajs. */
import { once } from 'node:events'
import { type EachBatchPayload, Kafka, type KafkaMessage, logLevel, Partitioners } from 'kafkajs'

const MAX_RECORDS = 20

function newKafka(bootstrap: string): Kafka {
  return new Kafka({
    brokers: bootstrap.split(','),
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 50 },
    // Its errors are printed to the standard error stream.
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => console.error(JSON.stringify(entry)),
  })
}

function say(did: string, more: object = {}): void {
  console.log(JSON.stringify({ did, ...more }))
}

function fail(error: Error & { type?: string }): never {
  console.error(error)
  say('failed', { error: error.type ?? error.name, why: error.message })
  process.exit(1)
}

async function copy([bootstrap, input, output, groupId, transactionalId, ...numbers]: readonly string[]) {
  const [count, abortEvery, holdAt, sessionTimeout] = numbers.map(Number) as [number, number, number, number]
  const kafka = newKafka(bootstrap!)
  const createPartitioner = Partitioners.DefaultPartitioner
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1, createPartitioner })
  await producer.connect()
  // The client asks for its epoch when its first transaction begins.
  await (await producer.transaction()).abort()
  say('ready')
  const timeouts = { sessionTimeout, heartbeatInterval: sessionTimeout / 5, maxWaitTimeInMs: 200 }
  const consumer = kafka.consumer({ groupId: groupId!, ...timeouts })
  let committed = 0
  let transactions = 0

  /** False: it was aborted on purpose. */
  async function transact(number: number, partition: number, messages: readonly KafkaMessage[]): Promise<boolean> {
    const transaction = await producer.transaction()
    const copies = messages.map(({ key, value }) => ({ key, partition, value: `${value} ${process.pid} ${number}` }))
    await transaction.send({ topic: output!, messages: copies })
    const offset = String(Number(messages.at(-1)!.offset) + 1)
    const topics = [{ topic: input!, partitions: [{ partition, offset }] }]
    await transaction.sendOffsets({ consumerGroupId: groupId!, topics })
    if (number === holdAt) {
      say('held', { transaction: number, count: messages.length })
      await once(process.stdin, 'data')
    }
    const isCommitted = abortEvery === 0 || number % abortEvery !== abortEvery - 1
    await (isCommitted ? transaction.commit() : transaction.abort())
    return isCommitted
  }

  /** What is not resolved is fetched again. */
  async function eachBatch({ batch, resolveOffset, heartbeat, isRunning, isStale }: EachBatchPayload): Promise<void> {
    for (let at = 0; at < batch.messages.length && committed < count; at += MAX_RECORDS) {
      if (!isRunning() || isStale()) return
      const messages = batch.messages.slice(at, at + MAX_RECORDS)
      const number = transactions++
      const isCommitted = await transact(number, batch.partition, messages).catch(fail)
      say(isCommitted ? 'committed' : 'aborted', { transaction: number, count: messages.length })
      if (!isCommitted) return
      committed += messages.length
      resolveOffset(messages.at(-1)!.offset)
      await heartbeat()
    }
  }

  // After most errors the client starts the consumer again by itself.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) fail(payload.error)
  })
  const copied = new Promise<void>((resolve) => {
    consumer.on(consumer.events.END_BATCH_PROCESS, () => {
      if (committed >= count) resolve()
    })
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [input!], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch })
  await copied
  await consumer.disconnect()
  await producer.disconnect()
}

async function read([bootstrap, topic, partitions]: readonly string[]): Promise<void> {
  for (const isolation of ['read_committed', 'read_uncommitted']) {
    const groupId = `${topic}-${isolation}`
    const consumer = newKafka(bootstrap!).consumer({ groupId, readUncommitted: isolation === 'read_uncommitted' })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic!], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      let ended = 0
      const eachMessage = async ({ partition, message }: { partition: number; message: KafkaMessage }) => {
        const value = String(message.value)
        if (value !== 'end') console.log(JSON.stringify({ isolation, partition, value }))
        else if (++ended === Number(partitions)) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    await consumer.disconnect()
  }
}

const [verb, ...args] = process.argv.slice(2)
await (verb === 'copy' ? copy(args) : read(args)).catch(fail)
process.exit(0)
