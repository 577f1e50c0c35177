import { BufferPool } from '../protocol/buffer-pool.ts'
import { placesForLargeContents } from '../storage/concurrency-limit.ts'
import { DirectoryFailedError, isSystemError, StorageLostError } from '../storage/failure-policy.ts'
import type { Host } from '../storage/host/host.ts'
import { TurnSlices } from '../storage/host/turn-slices.ts'
import { LogManager } from '../storage/log-manager.ts'
import { type FailedDirectory, failedDirectoryLine } from '../storage/log-store.ts'
import { controllerHandlers } from './apis/controller-apis.ts'
import { handlers, servedBy } from './apis/index.ts'
import type { Services } from './apis/services.ts'
import { BrokerDirectories } from './broker-directories.ts'
import type { BrokerStartSettings } from './config/broker-start.ts'
import { ConfigStore } from './config/config-store.ts'
import { ignoredLine } from './config/ignored-settings.ts'
import { bootstrapServer, isWildcard, type ListenerAddress, type Listeners } from './config/listeners.ts'
import { warningsAboutDynamic } from './config/start-notes.ts'
import { openGroupCoordinator } from './coordinator/group/open-group-coordinator.ts'
import { FetchPurgatory } from './fetch/fetch-purgatory.ts'
import { FetchSessions } from './fetch/fetch-sessions.ts'
import type { Listener } from './metadata/cluster-image.ts'
import { lostDirectoryFault } from './metadata/data-directories.ts'
import { LogBackedMetadataStore } from './metadata/log-backed-metadata-store.ts'
import type { Identity } from './metadata/meta-properties.ts'
import { configResourceKey, configResourceType } from './metadata/metadata-image.ts'
import type { MetadataStore } from './metadata/metadata-store.ts'
import { topicRules } from './metadata/topic-rules.ts'
import { warnOfUnenforced } from './metadata/unenforced-metadata.ts'
import { BytesInFlight } from './network/bytes-in-flight.ts'
import { Connections } from './network/connections.ts'
import { isHost } from './network/known-hosts.ts'
import { type BrokerAddress, openListener } from './network/open-listener.ts'
import { QueuedRequests } from './network/queued-requests.ts'
import type { Peer, Transport } from './network/transport.ts'
import type { Logger } from './observe/logger.ts'
import { type LogLevel, loggerOf, NamedLoggers, ROOT_LOGGER } from './observe/named-loggers.ts'
import { PartitionRegistry } from './partition/partition-registry.ts'
import { ProducerIds } from './partition/producer-ids.ts'
import { Dispatcher } from './request/dispatcher.ts'
import type { ConnectionInfo } from './request/exchange.ts'
import { InjectedExchange } from './request/injected-exchange.ts'
import { ClientMetrics } from './telemetry/client-metrics.ts'
import { openZooKeeperEndpoint } from './zookeeper/open-endpoint.ts'

/** Id of PLAINTEXT in Kafka's SecurityProtocol, the only one supported yet. */
const PLAINTEXT = 0

/** Undoes one step of a start. */
type Undo = () => void | Promise<void>

/** One broker. Starts its parts in order and stops them in reverse. */
export class Broker {
  readonly #settings: BrokerStartSettings
  readonly #host: Host
  readonly #transport: Transport
  readonly #loggers: NamedLoggers
  readonly #logger: Logger
  readonly #pool = new BufferPool()
  /** Shared by appends, cleaning, look-ups and fetches of old clients: it bounds the memory of the process. */
  readonly #largeContents = placesForLargeContents()
  readonly #slices: TurnSlices
  readonly #directories: BrokerDirectories
  /** Undo steps of the started parts, in start order. */
  readonly #undo: Undo[] = []
  #isHalted = false
  #haltLogs: () => void = () => {}
  #isStopping = false
  /** Stops serving partitions whose data directory failed. */
  #takeOffline: (partitions: FailedDirectory['partitions']) => void = () => {}
  readonly #addresses: BrokerAddress[] = []
  #zooKeeperAddress: BrokerAddress | undefined
  readonly #controllerAddresses: BrokerAddress[] = []
  /** Lines about settings not in force that were logged. */
  #ignoredLines: ReadonlySet<string> = new Set()
  /** Injected requests without a response yet. */
  readonly #injected = new Set<InjectedExchange>()
  #dispatcher: Dispatcher | undefined
  /** Serves connections of controller listeners. */
  #controllerDispatcher: Dispatcher | undefined

  /** logLevel: level of the root logger; what it lets through goes to `logger`. */
  constructor(
    settings: BrokerStartSettings,
    host: Host,
    transport: Transport,
    logger: Logger,
    logLevel: LogLevel = 'DEBUG',
  ) {
    this.#settings = settings
    this.#host = host
    this.#slices = new TurnSlices(host)
    this.#transport = transport
    this.#loggers = new NamedLoggers(logger, logLevel)
    this.#logger = this.#loggers.named(ROOT_LOGGER)
    this.#directories = new BrokerDirectories(settings, host, this.#loggers.named(loggerOf.logs))
  }

  /** Empty before the start. */
  get addresses(): readonly BrokerAddress[] {
    return this.#addresses
  }

  /** Where ZooKeeper's clients are served; undefined: nowhere. */
  get zooKeeperAddress(): BrokerAddress | undefined {
    return this.#zooKeeperAddress
  }

  /** Addresses of the controller. Empty before the start, and without controller listeners. */
  get controllerAddresses(): readonly BrokerAddress[] {
    return this.#controllerAddresses
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
      this.#logger.info({ addresses: this.#addresses, zooKeeper: this.#zooKeeperAddress, tookMs }, 'serving clients')
    } catch (error) {
      await this.stop().catch((failure) =>
        this.#logger.error({ err: failure }, 'a failed start could not be cleaned up'),
      )
      throw error
    }
  }

  async #start(): Promise<void> {
    const { release } = this.#directories.lock()
    this.#undo.push(release)
    const wasClean = this.#directories.wasCleanStop()
    const identity = this.#directories.identity()
    const configs = new ConfigStore(this.#settings.static, identity.nodeId)
    const metadata = await this.#openMetadata(identity, configs, wasClean).catch((error) => {
      this.#directories.fail(this.#settings.metadataDirectory, error)
      throw error
    })
    const logs = await this.#openLogs(identity, configs, metadata)
    if (!wasClean) await metadata.startLeaderEpochs(this.#host.clock.nowMs())
    const budget = new BytesInFlight(configs.broker.queuedMaxRequestBytes)
    const services = this.#services(identity, configs, metadata, logs, budget)
    this.#takeOffline = (offline) => {
      services.partitions.takeOffline(offline)
      services.groups.takeOffline(offline)
    }
    this.#undo.push(() => services.partitions.stop())
    await services.partitions.start()
    await services.groups.start()
    this.#undo.push(() => services.groups.stop())
    this.#dispatcher = new Dispatcher(services, handlers)
    this.#controllerDispatcher = new Dispatcher(
      { ...services, served: servedBy(controllerHandlers) },
      controllerHandlers,
    )
    this.#undo.push(() => services.clientMetrics.stop())
    const closed = (connectionId: string) => services.clientMetrics.connectionClosed(connectionId)
    const connections = this.#connections(configs, budget, closed)
    await connections.refresh()
    await this.#listen(connections, configs.broker.socketListenBacklogSize)
    await this.#serveZooKeeper(services)
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
    if (this.#addresses.length > 0) this.#logger.info({}, 'stopping')
    this.#isStopping = true
    this.#dispatcher = undefined
    this.#controllerDispatcher = undefined
    this.#addresses.length = 0
    this.#zooKeeperAddress = undefined
    this.#controllerAddresses.length = 0
    for (const exchange of [...this.#injected]) exchange.abandon()
    const failures: unknown[] = []
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo()
      } catch (error) {
        failures.push(error)
        this.#logger.error({ err: error }, 'a part of the broker did not stop')
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /**
   * Answers a request without a connection. Request and response are messages without their size. Resolves to undefined
   * if Kafka sends no response. Rejects if Kafka would close the connection, or if the broker stops first.
   */
  inject(message: Buffer): Promise<Buffer | undefined> {
    const dispatcher = this.#dispatcher
    if (dispatcher === undefined) return Promise.reject(new Error('the broker is not running'))
    const exchange = new InjectedExchange(injected(this.#addresses[0]), message)
    this.#injected.add(exchange)
    dispatcher.dispatch(exchange)
    return exchange.answer.finally(() => this.#injected.delete(exchange))
  }

  async #openMetadata(identity: Identity, configs: ConfigStore, wasClean: boolean): Promise<LogBackedMetadataStore> {
    const { listeners, metadataDirectory } = this.#settings
    const { nodeId } = identity
    const directoryIds = this.#directories.identified(identity).map(({ directoryId }) => directoryId)
    const metadata = LogBackedMetadataStore.open({
      host: this.#host,
      slices: this.#slices,
      logger: this.#loggers.named(loggerOf.controller),
      directory: metadataDirectory,
      clusterId: identity.clusterId,
      nodeId,
      rack: configs.broker.brokerRack,
      directoryIds: this.#directories.usableIds(identity),
      advertised: plaintext([...listeners.advertised.values()]),
      controllerEndpoints: plaintext(knownControllers(listeners)),
      voter: this.#directories.voter(identity),
      snapshotBytes: () => configs.broker.metadataLogMaxRecordBytesBetweenSnapshots,
      onDiskFailure: (error) => this.#endWithout(metadataDirectory, error),
    })
    this.#undo.push(() => (this.#isHalted ? undefined : metadata.stop()))
    // This listener must be the first, so that later ones see the new settings.
    metadata.onChange((image, change) => configs.apply(image.configs, change.configsChanged))
    configs.apply(metadata.image.configs, [configResourceKey(configResourceType.broker, '')])
    const found = this.#directories.findPartitions(identity, metadata.image, configs)
    this.#directories.write(identity)
    metadata.expectEnd(wasClean)
    const nowMs = this.#host.clock.nowMs()
    const adopted = metadata.image.endOffset === 0 ? this.#directories.adopt(found, identity, configs) : []
    await metadata.start(topicRules(this.#host, configs, { nodeId, directoryIds }), { nowMs, adopted })
    if (metadata.mayHaveLostChanges || !wasClean)
      await metadata.raiseLeaderEpochs(this.#directories.lastLeaderEpochs(found), nowMs)
    this.#warnOfAdopted(metadata, configs)
    return metadata
  }

  /** Warns about metadata without effect here, perhaps written by another broker. */
  #warnOfAdopted(metadata: LogBackedMetadataStore, configs: ConfigStore): void {
    this.#warnOfIgnored(configs)
    // A controller stores settings of brokers without looking at their values.
    configs.onBrokerChange(() => this.#warnOfIgnored(configs))
    const dynamic = new Map([...configs.dynamicDefault, ...configs.dynamicBroker])
    for (const warning of warningsAboutDynamic(dynamic)) this.#logger.warn({}, warning)
    warnOfUnenforced(metadata, this.#logger)
  }

  /** Names settings that are not in force, until they have gone, once. */
  #warnOfIgnored(configs: ConfigStore): void {
    const server = bootstrapServer(this.#settings.listeners)
    const lines = new Set(configs.ignored.map((each) => ignoredLine(each, configs.nodeId, server)))
    for (const line of lines) if (!this.#ignoredLines.has(line)) this.#logger.error({}, line)
    this.#ignoredLines = lines
  }

  async #openLogs(identity: Identity, configs: ConfigStore, metadata: MetadataStore): Promise<LogManager> {
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
    this.#undo.push(() => (this.#isHalted ? undefined : logs.stop()))
    this.#haltLogs = () => logs.halt()
    return logs
  }

  /** Goes on without a data directory that failed, or ends. Source: ReplicaManager.handleLogDirFailure. */
  #onDirectoryFailed(failed: FailedDirectory): void {
    const fault = lostDirectoryFault(failed, this.#settings.metadataDirectory)
    if (fault !== undefined) {
      this.#host.fatal(new StorageLostError(fault))
      return
    }
    this.#logger.error({ directory: failed.directory }, failedDirectoryLine(failed))
    this.#takeOffline(failed.partitions)
  }

  /** The disk failed under the metadata log. A broker that stops writes no more to it anyway. */
  #endWithout(directory: string, cause: Error): void {
    if (this.#isStopping) return
    const failed = { directory, error: new DirectoryFailedError(directory, cause), hasOther: true }
    this.#host.fatal(new StorageLostError(lostDirectoryFault(failed, directory)!))
  }

  #services(
    { nodeId }: Identity,
    configs: ConfigStore,
    metadata: LogBackedMetadataStore,
    logs: LogManager,
    bytesInFlight: BytesInFlight,
  ): Services {
    const host = this.#host
    const fetchPurgatory = new FetchPurgatory(host.timers)
    const settings = (topic: string) => configs.topic(topic)
    const partitions = new PartitionRegistry({
      nodeId,
      host,
      slices: this.#slices,
      logs,
      metadata,
      settings,
      watcher: fetchPurgatory,
      logger: this.#loggers.named(loggerOf.partitions),
    })
    return {
      nodeId,
      host,
      slices: this.#slices,
      largeContents: this.#largeContents,
      logger: this.#loggers.named(loggerOf.requests),
      loggers: this.#loggers,
      configs,
      logs,
      metadata,
      partitions,
      bytesInFlight,
      fetchSessions: new FetchSessions(() => configs.broker.maxIncrementalFetchSessionCacheSlots, host.random),
      fetchPurgatory,
      producerIds: new ProducerIds((count, nowMs) => metadata.allocateProducerIds(count, nowMs)),
      groups: openGroupCoordinator({
        nodeId,
        host,
        slices: this.#slices,
        logger: this.#loggers.named(loggerOf.groups),
        configs,
        metadata,
        partitions,
      }),
      clientMetrics: this.#clientMetrics(metadata, configs),
      isHost: (name) => isHost(this.#transport, name),
      controllerEndpoints: () => controllerEndpoints(this.#settings.listeners, this.#controllerAddresses),
      served: servedBy(handlers),
    }
  }

  #clientMetrics(metadata: MetadataStore, configs: ConfigStore): ClientMetrics {
    const logger = this.#loggers.named(loggerOf.clientMetrics)
    return new ClientMetrics(this.#host, logger, metadata, () => configs.broker.telemetryMaxBytes)
  }

  #connections(configs: ConfigStore, budget: BytesInFlight, closed: (connectionId: string) => void): Connections {
    const { listening, controller } = this.#settings.listeners
    const controllerListeners = new Set(controller.map(({ name }) => name))
    const dispatcherOf = ({ listener }: ConnectionInfo) =>
      controllerListeners.has(listener) ? this.#controllerDispatcher : this.#dispatcher
    const connections = new Connections({
      host: this.#host,
      logger: this.#loggers.named(loggerOf.connections),
      pool: this.#pool,
      budget,
      queued: new QueuedRequests(configs.broker.queuedMaxRequests),
      limits: () => configs.broker,
      listenerLimits: (listener) => configs.listener(listener),
      protectedListener: protectedListener(listening, configs.broker),
      controllerListeners,
      lookUp: (name) => this.#transport.lookUp(name),
      closed,
      dispatch: (exchange) => dispatcherOf(exchange.connection)?.dispatch(exchange),
    })
    configs.onBrokerChange(() => void connections.refresh())
    this.#undo.push(() => connections.closeAll())
    return connections
  }

  async #listen(connections: Connections, backlog: number): Promise<void> {
    const { listening, controller } = this.#settings.listeners
    await this.#open(controller, this.#controllerAddresses, connections, backlog)
    await this.#open(listening, this.#addresses, connections, backlog)
  }

  /** A port that is taken, perhaps by a ZooKeeper, does not stop the start. */
  async #serveZooKeeper(services: Services): Promise<void> {
    const { zooKeeper, metadataDirectory } = this.#settings
    if (zooKeeper === undefined) return
    const { host, port } = zooKeeper
    const endpoint = openZooKeeperEndpoint(zooKeeper, {
      services,
      transport: this.#transport,
      dataDirectory: metadataDirectory,
      listeners: this.#addresses,
    })
    try {
      const listening = await endpoint.listen(host, port)
      this.#zooKeeperAddress = { listener: 'ZOOKEEPER', host, port: listening, isEveryInterface: false }
      this.#undo.push(() => endpoint.stop())
    } catch (error) {
      if (!isSystemError(error)) throw error
      const reason = error.code === 'EADDRINUSE' ? 'the port is in use, perhaps by a ZooKeeper' : error.message
      this.#logger.warn({}, `ZooKeeper clients are not served at ${host}:${port} (zookeeper.connect): ${reason}`)
    }
  }

  async #open(
    listeners: readonly ListenerAddress[],
    addresses: BrokerAddress[],
    connections: Connections,
    backlog: number,
  ): Promise<void> {
    for (const each of listeners) {
      const accept = (peer: Peer) => connections.accept(each.name, peer)
      const { listening, address } = await openListener(this.#transport, each, backlog, accept)
      this.#undo.push(() => listening.close())
      addresses.push(address)
    }
  }
}

/**
 * Listener exempt from the connection limits of the whole broker, so that limits on clients do not stop administration.
 * Undefined if there is no other listener. Source: ConnectionQuotas.protectedListener.
 */
function protectedListener(
  listening: readonly ListenerAddress[],
  { interBrokerListenerName, securityInterBrokerProtocol }: ConfigStore['broker'],
): string | undefined {
  if (listening.length === 1) return undefined
  return (interBrokerListenerName ?? securityInterBrokerProtocol).toUpperCase()
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

/** Where clients reach the controller. An empty host: at the address at which they reach the broker. */
function controllerEndpoints({ advertisedControllers }: Listeners, addresses: readonly BrokerAddress[]) {
  return addresses.map(({ listener, host, port, isEveryInterface }) => {
    const advertised = advertisedControllers.get(listener)
    return { listener, host: advertised?.host ?? (isEveryInterface ? '' : host), port: advertised?.port ?? port }
  })
}

/** Connection info of an injected request. */
function injected(address: BrokerAddress | undefined): ConnectionInfo {
  return {
    id: 'in-process',
    listener: address?.listener ?? '',
    principal: 'User:ANONYMOUS',
    clientHost: 'in-process',
    clientPort: 0,
    localAddress: address?.host ?? '',
    localPort: address?.port ?? 0,
    clientSoftware: { name: '', version: '' },
  }
}
