import { apiByKey } from '../../protocol/apis/index.ts'
import { BufferPool } from '../../protocol/buffer-pool.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { contiguous } from '../../protocol/byte-writer.ts'
import { decode, encode } from '../../protocol/codegen.ts'
import type { ErrorName } from '../../protocol/error-codes.ts'
import { frameOf } from '../../protocol/frame.ts'
import { readResponseHeader, writeRequestHeader } from '../../protocol/headers.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import type { ApiSchema, Fields, RequestInputOf, ResponseOf } from '../../protocol/schema.ts'
import { placesForLargeContents } from '../../storage/concurrency-limit.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { TurnSlices } from '../../storage/host/turn-slices.ts'
import { ConfigStore } from '../config/config-store.ts'
import { readStaticConfig, type StaticConfig } from '../config/static-config.ts'
import { PartitionVerification } from '../coordinator/transaction/partition-verification.ts'
import { FetchPurgatory } from '../fetch/fetch-purgatory.ts'
import { FetchSessions } from '../fetch/fetch-sessions.ts'
import { HostedReplicas } from '../metadata/hosted-replicas.ts'
import { MemoryMetadata } from '../metadata/memory-metadata.fixture.ts'
import { BytesInFlight } from '../network/bytes-in-flight.ts'
import { Connections } from '../network/connections.ts'
import { isHost } from '../network/known-hosts.ts'
import { QueuedRequests } from '../network/queued-requests.ts'
import { SimulatedTransport } from '../network/simulated-transport.ts'
import type { Logger } from '../observe/logger.ts'
import { type Metrics, silentMetrics } from '../observe/metrics.ts'
import { NamedLoggers } from '../observe/named-loggers.ts'
import type { MemoryLog } from '../partition/memory-log.fixture.ts'
import { MemoryLogStore } from '../partition/memory-log-store.fixture.ts'
import { PartitionLogs } from '../partition/partition-logs.ts'
import { PartitionRegistry } from '../partition/partition-registry.ts'
import { ProducerIds } from '../partition/producer-ids.ts'
import { Dispatcher } from '../request/dispatcher.ts'
import { allowAll } from '../security/authorizer.ts'
import { ClientMetrics } from '../telemetry/client-metrics.ts'
import { type Handler, handler } from './handler.ts'
import type { Services } from './services.ts'

const PORT = 9092

/** The broker's data path with logs in memory and simulated connections, for tests that send real requests. */
export class DataPath {
  readonly host = new SimulatedHost(1)
  readonly metadata = new MemoryMetadata()
  readonly logs = new MemoryLogStore()
  readonly errors: string[] = []
  readonly warnings: string[] = []
  /** Answered to every request but ApiVersions. */
  refusal: ErrorName | undefined
  readonly services: Services
  readonly purgatory = new FetchPurgatory(this.host.timers)
  readonly #transport = new SimulatedTransport(this.host.timers)

  constructor(
    // biome-ignore lint/suspicious/noExplicitAny: handlers of every api
    handlers: readonly Handler<any>[],
    properties: Record<string, string> = {},
    metrics: Metrics = silentMetrics,
  ) {
    const { host, metadata, logs, purgatory } = this
    const logger: Logger = {
      error: (_, message) => this.errors.push(message),
      warn: (_, message) => this.warnings.push(message),
      info() {},
      debug() {},
    }
    const configs = new ConfigStore(readStaticConfig(new Map(Object.entries(properties))) as StaticConfig, 1)
    metadata.onChange((image, change) => configs.apply(image.configs, change.configsChanged))
    const settings = (topic: string) => configs.topic(topic)
    const slices = new TurnSlices(host)
    const partitionLogs = new PartitionLogs({
      hosted: new HostedReplicas(1, []),
      host,
      slices,
      logs,
      metadata,
      settings,
      logger,
    })
    void partitionLogs.start()
    const shared = { logs: partitionLogs, metadata, settings }
    const partitions = new PartitionRegistry({ nodeId: 1, ...shared, watcher: purgatory })
    partitions.start()
    const budget = new BytesInFlight(-1)
    this.services = {
      nodeId: 1,
      host,
      slices,
      largeContents: placesForLargeContents(),
      logger,
      loggers: new NamedLoggers(logger, 'DEBUG'),
      metrics,
      authorizer: allowAll,
      configs,
      logs,
      metadata,
      partitions,
      bytesInFlight: budget,
      fetchSessions: new FetchSessions(() => 1000, host.random),
      fetchPurgatory: purgatory,
      producerIds: new ProducerIds((count) => metadata.allocateProducerIds(count)),
      // Tests of the data path use neither groups nor transactions.
      groups: undefined as never,
      transactions: undefined as never,
      markers: undefined as never,
      partitionVerification: new PartitionVerification({
        host,
        image: () => metadata.image,
        config: () => configs.broker,
        find: () => undefined,
      }),
      clientMetrics: new ClientMetrics(host, logger, metadata, () => configs.broker.telemetryMaxBytes),
      isHost: (name) => isHost(this.#transport, name),
      controllerEndpoints: () => [],
      served: new Map(handlers.map(({ api, versions }) => [api.key, versions])),
    }
    const dispatcher = new Dispatcher(this.services, handlers, () => this.refusal)
    const connections = new Connections({
      host,
      logger,
      pool: new BufferPool(),
      budget,
      queued: new QueuedRequests(500),
      protectedListener: undefined,
      controllerListeners: new Set(),
      listenerLimits: () => ({ maxConnections: 100, maxConnectionCreationRate: 2 ** 31 - 1 }),
      lookUp: (name) => this.#transport.lookUp(name),
      limits: () => ({
        maxConnections: 100,
        maxConnectionCreationRate: 2 ** 31 - 1,
        maxConnectionsPerIp: 100,
        maxConnectionsPerIpOverrides: '',
        socketListenBacklogSize: 100,
        quotaWindowNum: 11,
        quotaWindowSizeSeconds: 1,
        connectionsMaxIdleMs: 600_000,
        socketRequestMaxBytes: 1 << 24,
      }),
      dispatch: (exchange) => dispatcher.dispatch(exchange),
    })
    void this.#transport.listen({ host: '', port: PORT, backlog: 100 }, (peer) => connections.accept('PLAINTEXT', peer))
  }

  connect(): WireClient {
    return new WireClient(this.host, this.#transport)
  }

  log(topic: string, partition = 0): MemoryLog {
    const log = this.logs.logOf(topic, partition)
    if (log === undefined) throw new Error(`no log of ${topic}-${partition}`)
    return log
  }
}

/** A client connection for typed calls and for raw bytes. */
export class WireClient {
  readonly #host: SimulatedHost
  readonly #connection
  #received = Buffer.alloc(0)
  #wake: (() => void) | undefined
  #correlationId = 0
  isClosed = false

  constructor(host: SimulatedHost, transport: SimulatedTransport, port = PORT) {
    this.#host = host
    this.#connection = transport.connect(port, {
      onBytes: (chunk) => {
        this.#received = Buffer.concat([this.#received, chunk])
        this.#wake?.()
      },
      onClose: () => {
        this.isClosed = true
        this.#wake?.()
      },
    })
  }

  /** Sends a request without waiting for the response. Returns its correlation id. */
  send<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    apiVersion: number,
    request: RequestInputOf<ApiSchema<Q, S>>,
  ): number {
    const correlationId = this.#correlationId++
    const frame = frameOf((writer) => {
      writeRequestHeader(writer, api, { apiVersion, correlationId, clientId: 'test' })
      encode(api.request, apiVersion, request as never, writer)
    })
    this.#connection.send(contiguous(frame))
    return correlationId
  }

  sendBytes(bytes: Buffer): void {
    this.#connection.send(bytes)
  }

  set stalled(stalled: boolean) {
    this.#connection.stalled = stalled
  }

  close(): void {
    this.#connection.close()
  }

  /** The next response; undefined if the connection is closed instead. */
  async receive<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    apiVersion: number,
  ): Promise<ResponseOf<ApiSchema<Q, S>> | undefined> {
    const frame = await this.#host.settle(this.#nextFrame())
    if (frame === undefined) return undefined
    const reader = new ByteReader(frame)
    readResponseHeader(reader, api, apiVersion)
    const response = decode(api.response, apiVersion, reader)
    if (reader.remaining !== 0) throw new Error(`${reader.remaining} bytes follow the ${api.name} response`)
    return response as ResponseOf<ApiSchema<Q, S>>
  }

  async #nextFrame(): Promise<Buffer | undefined> {
    for (;;) {
      const bytes = this.#received
      if (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE()) {
        const end = 4 + bytes.readInt32BE()
        this.#received = bytes.subarray(end)
        return bytes.subarray(4, end)
      }
      if (this.isClosed) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Whether the next response has begun to arrive. */
  get hasResponse(): boolean {
    return this.#received.length >= 4
  }

  /** Sends a request and waits for the response. Fails if there is none. */
  async call<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    apiVersion: number,
    request: RequestInputOf<ApiSchema<Q, S>>,
  ): Promise<ResponseOf<ApiSchema<Q, S>>> {
    this.send(api, apiVersion, request)
    const response = await this.receive(api, apiVersion)
    if (response === undefined) throw new Error(`no answer to ${api.name} v${apiVersion}: the connection was closed`)
    return response
  }
}

/** A batch with one record for each value. The first record has the given timestamp. */
export function batchOf(values: readonly string[], timestampMs = 1000): Buffer {
  return buildBatch(
    values.map((value, index) => ({ key: null, value: Buffer.from(value), timestamp: timestampMs + index })),
    {},
  )
}

/** An API handler with a test's own behaviour. */
export function handlerOf(key: number, handle: Handler['handle']): Handler {
  return handler(apiByKey.get(key) as ApiSchema, handle as never)
}
