import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { FailedDirectory } from '../../storage/log-store.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import type { TopicSettings } from '../config/topic-configs.ts'
import type { PartitionImage, TopicImage } from '../metadata/metadata-image.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'
import { checkEpoch, Partition } from './partition.ts'
import type { LogUser, PartitionLogs } from './partition-logs.ts'

/** Notified about partitions, for parked fetches. */
export interface PartitionWatcher {
  /** That many more bytes of the partition are readable. bytes, stableBytes: see ReadableListener. */
  appended(partition: Partition, bytes: number, stableBytes: number): void
  /** Something other than data changed: another leader or a deletion. */
  changed(partition: Partition): void
}

/** A partition, or why it is not served here. */
export type FoundPartition = Partition | Rejection

/** Opened partitions of one topic, by partition number. */
interface HostedTopic {
  image: TopicImage
  readonly partitions: (Partition | undefined)[]
  /** Partitions whose logs are being opened. */
  readonly opening: Map<number, Promise<FoundPartition>>
}

/** Finds partitions that this broker leads or has a replica of. Their logs are opened on first use. */
export class PartitionRegistry implements LogUser {
  readonly #nodeId: number
  readonly #logs: PartitionLogs
  readonly #metadata: MetadataStore
  readonly #settings: (topic: string) => TopicSettings
  readonly #watcher: PartitionWatcher
  readonly #topics = new Map<string, HostedTopic>()
  readonly #readable = (partition: Partition, bytes: number, stableBytes: number) =>
    this.#watcher.appended(partition, bytes, stableBytes)
  #leaveLogs: () => void = () => {}
  #isStopped = false

  constructor(parts: {
    nodeId: number
    logs: PartitionLogs
    metadata: MetadataStore
    settings: (topic: string) => TopicSettings
    watcher: PartitionWatcher
  }) {
    this.#nodeId = parts.nodeId
    this.#logs = parts.logs
    this.#metadata = parts.metadata
    this.#settings = parts.settings
    this.#watcher = parts.watcher
  }

  /** Follows changes of the metadata from now on. */
  start(): void {
    this.#leaveLogs = this.#logs.addUser(this)
  }

  /** Retires all partitions. From now on there are none: NOT_LEADER_OR_FOLLOWER. */
  stop(): void {
    this.#isStopped = true
    this.#leaveLogs()
    const hosted = [...this.#topics.values()]
    this.#topics.clear()
    for (const { partitions } of hosted) {
      for (const partition of partitions) partition?.retire(reject('NOT_LEADER_OR_FOLLOWER'))
    }
  }

  /**
   * The data directory of these partitions failed: requests get KAFKA_STORAGE_ERROR until the next start, those that
   * wait at once. Source: ReplicaManager.handleLogDirFailure.
   */
  takeOffline(partitions: FailedDirectory['partitions']): void {
    const failed = partitions.flatMap(({ topic, partition }) => {
      const hosted = this.#topics.get(topic)?.partitions
      const open = hosted?.[partition]
      if (hosted === undefined || open === undefined) return []
      hosted[partition] = undefined
      open.retire(reject('KAFKA_STORAGE_ERROR'))
      return [open]
    })
    for (const partition of failed) this.#watcher.changed(partition)
  }

  /** True: the partition's files are in a data directory that failed. Kafka's controller then has no leader for it. */
  isOffline(topic: TopicImage, partition: number): boolean {
    return this.#logs.isOffline(topic, partition)
  }

  topicDeleted(topic: TopicImage): void {
    const hosted = this.#topics.get(topic.name)
    this.#topics.delete(topic.name)
    for (const partition of hosted?.partitions ?? []) {
      if (partition === undefined) continue
      partition.retire(reject('UNKNOWN_TOPIC_OR_PARTITION'))
      this.#watcher.changed(partition)
    }
  }

  topicChanged(topic: TopicImage): void {
    const hosted = this.#topics.get(topic.name)
    if (hosted === undefined) return
    const before = hosted.image
    hosted.image = topic
    hosted.partitions.forEach((partition, index) => {
      const image = topic.partitions[index]
      if (partition === undefined || image === undefined || image === before.partitions[index]) return
      if (image.replicas.includes(this.#nodeId)) partition.update(image)
      else {
        hosted.partitions[index] = undefined
        partition.retire(reject('NOT_LEADER_OR_FOLLOWER'))
      }
      this.#watcher.changed(partition)
    })
  }

  settingsChanged(topic: string): void {
    for (const partition of this.#topics.get(topic)?.partitions ?? []) partition?.settingsChanged()
  }

  /** Whether the cluster has this partition, whoever leads it. */
  isKnown(topic: string, partition: number): boolean {
    return this.#metadata.image.topicsByName.get(topic)?.partitions[partition] !== undefined
  }

  /**
   * The partition if this broker leads it. A promise only while its log is being opened: whoever awaits it must look up
   * again what else it relies on. Errors: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, KAFKA_STORAGE_ERROR. A
   * follower checks the client's leader epoch first; -1: it has none. Source: Partition.getLocalLog.
   */
  leaderFor(topic: string, partition: number, currentLeaderEpoch = -1): FoundPartition | Promise<FoundPartition> {
    const open = this.#topics.get(topic)?.partitions[partition]
    if (open !== undefined) return open.isLeader ? open : leaderOnly(open, currentLeaderEpoch)
    const image = this.#metadata.image.topicsByName.get(topic)?.partitions[partition]
    if (image !== undefined && image.leader !== this.#nodeId) return this.#refuseFollower(image, currentLeaderEpoch)
    const found = this.#open(topic, partition)
    // It may have lost the leadership meanwhile.
    return found instanceof Promise ? found.then((opened) => leaderOnly(opened, currentLeaderEpoch)) : found
  }

  #refuseFollower(image: PartitionImage, currentLeaderEpoch: number): Rejection {
    const hasReplica = image.replicas.includes(this.#nodeId)
    const fenced = hasReplica ? checkEpoch(currentLeaderEpoch, image.leaderEpoch) : undefined
    return fenced ?? reject('NOT_LEADER_OR_FOLLOWER')
  }

  /** The same for reads from any replica: also if this broker only has a replica of it. */
  replicaFor(topic: string, partition: number): FoundPartition | Promise<FoundPartition> {
    return this.#topics.get(topic)?.partitions[partition] ?? this.#open(topic, partition)
  }

  #open(name: string, index: number): Rejection | Promise<FoundPartition> {
    if (this.#isStopped) return reject('NOT_LEADER_OR_FOLLOWER')
    const topic = this.#metadata.image.topicsByName.get(name)
    const image = topic?.partitions[index]
    if (topic === undefined || image === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION')
    if (!image.replicas.includes(this.#nodeId)) return reject('NOT_LEADER_OR_FOLLOWER')
    const hosted = this.#hosted(topic)
    const underWay = hosted.opening.get(index)
    if (underWay !== undefined) return underWay
    const opening = this.#openIn(hosted, index)
    hosted.opening.set(index, opening)
    return opening
  }

  async #openIn(hosted: HostedTopic, index: number): Promise<FoundPartition> {
    let log: PartitionLog | undefined
    try {
      log = await this.#logs.open(hosted.image, index)
    } finally {
      hosted.opening.delete(index)
    }
    // Meanwhile the topic may be deleted, the replica have moved, or the directory have failed.
    const topic = hosted.image
    if (this.#topics.get(topic.name) !== hosted) return reject('UNKNOWN_TOPIC_OR_PARTITION')
    const image = topic.partitions[index]!
    if (!image.replicas.includes(this.#nodeId)) return reject('NOT_LEADER_OR_FOLLOWER')
    if (log === undefined || this.isOffline(topic, index)) return reject('KAFKA_STORAGE_ERROR')
    const partition = this.#serve(topic, index, image, log)
    hosted.partitions[index] = partition
    return partition
  }

  #serve(topic: TopicImage, index: number, image: PartitionImage, log: Partition['log']): Partition {
    return new Partition({
      nodeId: this.#nodeId,
      topic: topic.name,
      topicId: topic.id,
      partition: index,
      image,
      log,
      settings: () => this.#settings(topic.name),
      readable: this.#readable,
    })
  }

  #hosted(topic: TopicImage): HostedTopic {
    const known = this.#topics.get(topic.name)
    if (known !== undefined) return known
    const hosted = { image: topic, partitions: [], opening: new Map() }
    this.#topics.set(topic.name, hosted)
    return hosted
  }

  /** Name of a topic by id; undefined if there is no such topic. */
  nameOf(topicId: string): string | undefined {
    return this.#metadata.image.topicsById.get(topicId)?.name
  }
}

function leaderOnly(partition: FoundPartition, currentLeaderEpoch: number): FoundPartition {
  if (isRejection(partition) || partition.isLeader) return partition
  return partition.checkEpoch(currentLeaderEpoch) ?? reject('NOT_LEADER_OR_FOLLOWER')
}
