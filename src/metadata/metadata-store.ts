import type { Rejection } from '../../protocol/error-codes.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import type { MetadataImage, QuotaEntity, ScramCredential, TopicImage } from './metadata-image.ts'
import type { QuorumVoter } from './quorum-records.ts'

/**
 * Owns the cluster metadata: decides changes (topic-changes.ts), logs them (metadata-log.ts) and notifies listeners.
 */
export interface MetadataStore {
  /** The newest image. Changes only between turns of the event loop. */
  readonly image: MetadataImage
  /**
   * Directory id of this node as a voter, as DescribeQuorum answers it: the zero uuid for static voters
   * (controller.quorum.voters), which have none. Source: KIP-853.
   */
  readonly voterDirectoryId: string
  /** This node as the log would name it with kraft.version 1; undefined: its controller has no listener. */
  readonly voter: QuorumVoter | undefined
  /** Level of kraft.version: 0 for static voters, 1 for voters in the log. It is no feature record. Source: KIP-853. */
  readonly kraftVersion: number
  /**
   * The listener is called after each change, in order: in the turn that changes `image`, before the change is
   * answered. Returns a function that unsubscribes.
   */
  onChange(listener: (image: MetadataImage, change: MetadataChange) => void): () => void
  /**
   * Creates topics independently of each other. Results in request order. Source:
   * ReplicationControlManager.createTopics.
   */
  createTopics(topics: readonly NewTopic[], options: ChangeOptions): Promise<readonly (CreatedTopic | Rejection)[]>
  /** Deletes topics by id. Once this resolves, no reader sees them. */
  deleteTopics(ids: readonly string[], options: ChangeOptions): Promise<readonly (TopicImage | Rejection)[]>
  createPartitions(
    topics: readonly NewPartitions[],
    options: ChangeOptions,
  ): Promise<readonly (TopicImage | Rejection)[]>
  /** Records the data directory of partitions on a broker (KIP-858). Deleted partitions are skipped. */
  assignDirectories(assignments: readonly DirectoryAssignment[], options: ChangeOptions): Promise<void>
  /**
   * Changes settings of resources. `decide` gets the image after all earlier changes. It yields between resources, and
   * runs again if a failed write discards that image. Null removes a setting. POLICY_VIOLATION if the changes do not
   * fit into one batch.
   */
  alterConfigs(
    decide: (image: MetadataImage) => Generator<void, readonly ConfigChange[]>,
    options: ChangeOptions,
  ): Promise<Rejection | undefined>
  /** Changes credentials like alterConfigs; null removes one. */
  alterScramCredentials(
    decide: (image: MetadataImage) => Generator<void, readonly ScramChange[]>,
    options: ChangeOptions,
  ): Promise<void>
  /** Changes client quotas like alterConfigs (quota-changes.ts decides); null removes one. */
  alterClientQuotas(
    decide: (image: MetadataImage) => Generator<void, readonly ClientQuotaChange[]>,
    options: ChangeOptions,
  ): Promise<Rejection | undefined>
  /** Changes quotas and credentials of one entity together, like alterConfigs: all of them or none. */
  alterEntity(
    decide: (image: MetadataImage) => Generator<void, EntityChange>,
    options: ChangeOptions,
  ): Promise<Rejection | undefined>
  /** Sets feature levels, which must be valid: see feature-changes.ts. */
  setFeatures(levels: ReadonlyMap<string, number>, options: ChangeOptions): Promise<void>
  /** Elects leaders. Refuses all if the elections do not fit into one batch. Source: electLeaders. */
  electLeaders(asked: AskedElections, options: ChangeOptions): Promise<readonly TopicElections[] | Rejection>
  /** Makes a replica that is in sync the leader. Kafka has no such request. */
  moveLeader(asked: AskedLeader, options: ChangeOptions): Promise<Rejection | undefined>
  /**
   * Moves replicas between brokers, or cancels that. Results in request order. A reassignment completes later, when all
   * replicas to add live.
   */
  alterPartitionReassignments(
    asked: readonly AskedReassignment[],
    options: ReassignmentOptions,
  ): Promise<readonly (Rejection | undefined)[]>
  /** Removes a broker's registration; others lead its partitions. Refused for brokers that run in this process. */
  unregisterBroker(brokerId: number, options: ChangeOptions): Promise<Rejection | undefined>
  /**
   * Reserves a block of producer ids for a broker, never given out again: [first, first + count). By default it is for
   * the broker with the controller's id.
   */
  allocateProducerIds(count: number, nowMs: number, brokerId?: number): Promise<number | Rejection>
}

export interface ChangeOptions {
  readonly nowMs: number
  readonly principal?: string
  /** True: decide only, write nothing. */
  readonly validateOnly?: boolean
  /** Slices for long decisions. If they reject, the decision ends and nothing is changed. */
  readonly slices?: Slices
}

export interface AskedElections {
  /** unclean: takes a replica that is not in sync rather than none, for partitions without a leader. */
  readonly election: 'preferred' | 'unclean'
  /** Null: all partitions. */
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null
}

/** Elections of a topic. If all partitions were asked for, those that need none are left out. */
export interface TopicElections {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly refusal: Rejection | undefined }[]
}

export interface AskedLeader {
  readonly topic: string
  readonly partition: number
  readonly leader: number
}

export interface AskedReassignment {
  readonly topic: string
  readonly partition: number
  /** Replicas wanted; null cancels the reassignment in progress. */
  readonly replicas: readonly number[] | null
}

export interface ReassignmentOptions extends ChangeOptions {
  readonly mayChangeReplicationFactor: boolean
}

export interface NewTopic {
  readonly name: string
  /** -1: num.partitions. */
  readonly partitionCount: number
  /** -1: default.replication.factor. */
  readonly replicationFactor: number
  /** Replicas by partition if the client assigns them; partitionCount and replicationFactor are -1 then. */
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
  /** Replicas of each new partition; undefined: the broker assigns them. */
  readonly assignments: readonly (readonly number[])[] | undefined
}

export interface DirectoryAssignment {
  readonly topicId: string
  readonly partition: number
  readonly directoryId: string
  /** True: the partition's log is lost, so its replica is elected again (an unclean election). */
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

export interface ClientQuotaChange {
  readonly entity: QuotaEntity
  /** producer_byte_rate, ... */
  readonly key: string
  readonly value: number | null
}

/** Changes of what belongs to one user, client id or address. */
export interface EntityChange {
  readonly quotas: readonly ClientQuotaChange[]
  readonly credentials: readonly ScramChange[]
}

export interface MetadataChange {
  readonly topicsChanged: readonly TopicImage[]
  readonly topicsDeleted: readonly TopicImage[]
  /** Resource keys (configResourceKey) whose settings changed. */
  readonly configsChanged: readonly string[]
}
