import type { ConcurrencyLimit } from '../../storage/concurrency-limit.ts'
import type { Host } from '../../storage/host/host.ts'
import type { TurnSlices } from '../../storage/host/turn-slices.ts'
import type { LogStore } from '../../storage/log-store.ts'
import type { ConfigStore } from '../config/config-store.ts'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { PartitionVerification } from '../coordinator/transaction/partition-verification.ts'
import type { TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.ts'
import type { MarkerWriter } from '../coordinator/transaction/write-markers.ts'
import type { ResponseBudget } from '../fetch/fetch-attempt.ts'
import type { FetchPurgatory } from '../fetch/fetch-purgatory.ts'
import type { FetchSessions } from '../fetch/fetch-sessions.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { NamedLoggers } from '../observe/named-loggers.ts'
import type { PartitionRegistry } from '../partition/partition-registry.ts'
import type { ProducerIds } from '../partition/producer-ids.ts'
import type { Authorizer } from '../security/authorizer.ts'
import type { ClientMetrics } from '../telemetry/client-metrics.ts'

/** Parts of the broker that handlers use. broker.ts creates them in this order. */
export interface Services {
  readonly nodeId: number
  readonly host: Host
  /** Divides turns of the event loop among all long-running work. */
  readonly slices: TurnSlices
  /** Places for records that are decompressed as a whole. */
  readonly largeContents: ConcurrencyLimit
  readonly logger: Logger
  /** All loggers, whose levels clients can change. */
  readonly loggers: NamedLoggers
  /** The broker's own metrics, for monitoring. */
  readonly metrics: Metrics
  /** Decides what a client may do. */
  readonly authorizer: Authorizer
  /** Settings of brokers, topics and groups, with their sources (server.properties, dynamic, default). */
  readonly configs: ConfigStore
  readonly logs: LogStore
  /** Cluster metadata: an immutable image and the changes to it. */
  readonly metadata: MetadataStore
  /** Partitions that this broker leads or follows, by topic name and id. */
  readonly partitions: PartitionRegistry
  /** Memory budget of connections. A fetch may use what is left. */
  readonly bytesInFlight: ResponseBudget
  readonly fetchSessions: FetchSessions
  readonly fetchPurgatory: FetchPurgatory
  readonly producerIds: ProducerIds
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  /** Writes the ends of transactions into partitions that this broker leads. */
  readonly markers: MarkerWriter
  /** Asks transaction coordinators before appends of transactions. */
  readonly partitionVerification: PartitionVerification
  /** Metrics that clients push (KIP-714). */
  readonly clientMetrics: ClientMetrics
  /** True for an address, or a name that resolves to one. */
  isHost(name: string): Promise<boolean>
  /** Where clients reach the controller. An empty host: at the address at which they reach the broker. */
  controllerEndpoints(): readonly ControllerEndpoint[]
  /** Supported API versions by API key, as ApiVersions answers them. */
  readonly served: ReadonlyMap<number, { readonly oldest: number; readonly newest: number }>
}

/** A listener of the controller. */
export interface ControllerEndpoint {
  readonly listener: string
  readonly host: string
  readonly port: number
}
