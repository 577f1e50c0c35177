import { CreateTopics } from '../protocol/apis/create-topics.ts'
import { DescribeTopicPartitions } from '../protocol/apis/describe-topic-partitions.ts'
import { Fetch } from '../protocol/apis/fetch.ts'
import { FindCoordinator } from '../protocol/apis/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../protocol/apis/incremental-alter-configs.ts'
import { Metadata } from '../protocol/apis/metadata.ts'
import { Produce } from '../protocol/apis/produce.ts'
import { errorName } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { batchesOf } from '../protocol/records/record-batch.ts'
import type { ApiSchema, Fields, RequestInputOf } from '../protocol/schema.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { SimulatedHost } from '../storage/host/simulated-host.ts'
import { WireClient } from './apis/data-path.fixture.ts'
import { Cluster } from './cluster.ts'
import { startSettingsOf } from './config/start-settings.ts'
import { SimulatedTransport } from './network/simulated-transport.ts'
import type { Logger } from './observe/logger.ts'
import { openClient, type WorldClient as ZooKeeperClient } from './zookeeper/zookeeper-world.fixture.ts'

const FIRST_PORT = 9092

/** Several brokers on one simulated machine, each with a client. */
export class RunningBrokers {
  readonly host: SimulatedHost
  /** Lines of level warning and error. */
  readonly complaints: string[] = []
  readonly #transport: SimulatedTransport
  readonly cluster: Cluster
  readonly #clients = new Map<number, WireClient>()

  constructor(brokers: number | undefined, properties: Record<string, string> = {}, host = new SimulatedHost(1)) {
    this.host = host
    const complain = (_: object, message: string) => this.complaints.push(message)
    const logger: Logger = { error: complain, warn: complain, info() {}, debug() {} }
    this.#transport = new SimulatedTransport(host.timers)
    const given = {
      'log.dirs': '/data',
      listeners: `PLAINTEXT://:${FIRST_PORT}`,
      ...(brokers === undefined ? {} : { 'num.brokers': String(brokers) }),
      ...properties,
    }
    const settings = startSettingsOf(new Map(Object.entries(given)))
    this.cluster = new Cluster(settings, host, this.#transport, logger)
  }

  async start(): Promise<this> {
    await this.host.settle(this.cluster.start())
    return this
  }

  async stop(): Promise<void> {
    await this.host.settle(this.cluster.stop())
  }

  /** Brokers started again on the data of these, which have stopped. */
  again(brokers: number | undefined, properties: Record<string, string> = {}): RunningBrokers {
    return new RunningBrokers(brokers, properties, this.host)
  }

  settle<T>(work: Promise<T>): Promise<T> {
    return this.host.settle(work)
  }

  /** Lets what is done in the background take place. */
  async passes(): Promise<void> {
    await this.host.advance(1000)
  }

  /** Sends a request to a broker. */
  call<Q extends Fields, S extends Fields>(
    nodeId: number,
    api: ApiSchema<Q, S>,
    version: number,
    request: RequestInputOf<ApiSchema<Q, S>>,
  ) {
    let client = this.#clients.get(nodeId)
    if (client === undefined || client.isClosed) {
      client = this.connect(nodeId)
      this.#clients.set(nodeId, client)
    }
    return client.call(api, version, request)
  }

  /** A client of the ZooKeeper endpoint, which `zookeeper.connect=localhost:2181` opens. */
  connectZooKeeper(): Promise<ZooKeeperClient> {
    return openClient(this.host, this.#transport)
  }

  connect(nodeId: number): WireClient {
    return new WireClient(this.host, this.#transport, FIRST_PORT + nodeId - 1)
  }

  async create(name: string, replicas: readonly (readonly number[])[], configs: Record<string, string> = {}) {
    const assignments = replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds: [...brokerIds] }))
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topics = [{ name, numPartitions: -1, replicationFactor: -1, assignments, configs: entries }]
    const { topics: made } = await this.call(this.#anyId, CreateTopics, 5, { topics, timeoutMs: 1000 })
    return errorName(made[0]!.errorCode)
  }

  async alterTopic(resourceName: string, configs: Record<string, string>): Promise<void> {
    const changes = Object.entries(configs).map(([name, value]) => ({ name, value, configOperation: 0 }))
    await this.call(this.#anyId, IncrementalAlterConfigs, 1, {
      resources: [{ resourceType: 2, resourceName, configs: changes }],
      validateOnly: false,
    })
  }

  get #anyId(): number {
    return [...this.cluster.brokers.running.keys()][0]!
  }

  /** Ids and addresses of the brokers that this one names to clients, and its controller. */
  async brokersSeenBy(nodeId: number): Promise<{ brokers: string[]; controllerId: number }> {
    const { brokers, controllerId } = await this.call(nodeId, Metadata, 9, {
      topics: [],
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    const lines = brokers.map((each) => `${each.nodeId} ${each.host}:${each.port} ${each.rack ?? '-'}`)
    return { brokers: lines.sort(), controllerId }
  }

  /** State of a partition as a broker describes it: `leader 1, replicas 1 2 3, isr 1 2, elr 3`. */
  async describe(topic: string, index = 0, nodeId = this.#anyId): Promise<string> {
    const { topics } = await this.call(nodeId, DescribeTopicPartitions, 0, {
      topics: [{ name: topic }],
      responsePartitionLimit: 100,
      cursor: null,
    })
    const { leaderId, replicaNodes, isrNodes, eligibleLeaderReplicas } = topics[0]!.partitions[index]!
    const elr = eligibleLeaderReplicas ?? []
    return `leader ${leaderId}, replicas ${replicaNodes.join(' ')}, isr ${isrNodes.join(' ')}${elr.length > 0 ? `, elr ${elr.join(' ')}` : ''}`
  }

  /** Offset of the record, or the error. */
  async produce(nodeId: number, topic: string, value: string, acks = -1, index = 0): Promise<number | string> {
    const records = buildBatch([{ key: null, value, timestamp: this.host.clock.nowMs() }])
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index, records }] }]
    const { responses } = await this.call(nodeId, Produce, 9, { acks, timeoutMs: 1000, topicData })
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    return errorCode === 0 ? baseOffset : errorName(errorCode)
  }

  /** Number of records that a consumer reads from the start, or the error. */
  async consume(nodeId: number, topic: string, index = 0): Promise<number | string> {
    const partitions = [{ partition: index, fetchOffset: 0, partitionMaxBytes: 1 << 20 }]
    const { responses } = await this.call(nodeId, Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1 << 20,
      topics: [{ topic, topicId: ZERO_UUID, partitions }],
      forgottenTopicsData: [],
    })
    const { errorCode, records } = responses[0]!.partitions[0]!
    if (errorCode !== 0) return errorName(errorCode)
    const bytes = Buffer.concat(records === null ? [] : ([records].flat() as Buffer[]))
    return batchesOf(bytes).batches.reduce((sum, batch) => sum + batch.lastOffset - batch.baseOffset + 1, 0)
  }

  /** Node id of the group's coordinator as a broker tells it, or the error. */
  async coordinator(nodeId: number, key: string): Promise<number | string> {
    const answer = await this.call(nodeId, FindCoordinator, 3, { key, keyType: 0, coordinatorKeys: [] })
    return answer.errorCode === 0 ? answer.nodeId : errorName(answer.errorCode)
  }
}
