/**
 * The cluster at one offset of the metadata log: an immutable view that readers may keep as long as they like.
 * A change makes a new image that shares what did not change.
 */
export interface MetadataImage {
  readonly clusterId: string
  /** Offset after the last record that is in this image. */
  readonly endOffset: number
  readonly controllerId: number
  readonly controllerEpoch: number
  readonly brokers: ReadonlyMap<number, BrokerImage>
  readonly topicsByName: ReadonlyMap<string, TopicImage>
  readonly topicsById: ReadonlyMap<string, TopicImage>
  /** Dynamic settings, by `configResourceKey(type, name)`, then by setting. */
  readonly configs: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** Finalized feature levels by name, metadata.version among them. */
  readonly features: ReadonlyMap<string, number>
  /** First producer id that no broker has been given yet. */
  readonly nextProducerId: number
  /** SCRAM credentials by user, then by mechanism (1 SCRAM-SHA-256, 2 SCRAM-SHA-512). */
  readonly scramCredentials: ReadonlyMap<string, ReadonlyMap<number, ScramCredential>>
  /** By `quotaEntityKey`. */
  readonly clientQuotas: ReadonlyMap<string, ClientQuotas>
}

/** What a broker must know of a password to check that a client knows it (RFC 5802). */
export interface ScramCredential {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Whom quotas are for: a user, a client id, both, or an address. A null name is the default of its type. */
export type QuotaEntity = readonly { readonly entityType: string; readonly entityName: string | null }[]

export interface ClientQuotas {
  readonly entity: QuotaEntity
  /** Limits by quota key (producer_byte_rate, ...). */
  readonly values: ReadonlyMap<string, number>
}

/** The same for the same entity, in whatever order its parts are named. */
export function quotaEntityKey(entity: QuotaEntity): string {
  return JSON.stringify(entity.map(({ entityType, entityName }) => [entityType, entityName]).sort())
}

export interface BrokerImage {
  readonly nodeId: number
  readonly epoch: number
  readonly rack: string | null
  readonly fenced: boolean
  /** Advertised endpoints by listener name; empty where clients are told the address that they connected to. */
  readonly endpoints: ReadonlyMap<string, { readonly host: string; readonly port: number }>
}

export interface TopicImage {
  readonly name: string
  readonly id: string
  /** Internal topics are __consumer_offsets, __transaction_state, __share_group_state. */
  readonly internal: boolean
  /** Indexed by partition number. */
  readonly partitions: readonly PartitionImage[]
}

export interface PartitionImage {
  /** -1: no leader. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly eligibleLeaderReplicas: readonly number[]
  readonly lastKnownEligibleLeaderReplicas: readonly number[]
  /** Uuid of the log directory of each replica, in the order of replicas. */
  readonly directories: readonly string[]
}

/** Kafka's ConfigResource.Type ids. */
export const configResourceType = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

/** Key of a resource in MetadataImage.configs. The name of the cluster-wide broker default is ''. */
export function configResourceKey(type: number, name: string): string {
  return `${type}:${name}`
}
