import type { Host } from '../../storage/host/host.ts'
import type { TurnSlices } from '../../storage/host/turn-slices.ts'
import type { LogStore } from '../../storage/log-store.ts'
import type { ConfigStore } from '../config/config-store.ts'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { ResponseBudget } from '../fetch/fetch-attempt.ts'
import type { FetchPurgatory } from '../fetch/fetch-purgatory.ts'
import type { FetchSessions } from '../fetch/fetch-sessions.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import type { Logger } from '../observe/logger.ts'
import type { PartitionRegistry } from '../partition/partition-registry.ts'
import type { ProducerIds } from '../partition/producer-ids.ts'

/** The parts of one broker, as its handlers see them. broker.ts makes them, in this order. */
export interface Services {
  readonly nodeId: number
  readonly host: Host
  /** Shares turns of the event loop among all long work of this broker. */
  readonly slices: TurnSlices
  readonly logger: Logger
  /** Settings of brokers, topics and groups, with their sources (server.properties, dynamic, default). */
  readonly configs: ConfigStore
  readonly logs: LogStore
  /** The cluster's metadata: an immutable image, and the only way to change it. */
  readonly metadata: MetadataStore
  /** Partitions that this broker leads or follows, by name and by topic id. */
  readonly partitions: PartitionRegistry
  /** The memory that connections tie up: what a fetch may still take of it. */
  readonly bytesInFlight: ResponseBudget
  readonly fetchSessions: FetchSessions
  readonly fetchPurgatory: FetchPurgatory
  readonly producerIds: ProducerIds
  readonly groups: GroupCoordinator
  /** Range of API versions that is served, by API key: what ApiVersions answers. */
  readonly served: ReadonlyMap<number, { readonly oldest: number; readonly newest: number }>
}
