import { ZERO_UUID } from '../../protocol/schema.ts'
import {
  configResourceKey,
  configResourceType,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from './metadata-image.ts'
import type { DirectoryAssignment, MetadataChange, MetadataStore } from './metadata-store.ts'

const nothing: MetadataChange = { topicsChanged: [], topicsDeleted: [], configsChanged: [] }

const notInTest = async () => {
  throw new Error('not part of this test')
}

/** Metadata changed directly by tests. Changes requested by clients are refused. */
export class MemoryMetadata implements MetadataStore {
  image: MetadataImage = {
    clusterId: 'c',
    endOffset: 7,
    controllerId: 1,
    controllerEpoch: 1,
    brokers: new Map(),
    topicsByName: new Map(),
    topicsById: new Map(),
    configs: new Map(),
    features: new Map([['metadata.version', 30]]),
    nextProducerId: 0,
    scramCredentials: new Map(),
    clientQuotas: new Map(),
  }
  readonly voterDirectoryId = ZERO_UUID
  readonly voter = undefined
  kraftVersion = 0
  /** Arguments of assignDirectories calls. */
  readonly assigned: DirectoryAssignment[] = []
  readonly #listeners = new Set<(image: MetadataImage, change: MetadataChange) => void>()
  #topics = 0
  #nextProducerId = 0

  onChange(listener: (image: MetadataImage, change: MetadataChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Adds a topic; all its partitions have the given values. By default node 1 is the only replica and leads. */
  addTopic(name: string, partitionCount = 1, changes: Partial<PartitionImage> = {}): TopicImage {
    const partition: PartitionImage = {
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      replicas: [1],
      isr: [1],
      addingReplicas: [],
      removingReplicas: [],
      eligibleLeaderReplicas: [],
      lastKnownEligibleLeaderReplicas: [],
      isRecovering: false,
      directories: [],
      ...changes,
    }
    const id = `${String.fromCharCode(66 + this.#topics++)}AAAAAAAAAAAAAAAAAAAAA`
    const partitions = Array.from({ length: partitionCount }, () => partition)
    return this.putTopic({ name, id, internal: name.startsWith('__'), partitions })
  }

  /** Adds a broker that advertises a plaintext endpoint. */
  addBroker(nodeId: number, endpoint: { host: string; port: number }): void {
    const endpoints = new Map([['PLAINTEXT', endpoint]])
    const broker = { nodeId, epoch: 1, rack: null, fenced: false, directories: [], endpoints }
    this.image = { ...this.image, brokers: new Map([...this.image.brokers, [nodeId, broker]]) }
  }

  putTopic(topic: TopicImage): TopicImage {
    this.#replace(topic, topic)
    this.tell({ ...nothing, topicsChanged: [topic] })
    return topic
  }

  deleteTopic(topic: TopicImage): void {
    this.#replace(topic, undefined)
    this.tell({ ...nothing, topicsDeleted: [topic] })
  }

  setConfig(topic: string, name: string, value: string): void {
    const key = configResourceKey(configResourceType.topic, topic)
    const settings = new Map([...(this.image.configs.get(key) ?? []), [name, value]] as [string, string][])
    this.image = { ...this.image, configs: new Map([...this.image.configs, [key, settings]]) }
    this.tell({ ...nothing, configsChanged: [key] })
  }

  #replace(topic: TopicImage, by: TopicImage | undefined): void {
    const topicsByName = new Map(this.image.topicsByName)
    const topicsById = new Map(this.image.topicsById)
    topicsByName.delete(topic.name)
    topicsById.delete(topic.id)
    if (by !== undefined) {
      topicsByName.set(by.name, by)
      topicsById.set(by.id, by)
    }
    this.image = { ...this.image, topicsByName, topicsById }
  }

  /** Tells listeners of a change that the test made to `image`. */
  tell(change: MetadataChange): void {
    for (const listener of this.#listeners) listener(this.image, change)
  }

  async createTopics(): Promise<never> {
    throw new Error('not part of this test')
  }
  async deleteTopics(): Promise<never> {
    throw new Error('not part of this test')
  }
  async createPartitions(): Promise<never> {
    throw new Error('not part of this test')
  }
  async assignDirectories(assignments: readonly DirectoryAssignment[]): Promise<void> {
    this.assigned.push(...assignments)
  }
  async alterConfigs(): Promise<never> {
    throw new Error('not part of this test')
  }
  async alterScramCredentials(): Promise<never> {
    throw new Error('not part of this test')
  }
  async alterEntity(): Promise<never> {
    throw new Error('not part of this test')
  }
  async alterClientQuotas(): Promise<never> {
    throw new Error('not part of this test')
  }
  async setFeatures(): Promise<never> {
    throw new Error('not part of this test')
  }
  electLeaders: MetadataStore['electLeaders'] = notInTest
  moveLeader: MetadataStore['moveLeader'] = notInTest
  alterPartitionReassignments: MetadataStore['alterPartitionReassignments'] = notInTest
  unregisterBroker: MetadataStore['unregisterBroker'] = notInTest
  async allocateProducerIds(count: number): Promise<number> {
    const first = this.#nextProducerId
    this.#nextProducerId += count
    return first
  }
}
