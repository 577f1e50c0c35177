import { randomUUID } from 'node:crypto'
import {
  type Admin,
  type Consumer,
  type ConsumerConfig,
  type EachMessagePayload,
  Kafka,
  type KafkaConfig,
  logLevel,
  Partitioners,
  type Producer,
  type ProducerConfig,
} from 'kafkajs'
import { waitFor } from '../../wait-for.ts'

/** With short sessions a dead member is removed soon; the broker's settings must allow them. */
export const SHORT_SESSIONS = { 'group.min.session.timeout.ms': '500' }
export const SHORT_SESSION = { sessionTimeout: 1_500, heartbeatInterval: 300, rebalanceTimeout: 3_000 }

/** The kafkajs clients of one application; `close` disconnects all clients it created. */
export class KafkaJsApplication {
  readonly kafka: Kafka
  readonly #connected: { disconnect(): Promise<void> }[] = []

  constructor(bootstrap: string, config: Partial<KafkaConfig> = {}) {
    const patient = { connectionTimeout: 30_000, logLevel: logLevel.NOTHING }
    this.kafka = new Kafka({ brokers: [bootstrap], clientId: 'an-application', ...patient, ...config })
  }

  async admin(): Promise<Admin> {
    return this.#connect(this.kafka.admin({ retry: { retries: 0 } }))
  }

  async producer(config: ProducerConfig = {}): Promise<Producer> {
    return this.#connect(this.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...config }))
  }

  async consumer(config: Partial<ConsumerConfig> = {}): Promise<Consumer> {
    return this.#connect(this.kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100, ...config }))
  }

  async close(): Promise<void> {
    await Promise.all(this.#connected.splice(0).map((client) => client.disconnect()))
  }

  async #connect<T extends { connect(): Promise<void>; disconnect(): Promise<void> }>(client: T): Promise<T> {
    this.#connected.push(client)
    await client.connect()
    return client
  }
}

/** Messages that one consumer received, in order. */
export class Inbox {
  readonly messages: EachMessagePayload[] = []

  /** Subscribes and starts the consumer; collects all messages. */
  static async of(consumer: Consumer, topic: string, fromBeginning = true): Promise<Inbox> {
    const inbox = new Inbox()
    await consumer.subscribe({ topics: [topic], fromBeginning })
    await consumer.run({
      eachMessage: async (payload) => {
        inbox.messages.push(payload)
      },
    })
    return inbox
  }

  get values(): (string | undefined)[] {
    return this.messages.map(({ message }) => message.value?.toString())
  }

  async atLeast(count: number, withinMs = 15_000): Promise<EachMessagePayload[]> {
    await waitFor(`${count} messages`, () => this.messages.length >= count, withinMs).catch((error) => {
      throw new Error(`${error.message}; there are ${this.messages.length}`, { cause: error })
    })
    return this.messages
  }
}

/** Resolves with the consumer's partitions after its next rebalance. */
export function nextAssignment(consumer: Consumer): Promise<Record<string, number[]>> {
  return new Promise((resolve) => {
    const remove = consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      remove()
      resolve(payload.memberAssignment as unknown as Record<string, number[]>)
    })
  })
}

/** Name of the error code that kafkajs reports, however deeply the error is wrapped. */
export async function errorType(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    for (let cause = error as ReportedError | undefined; cause; cause = cause.cause ?? cause.errors?.[0]) {
      if (cause.type !== undefined) return cause.type
    }
    return String(error)
  }
  throw new Error('it succeeded')
}

interface ReportedError {
  readonly type?: string
  readonly cause?: ReportedError
  readonly errors?: readonly ReportedError[]
}
