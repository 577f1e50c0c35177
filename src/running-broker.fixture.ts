import { expect } from 'chai'
import { CreateTopics } from '../protocol/apis/create-topics.ts'
import { DeleteRecords } from '../protocol/apis/delete-records.ts'
import { DeleteTopics } from '../protocol/apis/delete-topics.ts'
import { DescribeConfigs } from '../protocol/apis/describe-configs.ts'
import { DescribeLogDirs } from '../protocol/apis/describe-log-dirs.ts'
import { FindCoordinator } from '../protocol/apis/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../protocol/apis/incremental-alter-configs.ts'
import { InitProducerId } from '../protocol/apis/init-producer-id.ts'
import { ListOffsets } from '../protocol/apis/list-offsets.ts'
import { Metadata } from '../protocol/apis/metadata.ts'
import { OffsetCommit } from '../protocol/apis/offset-commit.ts'
import { OffsetFetch } from '../protocol/apis/offset-fetch.ts'
import { Produce } from '../protocol/apis/produce.ts'
import { errorName } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { type ApiSchema, type Fields, type RequestInputOf, ZERO_UUID } from '../protocol/schema.ts'
import type { Host } from '../storage/host/host.ts'
import { SimulatedHost } from '../storage/host/simulated-host.ts'
import { WireClient } from './apis/data-path.fixture.ts'
import { Cluster } from './cluster.ts'
import { startSettingsOf } from './config/start-settings.ts'
import { SimulatedTransport } from './network/simulated-transport.ts'
import type { Logger } from './observe/logger.ts'
import { openClient, type WorldClient as ZooKeeperClient } from './zookeeper/zookeeper-world.fixture.ts'

/** Types of resources that have settings. */
export const TOPIC = 2
export const BROKER = 4
const SET = 0
const LATEST = -1
const EARLIEST = -2
const DELETE = 1

/** A broker with a client, on a simulated machine. */
export class RunningBroker {
  readonly host = new SimulatedHost(1)
  /** Partitions that were compacted, one for each pass. */
  readonly compacted: string[] = []
  /** Lines of level warning and error. */
  readonly complaints: string[] = []
  /** Where the broker runs: another machine than `host` where its files are to be stricter. */
  machine: Host = this.host
  /** A client of the ZooKeeper endpoint, which `zookeeper.connect=localhost:2181` opens. */
  connectZooKeeper!: () => Promise<ZooKeeperClient>
  /** A further connection. */
  connect!: () => WireClient
  #broker!: Cluster
  #client!: WireClient

  async start(properties: Record<string, string> = {}): Promise<this> {
    const complain = (_: object, message: string) => this.complaints.push(message)
    const logger: Logger = {
      error: complain,
      warn: complain,
      info: (fields, message) => {
        if (message === 'compacted a log') this.compacted.push((fields as { partition: string }).partition)
      },
      debug() {},
    }
    const settings = startSettingsOf(
      new Map([['log.dirs', '/data'], ['listeners', 'PLAINTEXT://:9092'], ...Object.entries(properties)]),
    )
    const transport = new SimulatedTransport(this.host.timers)
    this.#broker = new Cluster(settings, this.machine, transport, logger)
    await this.host.settle(this.#broker.start())
    this.connect = () => new WireClient(this.host, transport)
    this.connectZooKeeper = () => openClient(this.host, transport)
    this.#client = this.connect()
    return this
  }

  /** Sends any request. */
  call<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: RequestInputOf<ApiSchema<Q, S>>,
  ) {
    return this.#client.call(api, version, request)
  }

  async create(name: string, configs: Record<string, string> = {}): Promise<string> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: entries }]
    const answer = await this.#client.call(CreateTopics, 5, { topics, timeoutMs: 1000 })
    return errorName(answer.topics[0]!.errorCode)
  }

  async delete(name: string): Promise<string> {
    const answer = await this.#client.call(DeleteTopics, 5, { topics: [], topicNames: [name], timeoutMs: 1000 })
    return errorName(answer.responses[0]!.errorCode)
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

  /** Stores an offset of topic `t` for the group, which has no members. Answers the error. */
  async commit(groupId: string, committedOffset: number, committedMetadata = ''): Promise<string> {
    await this.#client.call(FindCoordinator, 3, { key: groupId, keyType: 0, coordinatorKeys: [] })
    const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata }]
    const topics = [{ name: 't', topicId: ZERO_UUID, partitions }]
    const member = { generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null }
    const answer = await this.#client.call(OffsetCommit, 8, { groupId, ...member, topics })
    return errorName(answer.topics[0]!.partitions[0]!.errorCode)
  }

  /** The offset of topic `t` that the group has stored, or the error. */
  async committed(groupId: string): Promise<string | number> {
    const topics = [{ name: 't', partitionIndexes: [0] }]
    const answer = await this.#client.call(OffsetFetch, 7, { groupId, groups: [], topics, requireStable: false })
    if (answer.errorCode !== 0) return errorName(answer.errorCode)
    const { errorCode, committedOffset } = answer.topics[0]!.partitions[0]!
    return errorCode === 0 ? committedOffset : errorName(errorCode)
  }

  /** The error of looking for the group's coordinator. */
  async findCoordinator(key: string): Promise<string> {
    return errorName((await this.#client.call(FindCoordinator, 3, { key, keyType: 0, coordinatorKeys: [] })).errorCode)
  }

  /** A new one for a producer without transactions. */
  async producerId(): Promise<number> {
    const request = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
    return (await this.#client.call(InitProducerId, 4, request)).producerId
  }

  /** The error of each data directory, as DescribeLogDirs has it. */
  async directoryErrors(): Promise<Record<string, string>> {
    const { results } = await this.#client.call(DescribeLogDirs, 4, { topics: null })
    return Object.fromEntries(results.map(({ logDir, errorCode }) => [logDir, errorName(errorCode)]))
  }

  async deleteBefore(name: string, offset: number): Promise<void> {
    const topics = [{ name, partitions: [{ partitionIndex: 0, offset }] }]
    await this.#client.call(DeleteRecords, 2, { topics, timeoutMs: 1000 })
  }

  startOffset(topic: string): Promise<number | string> {
    return this.#offset(topic, EARLIEST)
  }

  endOffset(topic: string): Promise<number | string> {
    return this.#offset(topic, LATEST)
  }

  async #offset(name: string, timestamp: number): Promise<number | string> {
    const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp }] }]
    const answer = await this.#client.call(ListOffsets, 5, { replicaId: -1, isolationLevel: 0, timeoutMs: 0, topics })
    const { errorCode, offset } = answer.topics[0]!.partitions[0]!
    return errorCode === 0 ? offset : errorName(errorCode)
  }

  /** The value of a setting, as a client sees it. */
  async setting(resourceType: number, resourceName: string, name: string): Promise<string | null | undefined> {
    const resources = [{ resourceType, resourceName, configurationKeys: [name] }]
    const { results } = await this.#client.call(DescribeConfigs, 4, { resources })
    return results[0]!.configs[0]?.value
  }

  async passes(durationMs: number): Promise<void> {
    await this.host.advance(durationMs)
  }

  segments(topic: string): number {
    return this.host.files.list(`/data/${topic}-0`).filter((name) => name.endsWith('.log')).length
  }

  /** Topics that a client may see. */
  async topics(): Promise<string[]> {
    const { topics } = await this.#client.call(Metadata, 1, {
      topics: null,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    return topics.map(({ name }) => name ?? '').sort()
  }

  async stop(): Promise<void> {
    await this.host.settle(this.#broker.stop())
  }
}
