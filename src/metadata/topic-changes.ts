/*
 * Decisions about topics: pure functions from an image and a request to records, or to Kafka's error. They change
 * nothing. Checks have Kafka's order and messages. Source: ReplicationControlManager.
 */

import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { RemoveTopicRecord } from '../../protocol/internal-records/topic-records.ts'
import type { ClusterImage } from './cluster-image.ts'
import { clearElrRecords, configRecord, partitionRecord, topicRecords } from './image-records.ts'
import { defaultDirectory, isActive } from './live-brokers.ts'
import { type BrokerImage, configResourceType, type PartitionImage, type TopicImage } from './metadata-image.ts'
import type { CreatedTopic, NewPartitions, NewTopic } from './metadata-store.ts'
import type { MetadataDecision } from './metadata-writer.ts'
import type { ReplicationRules } from './partition-rules.ts'
import { manualAssignmentFault, type Placement, placeReplicas } from './replica-placement.ts'
import { hasCollisionCharacters, invalidTopicName, isInternalTopic, unifiedName } from './topic-names.ts'

/** Most partitions that one request may add. Source: ReplicationControlManager.MAX_PARTITIONS_PER_BATCH. */
const MAX_PARTITIONS_PER_REQUEST = 10_000

/** Inputs of decisions besides the image. */
export interface TopicRules extends ReplicationRules {
  readonly defaultPartitionCount: number
  readonly defaultReplicationFactor: number
  /** Error for a topic's settings; undefined if they are valid. */
  checkConfigs(topic: string, configs: ReadonlyMap<string, string>): Rejection | undefined
  newTopicId(): string
  /** A random integer from 0 to below bound. */
  random(bound: number): number
  /** False if all directories of a broker are cordoned. It then gets no new replicas. */
  takesReplicas(broker: number): boolean
}

/** Refuses the whole request if it adds too many partitions. */
export function excessiveTopics(topics: readonly NewTopic[], rules: TopicRules): Rejection | undefined {
  let total = 0
  for (const topic of topics) {
    if (topic.assignments.size > 0) total += topic.assignments.size
    else if (topic.partitionCount === -1) total += rules.defaultPartitionCount
    else if (topic.partitionCount > 0) total += topic.partitionCount
    if (total > MAX_PARTITIONS_PER_REQUEST)
      return reject('POLICY_VIOLATION', 'Excessively large number of partitions per request.')
  }
  return undefined
}

export function decideNewTopic(
  image: ClusterImage,
  topic: NewTopic,
  rules: TopicRules,
): MetadataDecision<CreatedTopic> | Rejection {
  const refusal = nameRefusal(image, topic.name) ?? configRefusal(topic, rules)
  if (refusal !== undefined) return refusal
  const placement =
    topic.assignments.size > 0 ? manualPlacement(image, topic, rules) : automaticPlacement(image, topic, rules)
  if (isRejection(placement)) return placement
  const created: TopicImage = {
    name: topic.name,
    id: rules.newTopicId(),
    internal: isInternalTopic(topic.name),
    partitions: placement.map((replicas) => newPartition(image, replicas)),
  }
  const result = { topic: created, replicationFactor: (placement[0] as readonly number[]).length }
  return { records: newTopicRecords(image, created, topic.configs), result }
}

function* newTopicRecords(image: ClusterImage, topic: TopicImage, configs: NewTopic['configs']): Iterable<Buffer> {
  let isFirst = true
  const resource = { resourceType: configResourceType.topic, resourceName: topic.name }
  for (const record of topicRecords(topic, image.features)) {
    yield record
    if (isFirst) {
      for (const [name, value] of configs) yield configRecord(resource.resourceType, topic.name, name, value)
      yield* clearElrRecords(
        [...configs.keys()].map((name) => ({ ...resource, name })),
        image.features,
      )
    }
    isFirst = false
  }
}

function nameRefusal(image: ClusterImage, name: string): Rejection | undefined {
  if (image.topicsByName.has(name)) return reject('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
  const colliding = hasCollisionCharacters(name) ? image.topicsByUnifiedName.get(unifiedName(name))?.[0] : undefined
  if (colliding !== undefined)
    return reject('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${colliding}`)
  const fault = invalidTopicName(name)
  return fault === undefined ? undefined : reject('INVALID_TOPIC_EXCEPTION', fault)
}

function configRefusal(topic: NewTopic, rules: TopicRules): Rejection | undefined {
  const configs = new Map<string, string>()
  const nulls: string[] = []
  for (const [name, value] of topic.configs) {
    if (value === null) nulls.push(name)
    else configs.set(name, value)
  }
  if (nulls.length > 0)
    return reject('INVALID_CONFIG', `Null value not supported for topic configs: ${nulls.join(',')}`)
  return configs.size === 0 ? undefined : rules.checkConfigs(topic.name, configs)
}

function manualPlacement(image: ClusterImage, topic: NewTopic, rules: TopicRules): Placement | Rejection {
  if (topic.replicationFactor !== -1)
    return reject(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  if (topic.partitionCount !== -1)
    return reject(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  let replicationFactor: number | undefined
  for (const [partition, replicas] of topic.assignments) {
    const fault = assignmentFault(image, partition, replicas, replicationFactor, rules)
    if (fault !== undefined) return reject('INVALID_REPLICA_ASSIGNMENT', fault)
    replicationFactor = replicas.length
  }
  const placement = Array.from(topic.assignments, (_, partition) => topic.assignments.get(partition))
  if (placement.includes(undefined))
    return reject('INVALID_REPLICA_ASSIGNMENT', 'partitions should be a consecutive 0-based integer sequence')
  return placement as Placement
}

function assignmentFault(
  image: ClusterImage,
  partition: number,
  replicas: readonly number[],
  replicationFactor: number | undefined,
  rules: TopicRules,
): string | undefined {
  const fault = manualAssignmentFault(replicas, replicationFactor, image.brokers, rules)
  if (fault !== undefined || inSync(image, replicas).length > 0) return fault
  return (
    `All brokers specified in the manual partition assignment for partition ${partition} ` +
    'are fenced or in controlled shutdown.'
  )
}

function automaticPlacement(image: ClusterImage, topic: NewTopic, rules: TopicRules): Placement | Rejection {
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0)
    return reject(
      'INVALID_REPLICATION_FACTOR',
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  if (topic.partitionCount < -1 || topic.partitionCount === 0)
    return reject('INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.')
  return placeReplicas(candidates(image, rules), {
    partitionCount: topic.partitionCount === -1 ? rules.defaultPartitionCount : topic.partitionCount,
    replicationFactor: topic.replicationFactor === -1 ? defaultReplicas(image, rules) : topic.replicationFactor,
    random: (bound) => rules.random(bound),
  })
}

/**
 * Kafka refuses a default replication factor above the number of brokers. Here the factor is lowered: a cluster may
 * have one broker for ever.
 */
function defaultReplicas(image: ClusterImage, { defaultReplicationFactor }: TopicRules): number {
  return Math.min(defaultReplicationFactor, Math.max(1, image.brokers.size))
}

function inSync(image: ClusterImage, replicas: readonly number[]): number[] {
  return replicas.filter((replica) => isActive(image, replica))
}

function newPartition(image: ClusterImage, replicas: readonly number[]): PartitionImage {
  const isr = inSync(image, replicas)
  return {
    leader: isr[0] ?? -1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas,
    isr,
    addingReplicas: [],
    removingReplicas: [],
    eligibleLeaderReplicas: [],
    lastKnownEligibleLeaderReplicas: [],
    isRecovering: false,
    directories: replicas.map((replica) => defaultDirectory(image, replica)),
  }
}

/** UNKNOWN_TOPIC_ID if there is no such topic. */
export function decideTopicRemoval(image: ClusterImage, topicId: string): MetadataDecision<TopicImage> | Rejection {
  const topic = image.topicsById.get(topicId)
  if (topic === undefined) return reject('UNKNOWN_TOPIC_ID')
  return { records: [encodeMetadataRecord(RemoveTopicRecord, 0, { topicId })], result: topic }
}

/** Refuses the whole request if it adds too many partitions. */
export function excessivePartitions(image: ClusterImage, topics: readonly NewPartitions[]): Rejection | undefined {
  let total = 0
  for (const { name, count } of topics) {
    total += Math.max(0, count - (image.topicsByName.get(name)?.partitions.length ?? count))
    if (total > MAX_PARTITIONS_PER_REQUEST)
      return reject('POLICY_VIOLATION', 'Excessively large number of additional partitions per request.')
  }
  return undefined
}

export function decideNewPartitions(
  image: ClusterImage,
  wish: NewPartitions,
  rules: TopicRules,
): MetadataDecision<TopicImage> | Rejection {
  const topic = image.topicsByName.get(wish.name)
  if (topic === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION', null)
  const existing = topic.partitions.length
  if (wish.count === existing) return reject('INVALID_PARTITIONS', `Topic already has ${existing} partition(s).`)
  if (wish.count < existing)
    return reject(
      'INVALID_PARTITIONS',
      `The topic ${wish.name} currently has ${existing} partition(s); ${wish.count} would not be an increase.`,
    )
  const additional = wish.count - existing
  if (wish.assignments !== undefined && wish.assignments.length !== additional)
    return reject(
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${additional} additional partition(s), but only ${wish.assignments.length} assignment(s) were specified.`,
    )
  const placement = placementOfMore(image, topic, wish, rules)
  if (isRejection(placement)) return placement
  const added = placement.map((replicas) => newPartition(image, replicas))
  return {
    records: addedRecords(image, topic, added),
    result: { ...topic, partitions: [...topic.partitions, ...added] },
  }
}

function* addedRecords(image: ClusterImage, { id, partitions }: TopicImage, added: readonly PartitionImage[]) {
  for (const [index, partition] of added.entries())
    yield partitionRecord(id, partitions.length + index, partition, image.features)
}

function candidates(image: ClusterImage, rules: TopicRules): BrokerImage[] {
  return [...image.registrations.values()].filter(
    // A broker that has stopped may come back; one that is going to stop is full of replicas that must leave.
    ({ nodeId, inControlledShutdown, fenced }) => (fenced || !inControlledShutdown) && rules.takesReplicas(nodeId),
  )
}

function placementOfMore(
  image: ClusterImage,
  topic: TopicImage,
  wish: NewPartitions,
  rules: TopicRules,
): Placement | Rejection {
  const existing = topic.partitions.length
  const replicationFactor = (topic.partitions[0] as PartitionImage).replicas.length
  if (wish.assignments === undefined) {
    const partitionCount = wish.count - existing
    const random = (bound: number) => rules.random(bound)
    return withoutPrefix(placeReplicas(candidates(image, rules), { partitionCount, replicationFactor, random }))
  }
  for (const [index, replicas] of wish.assignments.entries()) {
    const fault = assignmentFault(image, existing + index, replicas, replicationFactor, rules)
    if (fault !== undefined) return reject('INVALID_REPLICA_ASSIGNMENT', fault)
  }
  return wish.assignments
}

// Kafka's CreateTopics puts this prefix before the reason; CreatePartitions does not.
function withoutPrefix(placement: Placement | Rejection): Placement | Rejection {
  if (!isRejection(placement)) return placement
  return reject(placement.error, placement.message?.replace(/^Unable to replicate the partition \d+ time\(s\): /, ''))
}
