import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { readRecords } from '../../protocol/records/record-reader.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { WireClient } from '../../src/apis/data-path.fixture.ts'
import { Cluster } from '../../src/cluster.ts'
import { startSettingsOf } from '../../src/config/start-settings.ts'
import {
  type SimulatedClient,
  type SimulatedConnection,
  SimulatedTransport,
} from '../../src/network/simulated-transport.ts'
import type { Logger } from '../../src/observe/logger.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import type { Victim } from './exchange.ts'
import { Finding } from './kind.ts'
import { topics } from './vocabulary.ts'

const PORT = 9092
const REQUEST_LIMIT_BYTES = 4 * 1024 * 1024
const properties = new Map(
  Object.entries({
    'log.dirs': '/data',
    listeners: `PLAINTEXT://:${PORT}`,
    'socket.request.max.bytes': `${REQUEST_LIMIT_BYTES}`,
    // Small, so that leaked request memory stops the bystander.
    'queued.max.request.bytes': `${2 * REQUEST_LIMIT_BYTES}`,
    'offsets.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    // However long a request waits, in virtual time, the bystander's connection is not closed.
    'connections.max.idle.ms': '-1',
  }),
)

const BYSTANDERS_TOPIC = 'of-the-bystander'
/** Settings changed for the whole broker must not affect the bystander. */
const bystandersSettings = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'max.message.bytes': '1000000',
  'segment.bytes': '100000000',
  'compression.type': 'producer',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.after.max.ms': '9223372036854775807',
  'message.timestamp.before.max.ms': '9223372036854775807',
}

/** A whole broker in virtual time with its files in memory, and a well-behaved client. */
export class BrokerVictim implements Victim {
  readonly host: SimulatedHost
  readonly requestLimitBytes = REQUEST_LIMIT_BYTES
  /** A text was too long for its field in an answer: UNKNOWN_SERVER_ERROR, as in Kafka. */
  wasTextTooLong = false
  readonly #transport: SimulatedTransport
  readonly #broker: Cluster
  readonly #faults: string[] = []
  #bystander: WireClient | undefined
  #produced = 0
  #longestTurnMs = 0

  constructor(seed: number) {
    this.host = new SimulatedHost(seed)
    this.host.onTurn = (cpuMs) => {
      this.#longestTurnMs = Math.max(this.#longestTurnMs, cpuMs)
    }
    this.#transport = new SimulatedTransport(this.host.timers)
    this.#broker = new Cluster(startSettingsOf(properties), this.host, this.#transport, this.#logger())
  }

  #logger(): Logger {
    const error = (fields: { err?: Error }, message: string) =>
      this.#faults.push(`${message}: ${fields.err?.stack ?? JSON.stringify(fields)}`)
    const warn = (_: object, message: string) => {
      this.wasTextTooLong ||= message.endsWith(' is too long')
    }
    return { error, warn, info() {}, debug() {} }
  }

  async start(): Promise<this> {
    await this.host.settle(this.#broker.start())
    this.#bystander = new WireClient(this.host, this.#transport)
    await this.#create({ [BYSTANDERS_TOPIC]: bystandersSettings })
    return this
  }

  /** Recreates missing topics of the fuzzer and the groups; returns the topic ids. */
  async restoreTopics(): Promise<string[]> {
    await this.#create(topics)
    await this.#bystander!.call(FindCoordinator, 4, { key: '', coordinatorKeys: ['group'] })
    const { topics: described } = await this.#bystander!.call(Metadata, 12, {
      topics: Object.keys(topics).map((name) => ({ name, topicId: ZERO_UUID })),
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    return described.map(({ topicId }) => topicId)
  }

  async #create(wanted: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<void> {
    await this.#bystander!.call(CreateTopics, 7, {
      topics: Object.entries(wanted).map(([name, settings]) => ({
        name,
        numPartitions: 2,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
      })),
      validateOnly: false,
    })
  }

  takeLongestTurnMs(): number {
    const longest = this.#longestTurnMs
    this.#longestTurnMs = 0
    return longest
  }

  connect(client: SimulatedClient): SimulatedConnection {
    return this.#transport.connect(PORT, client)
  }

  faults(): string[] {
    const { fatalReason } = this.host
    const faults = this.#faults.splice(0)
    return fatalReason === undefined ? faults : [...faults, `the broker would have ended: ${fatalReason.stack}`]
  }

  /** A well-behaved client is served: it appends a record and reads it back. Throws Finding. */
  async checkBystander(): Promise<void> {
    try {
      await this.#produceAndFetch()
    } catch (error) {
      if (error instanceof Finding) throw error
      throw new Finding(`the bystander is not served: ${(error as Error).stack}`)
    }
  }

  async #produceAndFetch(): Promise<void> {
    const client = this.#bystander!
    const value = `record ${this.#produced++}`
    const records = buildBatch([{ timestamp: this.host.clock.nowMs(), key: null, value }])
    const topicData = [{ name: BYSTANDERS_TOPIC, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
    const produced = await client.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    const { errorCode, baseOffset } = produced.responses[0]!.partitionResponses[0]!
    if (errorCode !== 0) throw new Finding(`the bystander's record is refused with ${errorCode}`)
    const partitions = [{ partition: 0, fetchOffset: baseOffset, logStartOffset: -1, partitionMaxBytes: 1 << 20 }]
    const wanted = [{ topic: BYSTANDERS_TOPIC, topicId: ZERO_UUID, partitions }]
    const fetched = await client.call(Fetch, 12, { maxWaitMs: 0, minBytes: 1, topics: wanted, forgottenTopicsData: [] })
    const [batch] = batchesOf(Buffer.concat(fetched.responses[0]!.partitions[0]!.records ?? [])).batches
    const read = batch === undefined ? undefined : readRecords(batch)
    const got = Array.isArray(read) ? read[0]?.value?.toString() : undefined
    if (got !== value) throw new Finding(`the bystander appended '${value}' and got '${got}' back`)
  }

  async stop(): Promise<void> {
    await this.host.settle(this.#broker.stop())
    const faults = this.faults()
    if (faults.length > 0) throw new Finding(`the broker does not stop in peace:\n${faults.join('\n')}`)
  }
}
