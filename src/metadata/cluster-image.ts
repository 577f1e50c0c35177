import type { BrokerImage, MetadataImage, TopicImage } from './metadata-image.ts'
import { ShardedMap } from './sharded-map.ts'

/** The image with what only the metadata store needs: indexes, and records that this broker does not interpret. */
export interface ClusterImage extends MetadataImage {
  readonly topicsByName: ShardedMap<TopicImage>
  readonly topicsById: ShardedMap<TopicImage>
  readonly configs: ShardedMap<ReadonlyMap<string, string>>
  /** Topic names with '.' or '_', by the name with '.' replaced by '_'. */
  readonly topicsByUnifiedName: ShardedMap<readonly string[]>
  /** Values of records that are kept but not interpreted (tokens, ACLs, controllers), by preservedKey. */
  readonly preserved: ShardedMap<Buffer>
  readonly registrations: ReadonlyMap<number, BrokerRegistration>
}

/** A broker's registration, complete enough for a snapshot. */
export interface BrokerRegistration extends BrokerImage {
  readonly incarnationId: string
  readonly inControlledShutdown: boolean
  readonly listeners: readonly Listener[]
  readonly supportedFeatures: readonly FeatureRange[]
  readonly cordonedDirectories: readonly string[]
}

/** PLAINTEXT in Kafka's SecurityProtocol, the only one supported yet. */
export const PLAINTEXT = 0

export interface Listener {
  readonly name: string
  readonly host: string
  readonly port: number
  /** Kafka's SecurityProtocol id: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number
}

export interface FeatureRange {
  readonly name: string
  readonly minSupportedVersion: number
  readonly maxSupportedVersion: number
}

export function emptyImage(clusterId: string): ClusterImage {
  return {
    clusterId,
    endOffset: 0,
    controllerId: -1,
    controllerEpoch: 0,
    brokers: new Map(),
    registrations: new Map(),
    topicsByName: ShardedMap.empty(),
    topicsById: ShardedMap.empty(),
    topicsByUnifiedName: ShardedMap.empty(),
    configs: ShardedMap.empty(),
    preserved: ShardedMap.empty(),
    features: new Map(),
    nextProducerId: 0,
    scramCredentials: new Map(),
    clientQuotas: new Map(),
  }
}
