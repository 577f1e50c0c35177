import { BufferPool } from '../protocol/buffer-pool.ts'
import { type Rejection, reject } from '../protocol/error-codes.ts'
import { placesForLargeContents } from '../storage/concurrency-limit.ts'
import { DirectoryFailedError, isSystemError, StorageLostError } from '../storage/failure-policy.ts'
import type { Host } from '../storage/host/host.ts'
import { TurnSlices } from '../storage/host/turn-slices.ts'
import { LogManager } from '../storage/log-manager.ts'
import { type FailedDirectory, failedDirectoryLine, type LogStore } from '../storage/log-store.ts'
import type { Broker } from './broker.ts'
import { BrokerDirectories } from './broker-directories.ts'
import { StartSteps } from './broker-start-steps.ts'
import { ClusterBrokers } from './cluster-brokers.ts'
import { ConfigStore } from './config/config-store.ts'
import { isWildcard, type ListenerAddress, type Listeners } from './config/listeners.ts'
import { warningsAboutDynamic } from './config/start-notes.ts'
import type { StartSettings } from './config/start-settings.ts'
import { GROUP_TOPIC } from './coordinator/group/open-group-coordinator.ts'
import { coordinatorPartition } from './coordinator/java-hash.ts'
import { TRANSACTION_TOPIC } from './coordinator/transaction/open-transaction-coordinator.ts'
import { EmbeddedMembership } from './membership/embedded-membership.ts'
import { PeriodicElections } from './membership/periodic-elections.ts'
import { absentBrokers, absentBrokersLine } from './metadata/absent-brokers.ts'
import { type Listener, PLAINTEXT } from './metadata/cluster-image.ts'
import { lostDirectoryFault } from './metadata/data-directories.ts'
import { HostedReplicas } from './metadata/hosted-replicas.ts'
import { LogBackedMetadataStore } from './metadata/log-backed-metadata-store.ts'
import type { Identity } from './metadata/meta-properties.ts'
import { configResourceKey, configResourceType } from './metadata/metadata-image.ts'
import type { MetadataStore } from './metadata/metadata-store.ts'
import { topicRules } from './metadata/topic-rules.ts'
import { warnOfUnenforced } from './metadata/unenforced-metadata.ts'
import { BytesInFlight } from './network/bytes-in-flight.ts'
import { isHost } from './network/known-hosts.ts'
import type { BrokerAddress } from './network/open-listener.ts'
import type { Transport } from './network/transport.ts'
import type { Logger } from './observe/logger.ts'
import { type LogLevel, loggerOf, NamedLoggers, ROOT_LOGGER } from './observe/named-loggers.ts'
import { PartitionLogs } from './partition/partition-logs.ts'
import type { FoundPartition } from './partition/partition-registry.ts'
import { openZooKeeperEndpoint } from './zookeeper/open-endpoint.ts'

interface OpenedMetadata {
  readonly metadata: LogBackedMetadataStore
  /** Last leader epoch in each log, by `topic-0`, where it may be later than in the metadata. */
  readonly latestEpochs: ReadonlyMap<string, number> | undefined
}

/**
 * The brokers of this process and what they share: data directories, cluster metadata, logs. Starts all parts in order
 * and stops them in reverse.
 */
export class Cluster {
  readonly #settings: StartSettings
  readonly #host: Host
  readonly #transport: Transport
  readonly #loggers: NamedLoggers
  readonly #logger: Logger
  readonly #slices: TurnSlices
  readonly #pool = new BufferPool()
  readonly #largeContents = placesForLargeContents()
  readonly #directories: BrokerDirectories
  readonly #steps: StartSteps
  #brokers: ClusterBrokers | undefined
  #metadata: LogBackedMetadataStore | undefined
  #isHalted = false
  #haltLogs: () => void = () => {}
  #isStopping = false
  #zooKeeperAddress: BrokerAddress | undefined

  /** logLevel: level of the root logger; what it lets through goes to `logger`. */
  constructor(settings: StartSettings, host: Host, transport: Transport, logger: Logger, logLevel: LogLevel = 'DEBUG') {
    this.#settings = settings
    this.#host = host
    this.#slices = new TurnSlices(host)
    this.#transport = transport
    this.#loggers = new NamedLoggers(logger, logLevel)
    this.#logger = this.#loggers.named(ROOT_LOGGER)
    this.#steps = new StartSteps(this.#logger)
    this.#directories = new BrokerDirectories(settings, host, this.#loggers.named(loggerOf.logs))
  }

  /** Throws before the start. */
  get brokers(): ClusterBrokers {
    if (this.#brokers === undefined) throw new Error('the cluster is not running')
    return this.#brokers
  }

  /** The first running broker. Throws if none runs. */
  get first(): Broker {
    const [broker] = this.brokers.running.values()
    if (broker === undefined) throw new Error('no broker is running')
    return broker
  }

  /** Throws before the start. */
  get metadata(): MetadataStore {
    if (this.#metadata === undefined) throw new Error('the cluster is not running')
    return this.#metadata
  }

  /** Where the running brokers listen for clients. */
  get addresses(): readonly BrokerAddress[] {
    return this.#running.flatMap(({ addresses }) => addresses)
  }

  /** Addresses of the controller. Empty without controller listeners. */
  get controllerAddresses(): readonly BrokerAddress[] {
    return this.#running.flatMap(({ controllerAddresses }) => controllerAddresses)
  }

  get #running(): readonly Broker[] {
    return [...(this.#brokers?.running.values() ?? [])]
  }

  /** Makes an in-sync replica the leader of a partition. Returns Kafka's error if it cannot lead. */
  moveLeader(topic: string, partition: number, leader: number): Promise<Rejection | undefined> {
    return this.metadata.moveLeader({ topic, partition, leader }, { nowMs: this.#host.clock.nowMs() })
  }

  /** Topic and partition of the coordinator's state of a group. */
  partitionOfGroup(groupId: string): [topic: string, partition: number] {
    return [GROUP_TOPIC, this.#coordinatorPartition(GROUP_TOPIC, groupId)]
  }

  /** The same of a transactional id. */
  partitionOfTransactionalId(transactionalId: string): [topic: string, partition: number] {
    return [TRANSACTION_TOPIC, this.#coordinatorPartition(TRANSACTION_TOPIC, transactionalId)]
  }

  #coordinatorPartition(topic: string, key: string): number {
    return coordinatorPartition(key, this.metadata.image.topicsByName.get(topic)?.partitions.length ?? 1)
  }

  /** Where ZooKeeper's clients are served; undefined: nowhere. */
  get zooKeeperAddress(): BrokerAddress | undefined {
    return this.#zooKeeperAddress
  }

  /**
   * Resolves when clients are served; coordinators are loaded by then. Rejects with StartError if the user can fix the
   * cause: a directory or port in use, data of another cluster. Parts that were started are stopped again.
   */
  async start(): Promise<void> {
    const startedMs = this.#host.clock.monotonicMs()
    try {
      await this.#start()
      const tookMs = Math.round(this.#host.clock.monotonicMs() - startedMs)
      this.#logger.info({ addresses: this.addresses, zooKeeper: this.#zooKeeperAddress, tookMs }, 'serving clients')
    } catch (error) {
      await this.stop().catch((failure) =>
        this.#logger.error({ err: failure }, 'a failed start could not be cleaned up'),
      )
      throw error
    }
  }

  async #start(): Promise<void> {
    const { release } = this.#directories.lock()
    this.#steps.push(release)
    const wasClean = this.#directories.wasCleanStop()
    const identity = this.#directories.identity()
    const configs = new ConfigStore(this.#settings.brokers[0].static, identity.nodeId)
    const hosted = this.#hostedReplicas(identity)
    const opened = await this.#openMetadata(identity, configs, hosted, wasClean).catch((error) => {
      this.#directories.fail(this.#settings.metadataDirectory, error)
      throw error
    })
    const { metadata, latestEpochs } = opened
    this.#metadata = metadata
    const logs = await this.#openLogs(identity, configs, metadata)
    const partitionLogs = this.#partitionLogs(configs, hosted, metadata, logs)
    this.#steps.push(() => partitionLogs.stop())
    await partitionLogs.start()
    const elections = new PeriodicElections({
      host: this.#host,
      logger: this.#loggers.named(loggerOf.controller),
      metadata,
      settings: () => configs.broker,
    })
    this.#steps.push(() => elections.stop())
    const membership = new EmbeddedMembership({ host: this.#host, brokers: metadata.brokers })
    this.#brokers = new ClusterBrokers({
      settings: this.#settings,
      directoryIds: this.#directories.usableIds(identity),
      membership,
      hosted,
      shared: {
        host: this.#host,
        transport: this.#transport,
        loggers: this.#loggers,
        pool: this.#pool,
        slices: this.#slices,
        largeContents: this.#largeContents,
        bytesInFlight: new BytesInFlight(configs.broker.queuedMaxRequestBytes),
        controllerEndpoints: () => this.#running.flatMap(({ controllerEndpoints }) => controllerEndpoints),
        transactionBroker: (nodeId) => this.#brokers?.running.get(nodeId)?.transactionBroker,
        connections: new Set(),
        metadata,
        logs,
        partitionLogs,
      },
    })
    this.#steps.push(() => this.brokers.stopAll())
    await this.#brokers.startAll(async () => {
      const nowMs = this.#host.clock.nowMs()
      await this.#withoutAbsentBrokers(metadata, hosted, nowMs)
      if (latestEpochs !== undefined) await metadata.raiseLeaderEpochs(latestEpochs, hosted.nodes, nowMs)
      if (!wasClean) await metadata.startLeaderEpochs(hosted.nodes, nowMs)
    })
    await this.#serveZooKeeper(configs, metadata)
  }

  /**
   * Says what to do about brokers that ran here before and were not started. With num.brokers=1 moves all that they have
   * to the first broker: so the directory is one of a single broker again.
   */
  async #withoutAbsentBrokers(metadata: LogBackedMetadataStore, hosted: HostedReplicas, nowMs: number): Promise<void> {
    const absent = absentBrokers(metadata.image, hosted)
    const isMoved = this.#settings.brokerCount === 1
    const first = hosted.firstNodeId
    if (isMoved) await metadata.brokers.moveAllTo(first, hosted, { nowMs })
    if (absent.length === 0) return
    this.#logger.warn({}, absentBrokersLine(absent, { image: metadata.image, first, isMoved }))
  }

  #hostedReplicas(identity: Identity): HostedReplicas {
    const directoryIds = this.#directories.identified(identity).map(({ directoryId }) => directoryId)
    const hosted = new HostedReplicas(identity.nodeId, directoryIds)
    for (const index of this.#settings.brokers.keys()) hosted.addNode(identity.nodeId + index)
    return hosted
  }

  /**
   * Stops at once, after a failure that affects the whole process. Drops clients, unlocks the directories, and writes
   * nothing more from memory. The next start recovers from the files.
   */
  halt(): Promise<void> {
    this.#isHalted = true
    this.#haltLogs()
    return this.stop()
  }

  /**
   * Stops all parts; pending requests get no response. Safe to call at any time, also twice. If a step fails, the later
   * steps still run, including the release of the lock. Throws the first failure at the end.
   */
  async stop(): Promise<void> {
    if (this.addresses.length > 0) this.#logger.info({}, 'stopping')
    this.#isStopping = true
    this.#zooKeeperAddress = undefined
    await this.#steps.undo()
  }

  async #openMetadata(
    identity: Identity,
    configs: ConfigStore,
    hosted: HostedReplicas,
    wasClean: boolean,
  ): Promise<OpenedMetadata> {
    const { brokers, metadataDirectory } = this.#settings
    const { nodeId } = identity
    const metadata = LogBackedMetadataStore.open({
      host: this.#host,
      slices: this.#slices,
      logger: this.#loggers.named(loggerOf.controller),
      directory: metadataDirectory,
      clusterId: identity.clusterId,
      nodeId,
      hosted,
      controllerEndpoints: plaintext(knownControllers(brokers[0].listeners)),
      voter: this.#directories.voter(identity),
      snapshotBytes: () => configs.broker.metadataLogMaxRecordBytesBetweenSnapshots,
      onDiskFailure: (error) => this.#endWithout(metadataDirectory, error),
    })
    this.#steps.push(() => (this.#isHalted ? undefined : metadata.stop()))
    // This listener must be the first, so that later ones see the new settings.
    metadata.onChange((image, change) => configs.apply(image.configs, change.configsChanged))
    configs.apply(metadata.image.configs, [configResourceKey(configResourceType.broker, '')])
    const found = this.#directories.findPartitions(identity, metadata, configs, hosted)
    this.#directories.write(identity)
    metadata.expectEnd(wasClean)
    const nowMs = this.#host.clock.nowMs()
    const adopted = metadata.wasEmpty ? this.#directories.adopt(found, identity, configs) : []
    await metadata.start(topicRules(this.#host, configs, hosted), { nowMs, adopted })
    this.#warnOfAdopted(metadata, configs)
    const mayHaveLaterEpochs = metadata.mayHaveLostChanges || !wasClean
    return { metadata, latestEpochs: mayHaveLaterEpochs ? this.#directories.lastLeaderEpochs(found) : undefined }
  }

  /** Warns about metadata without effect here, perhaps written by another broker. */
  #warnOfAdopted(metadata: LogBackedMetadataStore, configs: ConfigStore): void {
    const dynamic = new Map([...configs.dynamicDefault, ...configs.dynamicBroker])
    for (const warning of warningsAboutDynamic(dynamic)) this.#logger.warn({}, warning)
    warnOfUnenforced(metadata, this.#logger)
  }

  async #openLogs(identity: Identity, configs: ConfigStore, metadata: LogBackedMetadataStore): Promise<LogManager> {
    const logs = new LogManager({
      host: this.#host,
      directories: this.#directories.identified(identity),
      settings: configs.live,
      isCordoned: (directory) => configs.isCordoned(this.#settings.logDirectories.indexOf(directory)),
      logger: this.#loggers.named(loggerOf.logs),
      pool: this.#pool,
      largeContents: this.#largeContents,
      onUnusable: this.#directories.fail,
      onDirectoryFailed: (failed) => this.#onDirectoryFailed(failed),
    })
    configs.onBrokerChange(() => logs.settingsChanged())
    await logs.start(
      (topic) => configs.topic(topic),
      (topic) => metadata.image.topicsByName.get(topic)?.id,
    )
    this.#steps.push(() => (this.#isHalted ? undefined : logs.stop()))
    this.#haltLogs = () => logs.halt()
    return logs
  }

  #partitionLogs(configs: ConfigStore, hosted: HostedReplicas, metadata: MetadataStore, logs: LogStore): PartitionLogs {
    return new PartitionLogs({
      hosted,
      host: this.#host,
      slices: this.#slices,
      logs,
      metadata,
      settings: (topic) => configs.topic(topic),
      logger: this.#loggers.named(loggerOf.partitions),
    })
  }

  /** Goes on without a data directory that failed, or ends. Source: ReplicaManager.handleLogDirFailure. */
  #onDirectoryFailed(failed: FailedDirectory): void {
    const fault = lostDirectoryFault(failed, this.#settings.metadataDirectory)
    if (fault !== undefined) {
      this.#host.fatal(new StorageLostError(fault))
      return
    }
    this.#logger.error({ directory: failed.directory }, failedDirectoryLine(failed))
    for (const broker of this.#running) broker.takeOffline(failed.partitions)
  }

  /** The disk failed under the metadata log. A cluster that stops writes no more to it anyway. */
  #endWithout(directory: string, cause: Error): void {
    if (this.#isStopping) return
    const failed = { directory, error: new DirectoryFailedError(directory, cause), hasOther: true }
    this.#host.fatal(new StorageLostError(lostDirectoryFault(failed, directory)!))
  }

  #leaderFor({ image }: MetadataStore, topic: string, partition: number): FoundPartition | Promise<FoundPartition> {
    const leader = image.topicsByName.get(topic)?.partitions[partition]?.leader
    const broker = leader === undefined ? undefined : this.#brokers?.running.get(leader)
    return broker === undefined ? reject('LEADER_NOT_AVAILABLE') : broker.partitions.leaderFor(topic, partition)
  }

  /** A port that is taken, perhaps by a ZooKeeper, does not stop the start. */
  async #serveZooKeeper(configs: ConfigStore, metadata: LogBackedMetadataStore): Promise<void> {
    const { zooKeeper, metadataDirectory } = this.#settings
    if (zooKeeper === undefined) return
    const { host, port } = zooKeeper
    const endpoint = openZooKeeperEndpoint(zooKeeper, {
      nodeId: configs.nodeId,
      host: this.#host,
      slices: this.#slices,
      logger: this.#loggers.named(loggerOf.requests),
      transport: this.#transport,
      dataDirectory: metadataDirectory,
      configs,
      metadata,
      configsOf: (nodeId) => this.#brokers?.running.get(nodeId)?.configs,
      isHost: (name) => isHost(this.#transport, name),
      leaderFor: (topic, partition) => this.#leaderFor(metadata, topic, partition),
    })
    try {
      const listening = await endpoint.listen(host, port)
      this.#zooKeeperAddress = { listener: 'ZOOKEEPER', host, port: listening, isEveryInterface: false }
      this.#steps.push(() => endpoint.stop())
    } catch (error) {
      if (!isSystemError(error)) throw error
      const reason = error.code === 'EADDRINUSE' ? 'the port is in use, perhaps by a ZooKeeper' : error.message
      this.#logger.warn({}, `ZooKeeper clients are not served at ${host}:${port} (zookeeper.connect): ${reason}`)
    }
  }
}

function plaintext(addresses: readonly ListenerAddress[]): Listener[] {
  return addresses.map((each) => ({ ...each, securityProtocol: PLAINTEXT }))
}

/** Addresses of the controller that are known before it listens. */
function knownControllers({ controller, advertisedControllers }: Listeners): ListenerAddress[] {
  return controller
    .map((each) => advertisedControllers.get(each.name) ?? each)
    .filter(({ host, port }) => !isWildcard(host) && port !== 0)
}
