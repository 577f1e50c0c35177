import { expect } from 'chai'
import { CreateTopics } from '../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../protocol/apis/delete-topics.ts'
import { Fetch } from '../protocol/apis/fetch.ts'
import { ListOffsets } from '../protocol/apis/list-offsets.ts'
import { Produce } from '../protocol/apis/produce.ts'
import type { CompressionName } from '../protocol/compression/codec.ts'
import { errorName } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { buildMessageSet } from '../protocol/records/legacy-builder.ts'
import { readLegacyBatch } from '../protocol/records/legacy-messages.ts'
import { batchesOf } from '../protocol/records/record-batch.ts'
import { RecordFault } from '../protocol/records/record-reader.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { SimulatedHost } from '../storage/host/simulated-host.ts'
import { WireClient } from './apis/data-path.fixture.ts'
import { Cluster } from './cluster.ts'
import { startSettingsOf } from './config/start-settings.ts'
import { SimulatedTransport } from './network/simulated-transport.ts'
import { silentLogger } from './observe/logger.ts'

const [PRODUCE, CREATE, DELETE, LIST] = [9, 5, 5, 5] as const
const LATEST = -1
const MOST_TURNS = 2000

/** A broker with two topics, and clients that send batches with large decompressed content. */
class Rig {
  readonly host = new SimulatedHost(1)
  readonly transport = new SimulatedTransport(this.host.timers)
  broker!: Cluster

  async start(): Promise<this> {
    const properties = { 'log.dirs': '/data', listeners: 'PLAINTEXT://:9092' }
    const settings = startSettingsOf(new Map(Object.entries(properties)))
    this.broker = new Cluster(settings, this.host, this.transport, silentLogger)
    await this.host.settle(this.broker.start())
    await this.create('t')
    await this.create('other')
    return this
  }

  connect(): WireClient {
    return new WireClient(this.host, this.transport)
  }

  async create(name: string): Promise<void> {
    const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    await this.connect().call(CreateTopics, CREATE, { topics, timeoutMs: 1000 })
  }

  async delete(name: string): Promise<void> {
    await this.connect().call(DeleteTopics, DELETE, { topics: [], topicNames: [name], timeoutMs: 1000 })
  }

  async endOf(name: string): Promise<number> {
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: LATEST, maxNumOffsets: 1 }]
    const request = { replicaId: -1, isolationLevel: 0, timeoutMs: 0, topics: [{ name, partitions }] }
    return (await this.connect().call(ListOffsets, LIST, request)).topics[0]!.partitions[0]!.offset
  }

  async untilEnd(name: string, offset: number): Promise<void> {
    for (let i = 0; (await this.endOf(name)) !== offset; i++) {
      if (i === MOST_TURNS) throw new Error(`${name} ends at ${await this.endOf(name)}`)
      await this.host.advance(1)
    }
  }
}

/** A batch of thirty records, 1.5 MB uncompressed. */
function large(compression: CompressionName = 'zstd'): Buffer {
  return buildBatch(
    Array.from({ length: 30 }, (_, i) => ({ key: 'k', value: `${i}`.repeat(50_000), timestamp: 1000 })),
    { compression },
  )
}

function small(): Buffer {
  return buildBatch([{ key: 'k', value: 'v', timestamp: 1000 }])
}

function request(topic: string, records: Buffer, acks = 1) {
  const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
  return { transactionalId: null, acks, timeoutMs: 1000, topicData }
}

describe('a broker that decompresses large batches', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await new Rig().start()
  })

  async function answered(client: WireClient): Promise<(string | number)[]> {
    const answer = await client.receive(Produce, PRODUCE)
    const { errorCode, baseOffset } = answer!.responses[0]!.partitionResponses[0]!
    return [errorName(errorCode), baseOffset]
  }

  it('answers a connection in order, with offsets in the order of its requests', async () => {
    const client = rig.connect()
    for (const records of [large('gzip'), small(), large('lz4'), small()])
      client.send(Produce, PRODUCE, request('t', records))
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await answered(client))
    expect(answers).to.deep.equal([0, 30, 31, 61].map((offset) => ['NONE', offset]))
  })

  it('serves other partitions meanwhile', async () => {
    const [slow, quick] = [rig.connect(), rig.connect()]
    slow.send(Produce, PRODUCE, request('t', large()))
    quick.send(Produce, PRODUCE, request('other', small()))
    expect(await answered(quick)).to.deep.equal(['NONE', 0])
    expect(await rig.endOf('t')).to.equal(0)
    expect(await answered(slow)).to.deep.equal(['NONE', 0])
  })

  it('acks=0: keeps the order, too, and closes the connection on an error', async () => {
    const client = rig.connect()
    client.send(Produce, PRODUCE, request('t', large(), 0))
    client.send(Produce, PRODUCE, request('t', small(), 0))
    client.send(Produce, PRODUCE, request('t', small()))
    expect(await answered(client)).to.deep.equal(['NONE', 31])
    const wrong = large()
    wrong[wrong.length - 3] = wrong[wrong.length - 3]! ^ 0xff
    client.send(Produce, PRODUCE, request('t', wrong, 0))
    expect(await client.receive(Produce, PRODUCE)).to.equal(undefined)
  })

  it('appends what a client sent before it disconnected', async () => {
    const client = rig.connect()
    client.send(Produce, PRODUCE, request('t', large()))
    await rig.endOf('other')
    client.close()
    await rig.untilEnd('t', 30)
  })

  it('writes nothing for a topic deleted meanwhile, nor into a new one of its name', async () => {
    const client = rig.connect()
    client.send(Produce, PRODUCE, request('t', large()))
    await rig.delete('t')
    await rig.create('t')
    expect(await answered(client)).to.deep.equal(['UNKNOWN_TOPIC_OR_PARTITION', -1])
    expect(await rig.endOf('t')).to.equal(0)
  })

  it('stops while one is under way', async () => {
    const client = rig.connect()
    client.send(Produce, PRODUCE, request('t', large()))
    client.send(Produce, PRODUCE, request('t', small()))
    await rig.endOf('other')
    await rig.host.settle(rig.broker.stop())
  })
})

describe('a broker that serves old clients', () => {
  const [OLD_PRODUCE, OLD_FETCH] = [2, 3] as const
  const many = Array.from({ length: 20_000 }, (_, offset) => ({
    offset,
    timestamp: 1000 + offset,
    key: null,
    value: Buffer.alloc(20, offset),
  }))
  const fetchFrom = (offset: number, maxBytes = 10_000_000) => ({
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic: 't', topicId: ZERO_UUID, partitions: [partitionAt(offset, maxBytes)] }],
    forgottenTopicsData: [],
    rackId: '',
  })
  const partitionAt = (fetchOffset: number, partitionMaxBytes: number) => ({
    partition: 0,
    fetchOffset,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
    partitionMaxBytes,
  })
  let rig: Rig
  beforeEach(async () => {
    rig = await new Rig().start()
  })
  afterEach(() => rig.host.settle(rig.broker.stop()))

  async function records(from: number, maxBytes?: number): Promise<number[]> {
    const { responses } = await rig.connect().call(Fetch, OLD_FETCH, fetchFrom(from, maxBytes))
    const bytes = Buffer.concat(responses[0]!.partitions[0]!.records as readonly Buffer[])
    return batchesOf(bytes).batches.flatMap((batch) => {
      const read = readLegacyBatch(batch, 100_000_000)
      return read instanceof RecordFault ? [] : read.records.map(({ offset }) => offset)
    })
  }

  for (const compression of ['none', 'gzip'] as const) {
    it(`converts much in order, and back, compression ${compression}`, async () => {
      const client = rig.connect()
      client.send(Produce, OLD_PRODUCE, request('t', buildMessageSet(many, { magic: 1, compression })))
      client.send(Produce, OLD_PRODUCE, request('t', buildMessageSet([many[0]!], { magic: 1 })))
      for (const offset of [0, 20_000]) {
        const answer = await client.receive(Produce, OLD_PRODUCE)
        expect(answer!.responses[0]!.partitionResponses[0]).to.include({ errorCode: 0, baseOffset: offset })
      }
      expect(await records(0)).to.deep.equal(Array.from({ length: 20_001 }, (_, offset) => offset))
    })
  }

  it('sends no more than a few times what the client asked for, and the rest later', async () => {
    // These records take four times as much as messages.
    const tiny = buildBatch(many.map(({ timestamp }) => ({ timestamp })))
    for (let i = 0; i < 10; i++) await rig.connect().call(Produce, PRODUCE, request('t', Buffer.from(tiny)))
    const first = await records(0, 2_000_000)
    expect(first).to.have.length(60_000)
    expect((await records(first.length, 2_000_000))[0]).to.equal(first.length)
  })
})
