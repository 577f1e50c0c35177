import type { MetadataImage, TopicImage } from '../metadata/metadata-image.ts'
import type { MetadataStore } from '../metadata/metadata-store.ts'

/** Broker that leads all partitions in tests of coordinators. */
export const COORDINATOR_ID = 1

/** Metadata that a test changes, and the coordinator only reads. */
export function unchangeableMetadata(
  image: () => MetadataImage,
  listeners: Parameters<MetadataStore['onChange']>[0][],
): MetadataStore {
  const never = () => Promise.reject(new Error('coordinators do not change the cluster'))
  return {
    get image() {
      return image()
    },
    voterDirectoryId: '',
    voter: undefined,
    kraftVersion: 0,
    onChange: (listener) => {
      listeners.push(listener)
      return () => {}
    },
    createTopics: never,
    deleteTopics: never,
    createPartitions: never,
    assignDirectories: never,
    alterConfigs: never,
    alterScramCredentials: never,
    alterClientQuotas: never,
    alterEntity: never,
    setFeatures: never,
    electLeaders: never,
    moveLeader: never,
    alterPartitionReassignments: never,
    unregisterBroker: never,
    allocateProducerIds: never,
  }
}

/** Topic id derived from the name, so that tests can tell topics apart. */
export function topicIdOf(name: string): string {
  return Buffer.from(name.padEnd(16, '.')).subarray(0, 16).toString('base64url')
}

export function topicImage(name: string, partitionCount: number, id = topicIdOf(name)): TopicImage {
  const partition = {
    leader: COORDINATOR_ID,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas: [COORDINATOR_ID],
    isr: [COORDINATOR_ID],
    addingReplicas: [],
    removingReplicas: [],
    eligibleLeaderReplicas: [],
    lastKnownEligibleLeaderReplicas: [],
    isRecovering: false,
    directories: [],
  }
  const partitions = Array.from({ length: partitionCount }, () => partition)
  return { name, id, internal: name.startsWith('__'), partitions }
}

export function withTopic(image: MetadataImage, topic: TopicImage): MetadataImage {
  const rest = withoutTopic(image, topic.name)
  return {
    ...rest,
    endOffset: image.endOffset + 1,
    topicsByName: new Map([...rest.topicsByName, [topic.name, topic]]),
    topicsById: new Map([...rest.topicsById, [topic.id, topic]]),
  }
}

export function withoutTopic(image: MetadataImage, name: string): MetadataImage {
  const keep = (topics: ReadonlyMap<string, TopicImage>) =>
    new Map([...topics].filter(([, topic]) => topic.name !== name))
  return { ...image, topicsByName: keep(image.topicsByName), topicsById: keep(image.topicsById) }
}
