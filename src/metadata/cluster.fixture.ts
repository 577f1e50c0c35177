import { ByteReader } from '../../protocol/byte-reader.ts'
import { readMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { catchUp, fenceBroker, type RegisteringBroker, registerBroker, unfenceBroker } from './broker-changes.ts'
import { type ClusterImage, emptyImage } from './cluster-image.ts'
import { ImageBuilder } from './image-builder.ts'
import { featureRecords, topicRecords } from './image-records.ts'
import { configResourceKey, configResourceType, type PartitionImage } from './metadata-image.ts'
import type { MetadataDecision } from './metadata-writer.ts'
import { directoryOfBroker, partitionOf } from './partition.fixture.ts'
import { newClusterFeatures } from './record-versions.ts'
import type { TopicRules } from './topic-changes.ts'

/** Settings of topics in an image; those of other topics are for tests to change. */
export class TopicSettings implements TopicRules {
  minIsr = 1
  unclean = false
  readonly cordoned = new Set<number>()
  readonly defaultPartitionCount = 1
  readonly defaultReplicationFactor = 1
  readonly #image: () => ClusterImage
  #topicIds = 0

  constructor(image: () => ClusterImage) {
    this.#image = image
  }
  minInsyncReplicas(topic: string): number {
    return Number(this.#own(topic, 'min.insync.replicas') ?? this.minIsr)
  }
  allowsUncleanElection(topic: string): boolean {
    return String(this.#own(topic, 'unclean.leader.election.enable') ?? this.unclean) === 'true'
  }
  checkConfigs(): undefined {}
  newTopicId(): string {
    return `topic${String(++this.#topicIds).padStart(16, '0')}A`
  }
  random(): number {
    return 0
  }
  takesReplicas(broker: number): boolean {
    return !this.cordoned.has(broker)
  }
  #own(topic: string, name: string): string | undefined {
    return this.#image().configs.get(configResourceKey(configResourceType.topic, topic))?.get(name)
  }
}

export function registering(nodeId: number, changes: Partial<RegisteringBroker> = {}): RegisteringBroker {
  const directoryIds = [directoryOfBroker(nodeId)]
  const incarnationId = `incarnation${String(nodeId).padStart(10, '0')}A`
  return { nodeId, rack: null, incarnationId, directoryIds, advertised: [], fenced: false, ...changes }
}

/** A cluster's image, changed by decisions that are replayed at once. */
export class ClusterUnderTest {
  image: ClusterImage = emptyImage('test-cluster')
  readonly settings = new TopicSettings(() => this.image)

  /** Brokers 1 to n, unfenced. */
  constructor(brokers: number, features = newClusterFeatures) {
    this.replay(featureRecords(features))
    for (let nodeId = 1; nodeId <= brokers; nodeId++) this.register(registering(nodeId))
  }

  /** Adds a topic; its id is derived from its name. */
  addTopic(name: string, ...partitions: Partial<PartitionImage>[]): void {
    const id = `${name.padEnd(21, '0')}A`
    const topic = { name, id, internal: false, partitions: partitions.map(partitionOf) }
    this.replay(topicRecords(topic, this.image.features))
  }

  register(broker: RegisteringBroker): void {
    this.play((image) => registerBroker(image, broker, this.settings))
  }
  fence(nodeId: number): void {
    this.play((image) => fenceBroker(image, nodeId, this.settings))
  }
  unfence(nodeId: number): void {
    this.play((image) => unfenceBroker(image, nodeId, this.settings))
  }
  /** Number of records. */
  catchUp(): number {
    return this.play((image) => catchUp(image, this.settings))
  }

  /** Decides all parts of a change, and replays each. Returns the number of records. */
  play(decide: (image: ClusterImage) => Generator<void, MetadataDecision<boolean>>): number {
    let count = 0
    for (;;) {
      const { records, result } = decided(decide(this.image))
      count += this.replay(records)
      if (!result) return count
    }
  }

  replay(records: Iterable<Buffer>): number {
    const builder = new ImageBuilder(this.image)
    let count = 0
    for (const bytes of records) {
      builder.replay(readMetadataRecord(new ByteReader(bytes)), bytes)
      count++
    }
    this.image = builder.finish({ endOffset: this.image.endOffset + count, controllerId: 1, controllerEpoch: 1 }).image
    return count
  }

  partition(topic: string, index = 0): PartitionImage {
    return this.image.topicsByName.get(topic)!.partitions[index]!
  }

  /** Leader and replicas in short: `leader 1 of 1,2,3 in sync 1,2`; epochs, ELR and reassignment if there are any. */
  show(topic: string, index = 0): string {
    const each = this.partition(topic, index)
    const list = (label: string, nodes: readonly number[]) => (nodes.length === 0 ? '' : ` ${label} ${nodes}`)
    return (
      `leader ${each.leader} of ${each.replicas} in sync ${each.isr.length === 0 ? 'none' : each.isr}` +
      list('adding', each.addingReplicas) +
      list('removing', each.removingReplicas) +
      list('eligible', each.eligibleLeaderReplicas) +
      list('last known', each.lastKnownEligibleLeaderReplicas) +
      (each.isRecovering ? ' recovering' : '') +
      ` epochs ${each.leaderEpoch}/${each.partitionEpoch}`
    )
  }
}

/** The result of a decision's steps. */
export function decided<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}
