import type { Rejection } from '../../protocol/error-codes.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import type { MetadataImage, ScramCredential, TopicImage } from './metadata-image.ts'

/** Owner of the cluster's metadata: decides about changes (topic-changes.ts), logs them (metadata-log.ts), tells of them. */
export interface MetadataStore {
  /** The newest image; changes only between turns of the event loop. */
  readonly image: MetadataImage
  /** Called after each change, in order, in the turn in which `image` changed and before the change's answer goes out. */
  onChange(listener: (image: MetadataImage, change: MetadataChange) => void): void
  /** Each topic on its own, as Kafka's ReplicationControlManager.createTopics: results in the order asked. */
  createTopics(topics: readonly NewTopic[], options: ChangeOptions): Promise<readonly (CreatedTopic | Rejection)[]>
  /** By id; the topic is gone for every reader once this resolves. */
  deleteTopics(ids: readonly string[], options: ChangeOptions): Promise<readonly (TopicImage | Rejection)[]>
  createPartitions(
    topics: readonly NewPartitions[],
    options: ChangeOptions,
  ): Promise<readonly (TopicImage | Rejection)[]>
  /** Says in which data directory this broker has a partition (KIP-858). Partitions that are gone are left out. */
  assignDirectories(assignments: readonly DirectoryAssignment[], options: ChangeOptions): Promise<void>
  /**
   * Settings of resources, decided on against the image that all changes before have made; `decide` yields between two
   * resources, and runs again where that image was taken back. Null removes a setting. POLICY_VIOLATION where they are
   * too many for one batch.
   */
  alterConfigs(
    decide: (image: MetadataImage) => Generator<void, readonly ConfigChange[]>,
    options: ChangeOptions,
  ): Promise<Rejection | undefined>
  /** Credentials, decided on as settings are: null removes one. */
  alterScramCredentials(
    decide: (image: MetadataImage) => Generator<void, readonly ScramChange[]>,
    options: ChangeOptions,
  ): Promise<void>
  /** Already validated feature levels. */
  setFeatures(levels: ReadonlyMap<string, number>, options: ChangeOptions): Promise<void>
  /** Forgets brokers that will not come back. */
  unregisterBroker(brokerId: number, options: ChangeOptions): Promise<void>
  /** A block of producer ids that nobody else will ever get: [first, first + count). */
  allocateProducerIds(count: number, nowMs: number): Promise<number | Rejection>
}

export interface ChangeOptions {
  readonly nowMs: number
  readonly principal?: string
  /** Decided on, and not written. */
  readonly validateOnly?: boolean
  /** Turns for a decision that takes several; it ends where these reject, and nothing is changed. */
  readonly slices?: Slices
}

export interface NewTopic {
  readonly name: string
  /** -1: num.partitions. */
  readonly partitionCount: number
  /** -1: default.replication.factor. */
  readonly replicationFactor: number
  /** Replicas by partition where the client assigns them itself; partitionCount and replicationFactor are then -1. */
  readonly assignments: ReadonlyMap<number, readonly number[]>
  readonly configs: ReadonlyMap<string, string | null>
  readonly validateOnly: boolean
}

export interface CreatedTopic {
  readonly topic: TopicImage
  readonly replicationFactor: number
}

export interface NewPartitions {
  readonly name: string
  readonly count: number
  /** Replicas of each new partition; undefined: the broker chooses. */
  readonly assignments: readonly (readonly number[])[] | undefined
}

export interface DirectoryAssignment {
  readonly topicId: string
  readonly partition: number
  readonly directoryId: string
  /** True: what the log held is lost, so its replica is elected anew (an unclean election). */
  readonly isLost?: boolean
}

export interface ConfigChange {
  readonly resourceType: number
  readonly resourceName: string
  readonly settings: ReadonlyMap<string, string | null>
}

export interface ScramChange {
  readonly user: string
  readonly mechanism: number
  readonly credential: ScramCredential | null
}

export interface MetadataChange {
  readonly topicsChanged: readonly TopicImage[]
  readonly topicsDeleted: readonly TopicImage[]
  /** Resource keys (configResourceKey) whose settings changed. */
  readonly configsChanged: readonly string[]
}
