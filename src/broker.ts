import type { BufferPool } from '../protocol/buffer-pool.ts'
import type { ConcurrencyLimit } from '../storage/concurrency-limit.ts'
import type { Host } from '../storage/host/host.ts'
import type { TurnSlices } from '../storage/host/turn-slices.ts'
import type { FailedDirectory, LogStore } from '../storage/log-store.ts'
import { controllerHandlers } from './apis/controller-apis.ts'
import { handlersWith, servedBy } from './apis/index.ts'
import type { ControllerEndpoint, Services } from './apis/services.ts'
import { StartSteps } from './broker-start-steps.ts'
import { ConfigStore } from './config/config-store.ts'
import { ignoredLine } from './config/ignored-settings.ts'
import { bootstrapServer, type ListenerAddress, type Listeners } from './config/listeners.ts'
import type { BrokerStartSettings } from './config/start-settings.ts'
import { withNodeId } from './config/static-config.ts'
import { openGroupCoordinator } from './coordinator/group/open-group-coordinator.ts'
import { openTransactionCoordinator } from './coordinator/transaction/open-transaction-coordinator.ts'
import { PartitionVerification } from './coordinator/transaction/partition-verification.ts'
import type { FindTransactionBroker, TransactionBroker } from './coordinator/transaction/transaction-brokers.ts'
import { MarkerWriter } from './coordinator/transaction/write-markers.ts'
import { FetchPurgatory } from './fetch/fetch-purgatory.ts'
import { FetchSessions } from './fetch/fetch-sessions.ts'
import { type Listener, PLAINTEXT } from './metadata/cluster-image.ts'
import { configResourceKey, configResourceType } from './metadata/metadata-image.ts'
import type { MetadataStore } from './metadata/metadata-store.ts'
import type { BytesInFlight } from './network/bytes-in-flight.ts'
import { Connections } from './network/connections.ts'
import { isHost } from './network/known-hosts.ts'
import { type BrokerAddress, openListener } from './network/open-listener.ts'
import { QueuedRequests } from './network/queued-requests.ts'
import type { Peer, Transport } from './network/transport.ts'
import type { Logger } from './observe/logger.ts'
import { silentMetrics } from './observe/metrics.ts'
import { loggerOf, type NamedLoggers, ROOT_LOGGER } from './observe/named-loggers.ts'
import type { PartitionLogs } from './partition/partition-logs.ts'
import { PartitionRegistry } from './partition/partition-registry.ts'
import { ProducerIds } from './partition/producer-ids.ts'
import { Dispatcher } from './request/dispatcher.ts'
import type { ConnectionInfo, Exchange } from './request/exchange.ts'
import { InjectedExchange } from './request/injected-exchange.ts'
import { allowAll } from './security/authorizer.ts'
import { ClientMetrics } from './telemetry/client-metrics.ts'

/** What all brokers of a process share. */
export interface ClusterParts {
  readonly host: Host
  readonly transport: Transport
  readonly loggers: NamedLoggers
  readonly pool: BufferPool
  readonly slices: TurnSlices
  /** Shared by appends, cleaning, look-ups and fetches of old clients: it bounds the memory of the process. */
  readonly largeContents: ConcurrencyLimit
  /** Memory of the requests and responses of all connections. */
  readonly bytesInFlight: BytesInFlight
  /** Where clients reach the controller, at whichever broker it listens. */
  readonly controllerEndpoints: () => readonly ControllerEndpoint[]
  /** The running brokers, for each other's transactions. */
  readonly transactionBroker: FindTransactionBroker
  /** Connections of all brokers. */
  readonly connections: Set<Connections>
  readonly metadata: MetadataStore
  readonly logs: LogStore
  readonly partitionLogs: PartitionLogs
}

/**
 * One broker of the cluster: its listeners and connections, the partitions that it leads, the coordinators that it owns.
 * A stopped broker does not start again: the cluster makes a new one with the same node id.
 */
export class Broker {
  readonly nodeId: number
  readonly #settings: BrokerStartSettings
  readonly #shared: ClusterParts
  readonly #logger: Logger
  readonly #configs: ConfigStore
  readonly #services: Services
  readonly #connections: Connections
  /** Listeners and connections. They go first: no client may see the parts stop one by one. */
  readonly #network: StartSteps
  readonly #steps: StartSteps
  /** Requests that came before the broker serves. */
  readonly #early: Exchange[] = []
  #isStopped = false
  #dispatcher: Dispatcher | undefined
  /** Serves connections of controller listeners. */
  #controllerDispatcher: Dispatcher | undefined
  /** Injected requests without a response yet. */
  readonly #injected = new Set<InjectedExchange>()
  readonly #addresses: BrokerAddress[] = []
  readonly #controllerAddresses: BrokerAddress[] = []
  /** Lines about settings not in force that were logged. */
  #ignoredLines: ReadonlySet<string> = new Set()

  constructor(nodeId: number, settings: BrokerStartSettings, shared: ClusterParts) {
    this.nodeId = nodeId
    this.#settings = settings
    this.#shared = shared
    this.#logger = this.#named(ROOT_LOGGER)
    this.#network = new StartSteps(this.#logger)
    this.#steps = new StartSteps(this.#logger)
    this.#configs = new ConfigStore(withNodeId(settings.static, nodeId), nodeId)
    this.#followSettings()
    this.#services = this.#makeServices()
    this.#connections = this.#makeConnections()
  }

  /** Empty before `bind` and after `stop`. */
  get addresses(): readonly BrokerAddress[] {
    return this.#addresses
  }

  /** Addresses of the controller. Empty before `bind`, after `stop`, and without controller listeners. */
  get controllerAddresses(): readonly BrokerAddress[] {
    return this.#controllerAddresses
  }

  /**
   * Where clients reach this broker, after `bind`: the advertised address of each listener, else the bound one. An empty
   * host: all interfaces, so clients use the address that they connected to.
   */
  get endpoints(): readonly Listener[] {
    const { advertised } = this.#settings.listeners
    return this.#addresses.map(({ listener: name, host, port, isEveryInterface }) => ({
      name,
      host: advertised.get(name)?.host ?? (isEveryInterface ? '' : host),
      port: advertised.get(name)?.port ?? port,
      securityProtocol: PLAINTEXT,
    }))
  }

  /** Where clients reach the controller, if it listens here. */
  get controllerEndpoints(): readonly ControllerEndpoint[] {
    return controllerEndpoints(this.#settings.listeners, this.#controllerAddresses)
  }

  get rack(): string | null {
    return this.#configs.broker.brokerRack
  }

  get partitions(): PartitionRegistry {
    return this.#services.partitions
  }

  /** What other brokers need of this one for their transactions. */
  get transactionBroker(): TransactionBroker {
    return this.#services
  }

  /** Settings of this broker: the cluster's, with what belongs to it alone. */
  get configs(): ConfigStore {
    return this.#configs
  }

  /** Starts to accept connections. Their requests wait until `serve`. Throws StartError if an address is in use. */
  async bind(): Promise<void> {
    await this.#connections.refresh()
    this.#network.push(() => this.#connections.closeAll())
    const { listening, controller } = this.#settings.listeners
    await this.#open(controller, this.#controllerAddresses)
    await this.#open(listening, this.#addresses)
  }

  /** Answers requests. Resolves once the coordinators of this broker are loaded. */
  async serve(): Promise<void> {
    const services = this.#services
    this.#steps.push(() => services.partitions.stop())
    services.partitions.start()
    this.#steps.push(() => services.groups.stop())
    await services.groups.start()
    this.#steps.push(() => services.transactions.stop())
    await services.transactions.start()
    this.#steps.push(() => services.clientMetrics.stop())
    this.#dispatcher = new Dispatcher(services, this.#handlers)
    this.#controllerDispatcher = new Dispatcher(
      { ...services, served: servedBy(controllerHandlers) },
      controllerHandlers,
      () => (services.metadata.image.controllerId === this.nodeId ? undefined : 'NOT_CONTROLLER'),
    )
    for (const exchange of this.#early.splice(0)) this.#dispatch(exchange)
  }

  /** Stops all parts; pending requests get no response. Safe to call at any time, also twice. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#dispatcher = undefined
    this.#controllerDispatcher = undefined
    this.#addresses.length = 0
    this.#controllerAddresses.length = 0
    for (const exchange of [...this.#injected]) exchange.abandon()
    await this.#network.undo()
    for (const exchange of this.#early.splice(0)) exchange.reply(undefined)
    await this.#steps.undo()
  }

  /** Stops serving these partitions: their data directory failed. */
  takeOffline(partitions: FailedDirectory['partitions']): void {
    this.#services.partitions.takeOffline(partitions)
    this.#services.groups.takeOffline(partitions)
    this.#services.transactions.takeOffline(partitions)
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

  /** Several brokers have one log: each line has the id of the broker that it is about. */
  #named(name: string): Logger {
    return this.#shared.loggers.named(name, { nodeId: this.nodeId })
  }

  // The listener must be this broker's first, so that later ones see the new settings.
  #followSettings(): void {
    const { metadata } = this.#shared
    const forget = metadata.onChange((image, change) => this.#configs.apply(image.configs, change.configsChanged))
    this.#steps.push(forget)
    this.#configs.apply(metadata.image.configs, [configResourceKey(configResourceType.broker, '')])
    this.#warnOfIgnored()
    // A controller stores settings of brokers without looking at their values.
    this.#configs.onBrokerChange(() => this.#warnOfIgnored())
  }

  /** Names settings that are not in force, until they have gone, once. */
  #warnOfIgnored(): void {
    const server = bootstrapServer(this.#settings.listeners)
    const lines = new Set(this.#configs.ignored.map((each) => ignoredLine(each, this.nodeId, server)))
    for (const line of lines) if (!this.#ignoredLines.has(line)) this.#logger.error({}, line)
    this.#ignoredLines = lines
  }

  get #handlers() {
    return handlersWith(this.#configs.broker.unstableApiVersionsEnable)
  }

  #makeServices(): Services {
    const { nodeId } = this
    const { host, transport, slices, largeContents, loggers, logs, metadata, bytesInFlight } = this.#shared
    const { transactionBroker } = this.#shared
    const configs = this.#configs
    const fetchPurgatory = new FetchPurgatory(host.timers)
    const partitions = new PartitionRegistry({
      nodeId,
      logs: this.#shared.partitionLogs,
      metadata,
      settings: (topic) => configs.topic(topic),
      watcher: fetchPurgatory,
    })
    const producerIds = new ProducerIds((count, nowMs) => metadata.allocateProducerIds(count, nowMs, nodeId))
    const coordinated = { nodeId, host, slices, configs, metadata, partitions }
    const groups = openGroupCoordinator({ ...coordinated, logger: this.#named(loggerOf.groups) })
    return {
      nodeId,
      host,
      slices,
      largeContents,
      logger: this.#named(loggerOf.requests),
      loggers,
      metrics: silentMetrics,
      authorizer: allowAll,
      configs,
      logs,
      metadata,
      partitions,
      bytesInFlight,
      fetchSessions: new FetchSessions(() => configs.broker.maxIncrementalFetchSessionCacheSlots, host.random),
      fetchPurgatory,
      producerIds,
      groups,
      transactions: openTransactionCoordinator({
        ...coordinated,
        logger: this.#named(loggerOf.transactions),
        producerIds,
        writeMarker: (leader, topic, partition, end) =>
          transactionBroker(leader)?.markers.write(topic, partition, end, host.clock.nowMs()),
      }),
      markers: new MarkerWriter({ host, logger: this.#named(loggerOf.requests), partitions, groups }),
      partitionVerification: new PartitionVerification({
        host,
        image: () => metadata.image,
        config: () => configs.broker,
        find: transactionBroker,
      }),
      clientMetrics: new ClientMetrics(
        host,
        this.#named(loggerOf.clientMetrics),
        metadata,
        () => configs.broker.telemetryMaxBytes,
      ),
      isHost: (name) => isHost(transport, name),
      controllerEndpoints: this.#shared.controllerEndpoints,
      served: servedBy(this.#handlers),
    }
  }

  #makeConnections(): Connections {
    const { host, transport, pool, bytesInFlight } = this.#shared
    const { clientMetrics } = this.#services
    const configs = this.#configs
    const { listening, controller } = this.#settings.listeners
    const connections = new Connections({
      host,
      logger: this.#named(loggerOf.connections),
      pool,
      budget: bytesInFlight,
      queued: new QueuedRequests(configs.broker.queuedMaxRequests),
      limits: () => configs.broker,
      listenerLimits: (listener) => configs.listener(listener),
      protectedListener: protectedListener(listening, configs.broker),
      controllerListeners: new Set(controller.map(({ name }) => name)),
      lookUp: (name) => transport.lookUp(name),
      closed: (connectionId) => clientMetrics.connectionClosed(connectionId),
      all: this.#shared.connections,
      dispatch: (exchange) => this.#dispatch(exchange),
    })
    configs.onBrokerChange(() => void connections.refresh())
    return connections
  }

  #dispatch(exchange: Exchange): void {
    const isForController = this.#controllerAddresses.some(({ listener }) => listener === exchange.connection.listener)
    const dispatcher = isForController ? this.#controllerDispatcher : this.#dispatcher
    if (dispatcher !== undefined) dispatcher.dispatch(exchange)
    else if (this.#isStopped) exchange.reply(undefined)
    else this.#early.push(exchange)
  }

  async #open(listeners: readonly ListenerAddress[], addresses: BrokerAddress[]): Promise<void> {
    const { transport } = this.#shared
    const backlog = this.#configs.broker.socketListenBacklogSize
    const owner = this.#settings.isFurther ? `broker ${this.nodeId}` : undefined
    for (const each of listeners) {
      const accept = (peer: Peer) => this.#connections.accept(each.name, peer)
      const { listening, address } = await openListener(transport, each, backlog, accept, owner)
      this.#network.push(() => listening.close())
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
