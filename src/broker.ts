import { BufferPool } from '../protocol/buffer-pool.ts'
import type { Host } from '../storage/host/host.ts'
import { TurnSlices } from '../storage/host/turn-slices.ts'
import { LogManager } from '../storage/log-manager.ts'
import { handlers } from './apis/index.ts'
import type { Services } from './apis/services.ts'
import { BrokerDirectories } from './broker-directories.ts'
import type { BrokerStartSettings } from './config/broker-start.ts'
import { ConfigStore } from './config/config-store.ts'
import { StartError } from './config/start-error.ts'
import { warningsAboutDynamic } from './config/start-notes.ts'
import { openGroupCoordinator } from './coordinator/group/open-group-coordinator.ts'
import { FetchPurgatory } from './fetch/fetch-purgatory.ts'
import { FetchSessions } from './fetch/fetch-sessions.ts'
import { LogBackedMetadataStore } from './metadata/log-backed-metadata-store.ts'
import type { Identity } from './metadata/meta-properties.ts'
import { configResourceKey, configResourceType } from './metadata/metadata-image.ts'
import type { MetadataStore } from './metadata/metadata-store.ts'
import { topicRules } from './metadata/topic-rules.ts'
import { BytesInFlight } from './network/bytes-in-flight.ts'
import { Connections } from './network/connections.ts'
import { QueuedRequests } from './network/queued-requests.ts'
import type { Endpoint, Listening, Transport } from './network/transport.ts'
import type { Logger } from './observe/logger.ts'
import { PartitionRegistry } from './partition/partition-registry.ts'
import { ProducerIds } from './partition/producer-ids.ts'
import { Dispatcher } from './request/dispatcher.ts'
import type { ConnectionInfo } from './request/exchange.ts'
import { InjectedExchange } from './request/injected-exchange.ts'

/** Where a broker listens; the port is the one that the system chose where 0 was asked for. */
export interface BrokerAddress {
  readonly listener: string
  /** A name or address to connect to: localhost where all interfaces are listened on. */
  readonly host: string
  readonly port: number
  readonly isEveryInterface: boolean
}

/** PLAINTEXT among Kafka's SecurityProtocol ids: the only one that is spoken yet. */
const PLAINTEXT = 0

/** Undoes one step of a start. */
type Undo = () => void | Promise<void>

/** One broker: brings its parts up in order, and takes them down in the opposite one. */
export class Broker {
  readonly #settings: BrokerStartSettings
  readonly #host: Host
  readonly #transport: Transport
  readonly #logger: Logger
  readonly #pool = new BufferPool()
  readonly #slices: TurnSlices
  readonly #directories: BrokerDirectories
  /** How to take down what is up, in the order in which it came up. */
  readonly #undo: Undo[] = []
  #isHalted = false
  #haltLogs: () => void = () => {}
  readonly #addresses: BrokerAddress[] = []
  /** Injected requests that are not answered yet. */
  readonly #injected = new Set<InjectedExchange>()
  #dispatcher: Dispatcher | undefined

  constructor(settings: BrokerStartSettings, host: Host, transport: Transport, logger: Logger) {
    this.#settings = settings
    this.#host = host
    this.#slices = new TurnSlices(host)
    this.#transport = transport
    this.#logger = logger
    this.#directories = new BrokerDirectories(settings, host, logger)
  }

  /** Empty before the start. */
  get addresses(): readonly BrokerAddress[] {
    return this.#addresses
  }

  /**
   * Resolves when clients are served; coordinators are loaded by then. Rejects with StartError where the user can mend
   * it: a directory or port in use, data of another cluster. Whatever was up by then is taken down again.
   */
  async start(): Promise<void> {
    const startedMs = this.#host.clock.monotonicMs()
    try {
      await this.#start()
      const tookMs = Math.round(this.#host.clock.monotonicMs() - startedMs)
      this.#logger.info({ addresses: this.#addresses, tookMs }, 'serving clients')
    } catch (error) {
      await this.stop().catch((failure) => this.#logger.error({ err: failure }, 'a failed start was not taken down'))
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
    this.#undo.push(() => services.partitions.stop())
    await services.partitions.start()
    await services.groups.start()
    this.#undo.push(() => services.groups.stop())
    this.#dispatcher = new Dispatcher(services, handlers)
    const connections = this.#connections(configs, budget)
    await connections.refresh()
    await this.#listen(connections, configs.broker.socketListenBacklogSize)
  }

  /**
   * Ends at once, after something broke that the whole process relies on: clients are left, the directories are given back,
   * and nothing in memory is written any more. The next start recovers from the files.
   */
  halt(): Promise<void> {
    this.#isHalted = true
    this.#haltLogs()
    return this.stop()
  }

  /**
   * Takes everything down; what clients still wait for is not answered. Safe to call at any time, also twice. A step that
   * fails keeps none after it from being done, the release of the lock among them; the first failure is thrown at the end.
   */
  async stop(): Promise<void> {
    if (this.#addresses.length > 0) this.#logger.info({}, 'stopping')
    this.#dispatcher = undefined
    this.#addresses.length = 0
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
   * Answers a request that never was on a wire: the message behind its size, in and out. Undefined where Kafka answers
   * nothing; rejects where it would close the connection, and when the broker stops before the answer.
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
      logger: this.#logger,
      directory: metadataDirectory,
      clusterId: identity.clusterId,
      nodeId,
      rack: configs.broker.brokerRack,
      directoryIds: this.#directories.usableIds(identity),
      advertised: [...listeners.advertised.values()].map((each) => ({ ...each, securityProtocol: PLAINTEXT })),
      snapshotBytes: () => configs.broker.metadataLogMaxRecordBytesBetweenSnapshots,
    })
    this.#undo.push(() => (this.#isHalted ? undefined : metadata.stop()))
    // First of all listeners: whoever hears of a change later finds its settings in force.
    metadata.onChange((image, change) => configs.apply(image.configs, change.configsChanged))
    configs.apply(metadata.image.configs, [configResourceKey(configResourceType.broker, '')])
    const found = this.#directories.findPartitions(identity, metadata.image, configs)
    this.#directories.write(identity)
    metadata.expectEnd(wasClean)
    const nowMs = this.#host.clock.nowMs()
    const adopted = metadata.image.endOffset === 0 ? this.#directories.adopt(found, identity, configs) : []
    await metadata.start(topicRules(this.#host, configs, { nodeId, directoryIds }), { nowMs, adopted })
    if (metadata.mayHaveLostChanges)
      await metadata.overtakeLeaderEpochs(this.#directories.lastLeaderEpochs(found), nowMs)
    this.#warnOfAdopted(metadata, configs)
    return metadata
  }

  /** What the metadata holds, perhaps from another broker, and nobody here goes by. */
  #warnOfAdopted({ image }: LogBackedMetadataStore, configs: ConfigStore): void {
    const dynamic = new Map([...configs.dynamicDefault, ...configs.dynamicBroker])
    for (const warning of warningsAboutDynamic(dynamic)) this.#logger.warn({}, warning)
    const quotas = image.clientQuotas.size
    if (quotas === 0) return
    const these = quotas === 1 ? '1 client quota is' : `${quotas} client quotas are`
    this.#logger.warn({ quotas }, `${these} set and not in force: Ottla has no client quotas yet`)
  }

  async #openLogs(identity: Identity, configs: ConfigStore, metadata: MetadataStore): Promise<LogManager> {
    const logs = new LogManager({
      host: this.#host,
      directories: this.#directories.identified(identity),
      settings: configs.live,
      isCordoned: (directory) => configs.isCordoned(this.#settings.logDirectories.indexOf(directory)),
      logger: this.#logger,
      pool: this.#pool,
      onUnusable: this.#directories.fail,
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

  #services(
    { nodeId }: Identity,
    configs: ConfigStore,
    metadata: LogBackedMetadataStore,
    logs: LogManager,
    bytesInFlight: BytesInFlight,
  ): Services {
    const host = this.#host
    const logger = this.#logger
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
      logger,
    })
    return {
      nodeId,
      host,
      slices: this.#slices,
      logger,
      configs,
      logs,
      metadata,
      partitions,
      bytesInFlight,
      fetchSessions: new FetchSessions(() => configs.broker.maxIncrementalFetchSessionCacheSlots, host.random),
      fetchPurgatory,
      producerIds: new ProducerIds((count, nowMs) => metadata.allocateProducerIds(count, nowMs)),
      groups: openGroupCoordinator({ nodeId, host, slices: this.#slices, logger, configs, metadata, partitions }),
      served: new Map(handlers.map(({ api, versions }) => [api.key, versions])),
    }
  }

  #connections(configs: ConfigStore, budget: BytesInFlight): Connections {
    const connections = new Connections({
      host: this.#host,
      logger: this.#logger,
      pool: this.#pool,
      budget,
      queued: new QueuedRequests(configs.broker.queuedMaxRequests),
      limits: () => configs.broker,
      listenerLimits: (listener) => configs.listener(listener),
      lookUp: (name) => this.#transport.lookUp(name),
      dispatch: (exchange) => this.#dispatcher?.dispatch(exchange),
    })
    configs.onBrokerChange(() => void connections.refresh())
    this.#undo.push(() => connections.closeAll())
    return connections
  }

  async #listen(connections: Connections, backlog: number): Promise<void> {
    for (const { name, host, port } of this.#settings.listeners.listening) {
      const listening = await this.#openPort(name, { host, port, backlog }, connections)
      this.#undo.push(() => listening.close())
      const isEveryInterface = ['', '0.0.0.0', '::'].includes(host)
      const reachableAt = isEveryInterface ? 'localhost' : host
      this.#addresses.push({ listener: name, host: reachableAt, port: listening.port, isEveryInterface })
    }
  }

  async #openPort(name: string, endpoint: Endpoint, connections: Connections): Promise<Listening> {
    const { host, port } = endpoint
    try {
      return await this.#transport.listen(endpoint, (peer) => connections.accept(name, peer))
    } catch (error) {
      const { code, message, address } = error as { code?: string; message: string; address?: string }
      if (code === undefined) throw error
      const where = address === undefined || address === host ? '' : ` on ${address}`
      const reason = code === 'EADDRINUSE' ? `the port is in use${where}` : message
      throw new StartError(`cannot listen on ${name}://${host}:${port}: ${reason}; set listeners to another address`)
    }
  }
}

/** The connection that an injected request did not come over. */
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
