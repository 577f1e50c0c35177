/**
 * The cluster at one offset of the metadata log: an immutable view that readers may keep. A change makes a new image,
 * which shares unchanged parts.
 */
export interface MetadataImage {
  readonly clusterId: string
  /** Offset after the last record in this image. */
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
  /** First producer id not allocated yet. */
  readonly nextProducerId: number
  /** SCRAM credentials by user, then by mechanism (1 SCRAM-SHA-256, 2 SCRAM-SHA-512). */
  readonly scramCredentials: ReadonlyMap<string, ReadonlyMap<number, ScramCredential>>
  /** By `quotaEntityKey`. */
  readonly clientQuotas: ReadonlyMap<string, ClientQuotas>
}

/** Data that verifies a client's password without storing it (RFC 5802). */
export interface ScramCredential {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Entity of a quota: a user, a client id, both, or an IP address. A null name is the default of its type. */
export type QuotaEntity = readonly { readonly entityType: string; readonly entityName: string | null }[]

export interface ClientQuotas {
  readonly entity: QuotaEntity
  /** Limits by quota key (producer_byte_rate, ...). */
  readonly values: ReadonlyMap<string, number>
}

/** Key of a quota entity, independent of the order of its parts. */
export function quotaEntityKey(entity: QuotaEntity): string {
  return JSON.stringify(entity.map(({ entityType, entityName }) => [entityType, entityName]).sort())
}

export interface BrokerImage {
  readonly nodeId: number
  readonly epoch: number
  readonly rack: string | null
  readonly fenced: boolean
  /** Uuids of its data directories. */
  readonly directories: readonly string[]
  /** Endpoints by listener name. An empty host: clients get the address that they connected to. */
  readonly endpoints: ReadonlyMap<string, { readonly host: string; readonly port: number }>
}

/**
 * Id of the broker that clients send controller requests to. Every broker passes them on (KIP-590), so Kafka answers any
 * that is alive. Here it is the controller's own, unless that broker is down; -1 if none is alive. Source:
 * KRaftMetadataCache.getControllerId.
 */
export function controllerIdOf({ brokers, controllerId }: MetadataImage): number {
  if (brokers.get(controllerId)?.fenced === false) return controllerId
  const alive = [...brokers.values()].filter(({ fenced }) => !fenced).map(({ nodeId }) => nodeId)
  return alive.length === 0 ? -1 : Math.min(...alive)
}

export interface TopicImage {
  readonly name: string
  readonly id: string
  /** See `isInternalTopic`. */
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
  /** True after an unclean election, until the leader next changes its in-sync replicas (LeaderRecoveryState). */
  readonly isRecovering: boolean
  /** Uuid of the log directory of each replica, in the order of replicas. */
  readonly directories: readonly string[]
}

/** Kafka's ConfigResource.Type ids. */
export const configResourceType = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

/** Key of a resource in MetadataImage.configs. The name of the cluster-wide broker default is ''. */
export function configResourceKey(type: number, name: string): string {
  return `${type}:${name}`
}
