import { expect } from 'chai'
import { ApiVersions } from '../protocol/apis/api-versions.ts'
import { CreateTopics } from '../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../protocol/apis/delete-topics.ts'
import { Fetch } from '../protocol/apis/fetch.ts'
import { FindCoordinator } from '../protocol/apis/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../protocol/apis/incremental-alter-configs.ts'
import { InitProducerId } from '../protocol/apis/init-producer-id.ts'
import { ListOffsets } from '../protocol/apis/list-offsets.ts'
import { Metadata } from '../protocol/apis/metadata.ts'
import { Produce } from '../protocol/apis/produce.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import { contiguous } from '../protocol/byte-writer.ts'
import { decode, encode } from '../protocol/codegen.ts'
import { errorName } from '../protocol/error-codes.ts'
import { frameOf } from '../protocol/frame.ts'
import { readResponseHeader, writeRequestHeader } from '../protocol/headers.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { batchesOf } from '../protocol/records/record-batch.ts'
import { type ApiSchema, type Fields, type RequestInputOf, type ResponseOf, ZERO_UUID } from '../protocol/schema.ts'
import { SimulatedHost } from '../storage/host/simulated-host.ts'
import { WireClient } from './apis/data-path.fixture.ts'
import { Cluster } from './cluster.ts'
import { StartError } from './config/start-error.ts'
import { startSettingsOf } from './config/start-settings.ts'
import { SimulatedTransport } from './network/simulated-transport.ts'
import { silentLogger } from './observe/logger.ts'

const DIRECTORY = '/data'
const SIMULATED_NOW_MS = new SimulatedHost().clock.nowMs()

/** A broker in virtual time with in-memory files. */
class Rig {
  readonly host: SimulatedHost
  transport: SimulatedTransport
  broker: Cluster
  readonly #properties: Record<string, string>

  constructor(properties: Record<string, string> = {}, host = new SimulatedHost(1)) {
    this.host = host
    this.#properties = properties
    this.transport = new SimulatedTransport(host.timers)
    this.broker = this.#newBroker()
  }

  #newBroker(): Cluster {
    const place = { 'log.dirs': DIRECTORY, listeners: 'PLAINTEXT://:9092' }
    const settings = startSettingsOf(new Map(Object.entries({ ...place, ...this.#properties })))
    return new Cluster(settings, this.host, this.transport, silentLogger)
  }

  async start(): Promise<this> {
    await this.host.settle(this.broker.start())
    return this
  }

  async restart(): Promise<void> {
    await this.host.settle(this.broker.stop())
    this.broker = this.#newBroker()
    await this.start()
  }

  connect(port?: number): WireClient {
    return new WireClient(this.host, this.transport, port)
  }
}

/** A request as passed to inject, without its size field. */
function messageOf<Q extends Fields, S extends Fields>(
  api: ApiSchema<Q, S>,
  apiVersion: number,
  request: RequestInputOf<ApiSchema<Q, S>>,
): Buffer {
  const frame = frameOf((writer) => {
    writeRequestHeader(writer, api, { apiVersion, correlationId: 1, clientId: null })
    encode(api.request, apiVersion, request as never, writer)
  })
  return contiguous(frame).subarray(4)
}

async function createTopic(client: WireClient, name: string): Promise<void> {
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const { topics } = await client.call(CreateTopics, 5, { topics: [topic], timeoutMs: 1000 })
  expect(errorName(topics[0]!.errorCode)).to.equal('NONE')
}

async function produceTo(client: WireClient, name: string, value: string, options: object = {}) {
  // Use the simulation's time: producers expire by the timestamps of their records.
  const records = buildBatch([{ key: null, value: Buffer.from(value), timestamp: SIMULATED_NOW_MS }], options)
  const topicData = [{ name, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
  const { responses } = await client.call(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
  return { error: errorName(errorCode), baseOffset }
}

async function fetchFrom(client: WireClient, topic: string, fetchOffset = 0) {
  const partitions = [{ partition: 0, fetchOffset, logStartOffset: -1, partitionMaxBytes: 1 << 20 }]
  const topics = [{ topic, topicId: ZERO_UUID, partitions }]
  const { responses } = await client.call(Fetch, 12, { maxWaitMs: 0, minBytes: 1, topics, forgottenTopicsData: [] })
  const { errorCode, records } = responses[0]!.partitions[0]!
  const { batches } = batchesOf(Buffer.concat(records ?? []))
  return { error: errorName(errorCode), offsets: batches.map(({ baseOffset }) => baseOffset) }
}

async function partitionOf(client: WireClient, name: string) {
  const { topics, brokers } = await client.call(Metadata, 9, {
    topics: [{ name, topicId: ZERO_UUID }],
    allowAutoTopicCreation: true,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  return { topic: topics[0]!, brokers }
}

describe('a broker', () => {
  it('stores records and returns them', async () => {
    const client = (await new Rig().start()).connect()
    await createTopic(client, 't')
    expect(await produceTo(client, 't', 'a')).to.deep.equal({ error: 'NONE', baseOffset: 0 })
    expect(await produceTo(client, 't', 'b')).to.deep.equal({ error: 'NONE', baseOffset: 1 })
    expect(await fetchFrom(client, 't')).to.deep.equal({ error: 'NONE', offsets: [0, 1] })
  })

  it('creates a topic on first use and answers its leader at once', async () => {
    const client = (await new Rig({ 'num.partitions': '3' }).start()).connect()
    const { topic, brokers } = await partitionOf(client, 'auto')
    expect(topic.errorCode).to.equal(0)
    expect(topic.partitions.map(({ leaderId }) => leaderId)).to.deep.equal([1, 1, 1])
    expect(brokers).to.deep.include({ nodeId: 1, host: '127.0.0.1', port: 9092, rack: null })
    expect((await produceTo(client, 'auto', 'a')).error).to.equal('NONE')
  })

  it('answers the advertised address if there is one', async () => {
    const rig = await new Rig({ 'advertised.listeners': 'PLAINTEXT://kafka.example:19092' }).start()
    const { brokers } = await partitionOf(rig.connect(), 'auto')
    expect(brokers).to.deep.include({ nodeId: 1, host: 'kafka.example', port: 19092, rack: null })
  })

  it('has topics and records again after a restart', async () => {
    const rig = await new Rig().start()
    await createTopic(rig.connect(), 't')
    await produceTo(rig.connect(), 't', 'a')
    await rig.restart()
    const client = rig.connect()
    expect(await fetchFrom(client, 't')).to.deep.equal({ error: 'NONE', offsets: [0] })
    expect(await produceTo(client, 't', 'b')).to.deep.equal({ error: 'NONE', baseOffset: 1 })
  })

  it('keeps flushed records over a power loss, whatever else of the disk survives', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const rig = await new Rig({ 'log.flush.interval.messages': '1' }, new SimulatedHost(seed)).start()
      await createTopic(rig.connect(), 't')
      for (const value of ['a', 'b']) await produceTo(rig.connect(), 't', value)
      rig.host.crash()
      rig.host.memory.losePower(rig.host.random)
      const again = await new Rig({}, rig.host).start()
      expect(await fetchFrom(again.connect(), 't'), `seed ${seed}`).to.deep.equal({ error: 'NONE', offsets: [0, 1] })
    }
  })

  it('starts a deleted topic from offset 0 when it is created again', async () => {
    const rig = await new Rig().start()
    const client = rig.connect()
    await createTopic(client, 't')
    await produceTo(client, 't', 'a')
    await client.call(DeleteTopics, 5, { topics: [], topicNames: ['t'], timeoutMs: 1000 })
    expect((await fetchFrom(client, 't')).error).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    await createTopic(client, 't')
    expect(await produceTo(client, 't', 'b')).to.deep.equal({ error: 'NONE', baseOffset: 0 })
  })

  it('drops duplicates of an idempotent producer and refuses gaps, also after a restart', async () => {
    const rig = await new Rig().start()
    await createTopic(rig.connect(), 't')
    const { producerId, producerEpoch } = await rig
      .connect()
      .call(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 })
    const send = (baseSequence: number) =>
      produceTo(rig.connect(), 't', 'x', { producerId, producerEpoch, baseSequence })
    expect(await send(0)).to.deep.equal({ error: 'NONE', baseOffset: 0 })
    expect(await send(1)).to.deep.equal({ error: 'NONE', baseOffset: 1 })
    await rig.restart()
    expect(await send(1)).to.deep.equal({ error: 'NONE', baseOffset: 1 })
    expect((await send(5)).error).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(await send(2)).to.deep.equal({ error: 'NONE', baseOffset: 2 })
  })

  it('answers injected requests', async () => {
    const rig = await new Rig().start()
    const inject = async <Q extends Fields, S extends Fields>(
      api: ApiSchema<Q, S>,
      apiVersion: number,
      request: RequestInputOf<ApiSchema<Q, S>>,
    ): Promise<ResponseOf<ApiSchema<Q, S>>> => {
      const answer = await rig.host.settle(rig.broker.first.inject(messageOf(api, apiVersion, request)))
      const reader = new ByteReader(answer!)
      readResponseHeader(reader, api, apiVersion)
      return decode(api.response, apiVersion, reader) as ResponseOf<ApiSchema<Q, S>>
    }
    expect((await inject(ApiVersions, 0, {} as never)).errorCode).to.equal(0)
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
    const answer = await inject(ListOffsets, 5, { replicaId: -1, isolationLevel: 0, topics, timeoutMs: 0 })
    expect(errorName(answer.topics[0]!.partitions[0]!.errorCode)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    await rig.host.settle(rig.broker.first.inject(Buffer.from([1])).then(fail, () => {}))
  })

  it('rejects waiting injected requests when it stops', async () => {
    const rig = await new Rig().start()
    await createTopic(rig.connect(), 't')
    const partitions = [{ partition: 0, fetchOffset: 0, logStartOffset: -1, partitionMaxBytes: 1000 }]
    const request = { maxWaitMs: 3_600_000, minBytes: 1, topics: [{ topic: 't', topicId: ZERO_UUID, partitions }] }
    const refused = rig.broker.first.inject(messageOf(Fetch, 4, request as never)).then(fail, ({ message }) => message)
    await rig.host.settle(rig.broker.stop())
    expect(await refused).to.equal('the broker was stopped')
  })

  it('refuses a directory that another broker uses, without disturbing that broker', async () => {
    const rig = await new Rig().start()
    const second = new Rig({ listeners: 'PLAINTEXT://:9093' }, rig.host)
    let refusal: unknown
    await second.start().catch((error: unknown) => {
      refusal = error
    })
    expect(refusal).to.be.instanceOf(StartError)
    expect((refusal as StartError).message).to.contain('/data is in use')
    await createTopic(rig.connect(), 't')
  })

  it('stops its parts if the port is in use, so that it can be started again', async () => {
    const rig = new Rig()
    const { close } = await rig.transport.listen({ host: '', port: 9092, backlog: 10 }, () => ({
      onBytes() {},
      onClose() {},
    }))
    let refusal: unknown
    await rig.start().catch((error: unknown) => {
      refusal = error
    })
    expect((refusal as StartError).message).to.contain('the port is in use')
    await close()
    await rig.restart()
    await createTopic(rig.connect(), 't')
  })

  it('creates one replica if a copied file asks for three', async () => {
    const three = { 'offsets.topic.replication.factor': '3', 'default.replication.factor': '3' }
    const rig = await new Rig({ ...three, 'min.insync.replicas': '2' }).start()
    const client = rig.connect()
    const group = { key: '', keyType: 0, coordinatorKeys: ['g'] }
    const { coordinators } = await client.call(FindCoordinator, 4, group)
    expect(errorName(coordinators[0]!.errorCode)).to.equal('NONE')
    const { topic } = await partitionOf(client, 'auto')
    expect(topic.partitions.map(({ replicaNodes }) => replicaNodes)).to.deep.equal([[1]])
    expect((await produceTo(client, 'auto', 'a')).error).to.equal('NONE')
    const wish = { name: 'wish', numPartitions: 1, replicationFactor: 3, assignments: [], configs: [] }
    const { topics } = await client.call(CreateTopics, 5, { topics: [wish], timeoutMs: 1000 })
    expect(errorName(topics[0]!.errorCode)).to.equal('INVALID_REPLICATION_FACTOR')
  })

  it('lets as many connections wait as socket.listen.backlog.size says', async () => {
    const rig = new Rig({ 'socket.listen.backlog.size': '7' })
    const backlogs: number[] = []
    const listen = rig.transport.listen.bind(rig.transport)
    rig.transport.listen = (endpoint, accept) => {
      backlogs.push(endpoint.backlog)
      return listen(endpoint, accept)
    }
    await rig.start()
    expect(backlogs).to.deep.equal([7])
  })

  it('applies limits of a single listener, also when they change while it runs', async () => {
    const rig = await new Rig({ 'listener.name.plaintext.max.connections': '1' }).start()
    const first = rig.connect()
    const second = rig.connect()
    const configs = [{ name: 'listener.name.plaintext.max.connections', value: '2', configOperation: 0 }]
    const resources = [{ resourceType: 4, resourceName: '', configs }]
    const { responses } = await first.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
    expect(errorName(responses[0]!.errorCode)).to.equal('NONE')
    await createTopic(second, 'waited')
  })

  it('serves its protected listener beyond max.connections', async () => {
    const rig = await new Rig({
      listeners: 'PLAINTEXT://:9092,INSIDE://:9093',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT',
      'inter.broker.listener.name': 'inside',
      'max.connections': '1',
    }).start()
    const first = rig.connect()
    await createTopic(rig.connect(9093), 't')
    expect(first.isClosed).to.equal(true)
  })

  it('applies max.connections.per.ip.overrides from its first connection on', async () => {
    const rig = await new Rig({ 'max.connections.per.ip.overrides': 'localhost:1' }).start()
    rig.connect()
    expect(rig.connect().isClosed).to.equal(true)
  })

  it('accepts no more connections than max.connection.creation.rate allows', async () => {
    const rig = await new Rig({ 'max.connection.creation.rate': '1', 'quota.window.num': '2' }).start()
    await createTopic(rig.connect(), 't')
    const startMs = rig.host.clock.monotonicMs()
    await createTopic(rig.connect(), 'u')
    expect(rig.host.clock.monotonicMs() - startMs).to.be.at.least(900)
  })

  it('closes its connections when it stops', async () => {
    const rig = await new Rig().start()
    const client = rig.connect()
    await rig.host.settle(rig.broker.stop())
    expect(client.isClosed).to.equal(true)
    expect(rig.broker.addresses).to.deep.equal([])
  })

  it('that is halted writes nothing more, releases its directory, and recovers at the next start', async () => {
    const rig = await new Rig().start()
    const client = rig.connect()
    await createTopic(client, 't')
    await produceTo(client, 't', 'value')
    const written = () =>
      rig.host.files.list(DIRECTORY).map((name) => [name, rig.host.files.stat(`${DIRECTORY}/${name}`)])
    const before = written()
    await rig.host.settle(rig.broker.halt())
    expect(written().filter(([name]) => name !== '.lock')).to.deep.equal(before.filter(([name]) => name !== '.lock'))
    expect(client.isClosed).to.equal(true)
    rig.host.crash()
    const next = await new Rig({}, rig.host).start()
    expect(await fetchFrom(next.connect(), 't')).to.deep.equal({ error: 'NONE', offsets: [0] })
    await next.host.settle(next.broker.stop())
  })

  it('whose port does not close still stops cleanly, releases its directory, and rejects with the reason', async () => {
    const rig = await new Rig().start()
    const { transport } = rig
    const listen = transport.listen.bind(transport)
    await rig.host.settle(rig.broker.stop())
    transport.listen = async (...args) => {
      const listening = await listen(...args)
      return {
        ...listening,
        async close() {
          await listening.close()
          throw new Error('the port is stuck')
        },
      }
    }
    await rig.start()
    const stopped = await rig.host.settle(rig.broker.stop().catch((error: Error) => error.message))
    expect(stopped).to.equal('the port is stuck')
    expect(rig.host.files.exists(`${DIRECTORY}/.kafka_cleanshutdown`)).to.equal(true)
    transport.listen = listen
    await rig.start()
    await rig.host.settle(rig.broker.stop())
  })
})

function fail(): never {
  throw new Error('it was answered')
}
