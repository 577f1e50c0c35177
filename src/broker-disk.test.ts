import { expect } from 'chai'
import { CreateTopics } from '../protocol/apis/create-topics.ts'
import { Fetch } from '../protocol/apis/fetch.ts'
import { Produce } from '../protocol/apis/produce.ts'
import { errorName } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { batchesOf } from '../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../protocol/records/record-reader.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { StorageLostError } from '../storage/failure-policy.ts'
import { NO_FAULTS } from '../storage/host/faulty-files.ts'
import { SimulatedHost } from '../storage/host/simulated-host.ts'
import { WireClient } from './apis/data-path.fixture.ts'
import { Cluster } from './cluster.ts'
import { startSettingsOf } from './config/start-settings.ts'
import { SimulatedTransport } from './network/simulated-transport.ts'
import type { Logger } from './observe/logger.ts'

const ALWAYS = 1

/** A broker on a disk that can be made full or broken, with a client and two topics. */
class Rig {
  readonly host = new SimulatedHost(1)
  /** Messages logged as errors, with their partition. */
  readonly errors: string[] = []
  #broker!: Cluster
  #client!: WireClient

  async start(): Promise<this> {
    const logger: Logger = {
      error: (fields, message) => {
        this.errors.push(`${(fields as { partition?: string }).partition ?? ''} ${message}`)
      },
      warn() {},
      info() {},
      debug() {},
    }
    const settings = startSettingsOf(
      new Map([
        ['log.dirs', '/data'],
        ['listeners', 'PLAINTEXT://:9092'],
      ]),
    )
    const transport = new SimulatedTransport(this.host.timers)
    this.#broker = new Cluster(settings, this.host, transport, logger)
    await this.host.settle(this.#broker.start())
    this.#client = new WireClient(this.host, transport)
    return this
  }

  async restart(): Promise<void> {
    await this.host.settle(this.#broker.stop())
    await this.start()
  }

  async create(...names: string[]): Promise<this> {
    const topics = names.map((name) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }))
    await this.#client.call(CreateTopics, 5, { topics, timeoutMs: 1000 })
    return this
  }

  async produce(topic: string, value: string): Promise<string> {
    const records = buildBatch([{ value, timestamp: this.host.clock.nowMs() }])
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
    const { responses } = await this.#client.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    return errorCode === 0 ? `at ${baseOffset}` : errorName(errorCode)
  }

  /** Values of all records of the topic, or the error. */
  async fetch(topic: string): Promise<string[] | string> {
    const partitions = [{ partition: 0, fetchOffset: 0, logStartOffset: -1, partitionMaxBytes: 1 << 20 }]
    const topics = [{ topic, topicId: ZERO_UUID, partitions }]
    const { responses } = await this.#client.call(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics,
      forgottenTopicsData: [],
    })
    const { errorCode, records } = responses[0]!.partitions[0]!
    if (errorCode !== 0) return errorName(errorCode)
    return batchesOf(Buffer.concat(records ?? [])).batches.flatMap((batch) => {
      const found = readRecords(batch)
      if (found instanceof RecordFault) throw new Error(found.message)
      return found.map(({ value }) => String(value))
    })
  }

  errorsAbout(topic: string): string[] {
    return this.errors.filter((line) => line.startsWith(`${topic}-0 `))
  }
}

describe('a broker on a full disk', () => {
  it('refuses records, serves what is there, and continues when there is room again', async () => {
    const rig = await (await new Rig().start()).create('a', 'b')
    expect(await rig.produce('a', 'first')).to.equal('at 0')
    expect(await rig.produce('b', 'first')).to.equal('at 0')
    const { memory } = rig.host
    memory.capacityBytes = Number.MAX_SAFE_INTEGER
    memory.capacityBytes -= memory.space('/').freeBytes
    for (const topic of ['a', 'b', 'a']) expect(await rig.produce(topic, 'lost')).to.equal('KAFKA_STORAGE_ERROR')
    expect(await rig.fetch('a')).to.deep.equal(['first'])
    expect(await rig.fetch('b')).to.deep.equal(['first'])
    memory.capacityBytes = Number.POSITIVE_INFINITY
    await rig.host.advance(1500)
    expect(await rig.produce('a', 'second')).to.equal('at 1')
    expect(await rig.produce('b', 'second')).to.equal('at 1')
    expect(rig.errorsAbout('a')).to.deep.equal(['a-0 the disk is full: appends are refused until there is free space'])
    await rig.restart()
    for (const topic of ['a', 'b']) expect(await rig.fetch(topic)).to.deep.equal(['first', 'second'])
  })
})

describe('a broker on a failing disk', () => {
  it('that is the only one ends, with one line that says why and what to do', async () => {
    const rig = await (await new Rig().start()).create('a')
    expect(await rig.produce('a', 'first')).to.equal('at 0')
    rig.host.files.rates = { ...NO_FAULTS, writeError: ALWAYS }
    expect(await rig.produce('a', 'lost')).to.equal('KAFKA_STORAGE_ERROR')
    rig.host.files.rates = NO_FAULTS
    expect(rig.host.fatalReason).to.be.instanceOf(StorageLostError)
    expect(rig.host.fatalReason?.message).to.match(
      /^the data directory \/data failed: EIO.*; the metadata log is in it, so the broker ends: mend its disk or permissions, and start the broker again$/,
    )
    expect(rig.errors).to.deep.equal([])
    await rig.restart()
    expect(await rig.fetch('a')).to.deep.equal(['first'])
    expect(await rig.produce('a', 'second')).to.equal('at 1')
  })

  it('answers an error while it cannot read, and the records as soon as it can', async () => {
    const rig = await (await new Rig().start()).create('a')
    await rig.produce('a', 'first')
    await rig.restart()
    rig.host.files.rates = { ...NO_FAULTS, readError: ALWAYS }
    expect(await rig.fetch('a')).to.equal('KAFKA_STORAGE_ERROR')
    rig.host.files.rates = NO_FAULTS
    expect(await rig.fetch('a')).to.deep.equal(['first'])
  })
})
