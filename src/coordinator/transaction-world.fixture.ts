import { type ErrorName, isRejection } from '../../protocol/error-codes.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { TurnSlices } from '../../storage/host/turn-slices.ts'
import { ConfigStore } from '../config/config-store.ts'
import { InvalidSetting } from '../config/config-value.ts'
import { readStaticConfig } from '../config/static-config.ts'
import { emptyImage } from '../metadata/cluster-image.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import { silentLogger } from '../observe/logger.ts'
import { ProducerIds } from '../partition/producer-ids.ts'
import { MemoryLog } from './memory-log.fixture.ts'
import { COORDINATOR_ID, topicImage, unchangeableMetadata, withTopic } from './metadata.fixture.ts'
import { CoordinatorRuntime } from './runtime.ts'
import { ShardRuntime } from './shard-runtime.ts'
import type { TransactionEnd } from './state-log.ts'
import { LeaderMarkerDelivery } from './transaction/deliver-markers.ts'
import { completed, TRANSACTION_TOPIC, transactionContext } from './transaction/open-transaction-coordinator.ts'
import { TransactionCoordinator } from './transaction/transaction-coordinator.ts'
import { TransactionShard } from './transaction/transaction-shard.ts'
import type { Producer } from './transaction/transitions.ts'

/** A marker that was written. */
export interface WrittenMarker extends TransactionEnd {
  readonly topic: string
  readonly partition: number
}

/** Transaction coordinator for tests: one shard, a log and markers in memory, virtual time. */
export class TransactionWorld {
  readonly host: SimulatedHost
  readonly log = new MemoryLog()
  readonly configs: ConfigStore
  /** Markers in the order in which they were written. */
  readonly markers: WrittenMarker[] = []
  /** Answer for a marker; undefined: the leader does not run. */
  leaderAnswers: (marker: WrittenMarker) => ErrorName | undefined = () => 'NONE'
  coordinator: TransactionCoordinator
  shard!: ShardRuntime<TransactionShard>
  image: MetadataImage
  coordinatorEpoch = 0
  /** First producer id that was not given out. */
  nextProducerId = 1000
  readonly #listeners: Parameters<MetadataStore['onChange']>[0][] = []

  constructor(settings: Readonly<Record<string, string>> = {}, featureLevel = 2) {
    this.host = new SimulatedHost(1)
    const config = readStaticConfig(new Map(Object.entries(settings)))
    if (config instanceof InvalidSetting) throw new Error(config.message)
    this.configs = new ConfigStore(config, COORDINATOR_ID)
    const empty = withTopic(emptyImage('cluster'), topicImage(TRANSACTION_TOPIC, 1))
    this.image = withTopic(withTopic(empty, topicImage('t', 4)), topicImage('u', 4))
    this.setFeatureLevel(featureLevel)
    this.coordinator = this.#open()
  }

  static async started(settings: Readonly<Record<string, string>> = {}, featureLevel = 2): Promise<TransactionWorld> {
    const world = new TransactionWorld(settings, featureLevel)
    await world.coordinator.start()
    return world
  }

  /** Starts a new coordinator on the same log, as after a broker restart: its epoch is the next one. */
  async restart(): Promise<void> {
    this.coordinator.stop()
    this.#listeners.length = 0
    this.coordinatorEpoch++
    this.coordinator = this.#open()
    await this.host.settle(this.coordinator.start())
  }

  setFeatureLevel(level: number): void {
    this.image = { ...this.image, features: new Map([['transaction.version', level]]) }
  }

  /** Tells the coordinator that something changed. */
  metadataChanged(): void {
    for (const listener of this.#listeners)
      listener(this.image, { topicsChanged: [], topicsDeleted: [], configsChanged: [] })
  }

  /** State machine, for inspection. */
  get state(): TransactionShard {
    const { current } = this.shard
    if (current === undefined) throw new Error('the shard is loading')
    return current
  }

  /** InitProducerId; the producer, or the name of the error. */
  async initialize(transactionalId: string, known?: Producer, transactionTimeoutMs = 60_000) {
    const { producerId = -1, producerEpoch = -1 } = known ?? {}
    const flags = { enable2Pc: false, keepPreparedTxn: false }
    const request = { transactionalId, transactionTimeoutMs, producerId, producerEpoch, ...flags }
    const outcome = await this.host.settle(this.coordinator.initialize(request))
    return isRejection(outcome) ? outcome.error : outcome
  }

  /** Adds a partition of topic t; the error's name or undefined. version 2: for a produce of KIP-890. */
  async add(transactionalId: string, producer: Producer, partition = 0, version = 0): Promise<ErrorName | undefined> {
    const partitions = new Map([['t', new Set([partition])]])
    const added = this.coordinator.addPartitions(transactionalId, producer, partitions, version)
    const outcome = await this.host.settle(Promise.resolve(added))
    return isRejection(outcome) ? outcome.error : undefined
  }

  /** EndTxn; the next producer with version 2, undefined without, or the name of the error. */
  async end(transactionalId: string, producer: Producer, result: 'commit' | 'abort', version = 0) {
    const ended = this.coordinator.end(transactionalId, { ...producer, result }, version)
    const outcome = await this.host.settle(ended)
    return isRejection(outcome) ? outcome.error : outcome
  }

  #open(): TransactionCoordinator {
    const metadata = unchangeableMetadata(() => this.image, this.#listeners)
    const producerIds = new ProducerIds(async () => {
      this.nextProducerId += 1000
      return this.nextProducerId - 1000
    })
    const runtime = new CoordinatorRuntime<TransactionShard>({
      nodeId: COORDINATOR_ID,
      host: this.host,
      logger: silentLogger,
      metadata,
      topic: TRANSACTION_TOPIC,
      newTopic: () => {
        throw new Error('the topic is there')
      },
      nowMs: () => this.host.clock.nowMs(),
      open: () => {
        this.shard = this.#openShard(metadata, producerIds)
        return this.shard
      },
    })
    return new TransactionCoordinator(
      runtime,
      () => this.configs.broker,
      () => producerIds.fill(0),
    )
  }

  #openShard(metadata: MetadataStore, producerIds: ProducerIds): ShardRuntime<TransactionShard> {
    const parts = { host: this.host, logger: silentLogger, configs: this.configs, metadata, producerIds }
    const { coordinatorEpoch } = this
    const runtime = new ShardRuntime<TransactionShard>({
      host: this.host,
      logger: silentLogger,
      name: TRANSACTION_TOPIC,
      log: this.log,
      create: (deadlines) => {
        const markers = new LeaderMarkerDelivery({
          host: this.host,
          slices: new TurnSlices(this.host),
          logger: silentLogger,
          coordinatorEpoch,
          image: () => this.image,
          write: (_, topic, partition, end) => this.#writeMarker({ ...end, topic, partition }),
          complete: (transaction) => completed(runtime, transaction),
        })
        return new TransactionShard(transactionContext(parts, deadlines, markers))
      },
    })
    return runtime
  }

  #writeMarker(marker: WrittenMarker): Promise<ErrorName> | undefined {
    const answer = this.leaderAnswers(marker)
    if (answer === 'NONE') this.markers.push(marker)
    return answer === undefined ? undefined : Promise.resolve(answer)
  }
}
