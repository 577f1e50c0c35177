import { expect } from 'chai'
import { CreateTopics } from '../protocol/apis/create-topics.ts'
import { IncrementalAlterConfigs } from '../protocol/apis/incremental-alter-configs.ts'
import { Produce } from '../protocol/apis/produce.ts'
import { errorName } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { SimulatedHost } from '../storage/host/simulated-host.ts'
import { WireClient } from './apis/data-path.fixture.ts'
import { Broker } from './broker.ts'
import { brokerSettingsOf } from './config/broker-start.ts'
import { SimulatedTransport } from './network/simulated-transport.ts'
import type { Logger } from './observe/logger.ts'

const TOPIC = 2
const BROKER = 4
const SET = 0
const DELETE = 1
const MINUTE_MS = 60_000

/** A broker whose settings a client changes while it runs. */
class Rig {
  readonly host = new SimulatedHost(1)
  readonly compacted: string[] = []
  #broker!: Broker
  #client!: WireClient

  async start(properties: Record<string, string> = {}): Promise<this> {
    const logger: Logger = {
      error() {},
      warn() {},
      info: (fields, message) => {
        if (message === 'compacted a log') this.compacted.push((fields as { partition: string }).partition)
      },
      debug() {},
    }
    const settings = brokerSettingsOf(
      new Map([['log.dirs', '/data'], ['listeners', 'PLAINTEXT://:9092'], ...Object.entries(properties)]),
    )
    const transport = new SimulatedTransport(this.host.timers)
    this.#broker = new Broker(settings, this.host, transport, logger)
    await this.host.settle(this.#broker.start())
    this.#client = new WireClient(this.host, transport)
    return this
  }

  async create(name: string, configs: Record<string, string> = {}): Promise<string> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: entries }]
    const answer = await this.#client.call(CreateTopics, 5, { topics, timeoutMs: 1000 })
    return errorName(answer.topics[0]!.errorCode)
  }

  /** resourceName '': all brokers. */
  async alter(resourceType: number, resourceName: string, configs: Record<string, string | null>): Promise<void> {
    const changes = Object.entries(configs).map(([name, value]) => {
      return { name, value, configOperation: value === null ? DELETE : SET }
    })
    const answer = await this.#client.call(IncrementalAlterConfigs, 1, {
      resources: [{ resourceType, resourceName, configs: changes }],
      validateOnly: false,
    })
    expect(answer.responses.map(({ errorCode, errorMessage }) => [errorName(errorCode), errorMessage])).to.deep.equal([
      ['NONE', null],
    ])
  }

  /** The time that the broker gave the record (-1: the record keeps its own), or the error. */
  async produce(topic: string, key: string, value: string, ageMs = 0): Promise<string | number> {
    const records = buildBatch([{ key, value, timestamp: this.host.clock.nowMs() - ageMs }])
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
    const { responses } = await this.#client.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    const { errorCode, logAppendTimeMs } = responses[0]!.partitionResponses[0]!
    return errorCode === 0 ? logAppendTimeMs : errorName(errorCode)
  }

  segments(topic: string): number {
    return this.host.files.list(`/data/${topic}-0`).filter((name) => name.endsWith('.log')).length
  }

  async stop(): Promise<void> {
    await this.host.settle(this.#broker.stop())
  }
}

describe('settings of logs that are changed while the broker runs', () => {
  let rig: Rig
  afterEach(() => rig.stop())

  it('of a topic', async () => {
    rig = await new Rig().start()
    await rig.create('t')
    await rig.produce('t', 'k', 'v')
    await rig.produce('t', 'k', 'v', -1000)
    expect(rig.segments('t')).to.equal(1)
    await rig.alter(TOPIC, 't', { 'segment.ms': '500' })
    await rig.produce('t', 'k', 'v', -2000)
    expect(rig.segments('t')).to.equal(2)
    await rig.alter(TOPIC, 't', { 'message.timestamp.type': 'LogAppendTime' })
    expect(await rig.produce('t', 'k', 'v', 5000)).to.equal(rig.host.clock.nowMs())
    await rig.alter(TOPIC, 't', { 'message.timestamp.type': null, 'message.timestamp.before.max.ms': '1000' })
    expect(await rig.produce('t', 'k', 'v', 5000)).to.equal('INVALID_TIMESTAMP')
    await rig.alter(TOPIC, 't', { 'max.message.bytes': '100' })
    expect(await rig.produce('t', 'k', 'v'.repeat(100))).to.equal('MESSAGE_TOO_LARGE')
    await rig.alter(TOPIC, 't', { 'retention.ms': '10', 'file.delete.delay.ms': '0' })
    await rig.host.advance(6 * MINUTE_MS)
    expect(rig.segments('t')).to.equal(1)
  })

  it('of all topics that have none of their own', async () => {
    rig = await new Rig().start({ 'log.retention.hours': '1', 'log.retention.check.interval.ms': '1000' })
    await rig.create('own', { 'max.message.bytes': '1000', 'retention.ms': '-1', 'segment.ms': '1' })
    await rig.create('none', { 'segment.ms': '1' })
    await rig.alter(BROKER, '', { 'message.max.bytes': '100' })
    expect(await rig.produce('own', 'k', 'v'.repeat(100), 10_000)).to.equal(-1)
    expect(await rig.produce('none', 'k', 'v'.repeat(100))).to.equal('MESSAGE_TOO_LARGE')
    await rig.alter(BROKER, '', { 'message.max.bytes': null })
    for (const topic of ['own', 'none']) {
      for (const ageMs of [5000, 4000, 3000]) expect(await rig.produce(topic, 'k', 'v', ageMs)).to.equal(-1)
    }
    await rig.host.advance(MINUTE_MS)
    expect([rig.segments('own'), rig.segments('none')]).to.deep.equal([4, 3])
    await rig.alter(BROKER, '1', { 'log.retention.ms': '1000' })
    await rig.host.advance(2000)
    expect([rig.segments('own'), rig.segments('none')]).to.deep.equal([4, 1])
  })

  it('of compaction', async () => {
    rig = await new Rig().start({ 'log.cleaner.backoff.ms': '3600000' })
    const compacted = { 'cleanup.policy': 'compact', 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0' }
    await rig.create('t', compacted)
    for (const ageMs of [5000, 4000, 3000]) await rig.produce('t', 'k', 'v', ageMs)
    await rig.host.advance(5 * MINUTE_MS)
    expect(rig.compacted).to.deep.equal([])
    await rig.alter(BROKER, '', { 'log.cleaner.backoff.ms': '1000' })
    await rig.host.advance(3000)
    expect(rig.compacted).to.deep.equal(['t-0'])
  })

  it('cordoned.log.dirs: a broker with no directory left gets no new topics', async () => {
    rig = await new Rig().start()
    await rig.alter(BROKER, '1', { 'cordoned.log.dirs': '/data' })
    expect(await rig.create('t')).to.equal('INVALID_REPLICATION_FACTOR')
    await rig.alter(BROKER, '1', { 'cordoned.log.dirs': null })
    expect(await rig.create('t')).to.equal('NONE')
  })
})
