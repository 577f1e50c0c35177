/*
 * Decisions about leaders: pure functions from an image and a request to records, or to Kafka's error. Checks have
 * Kafka's order and messages. Source: ReplicationControlManager.electLeader.
 */
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { ClusterImage } from './cluster-image.ts'
import { hasOnlineDirectory, isActive } from './live-brokers.ts'
import type { PartitionImage, TopicImage } from './metadata-image.ts'
import type { AskedElections, AskedLeader } from './metadata-store.ts'
import { decidePartitionChange, partitionChangeRecord } from './partition-change.ts'
import { changePartitions, type Part } from './partition-changes.ts'
import { partitionRules, type ReplicationRules } from './partition-rules.ts'

/** Most elections of one periodic check. Source: ReplicationControlManager.MAX_ELECTIONS_PER_IMBALANCE. */
const MAX_ELECTIONS_PER_CHECK = 1000

interface FoundPartition {
  readonly topic: TopicImage
  readonly index: number
  readonly partition: PartitionImage
}

function find(image: ClusterImage, name: string, index: number): FoundPartition | Rejection {
  const topic = image.topicsByName.get(name)
  if (topic === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${name}`)
  const partition = topic.partitions[index]
  if (partition === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION', `No such partition as ${name}-${index}`)
  return { topic, index, partition }
}

/** The record of an election, or why there is none. */
export function decideElection(
  image: ClusterImage,
  asked: { readonly topic: string; readonly partition: number; readonly election: AskedElections['election'] },
  rules: ReplicationRules,
): Buffer | Rejection {
  const found = find(image, asked.topic, asked.partition)
  if (isRejection(found)) return found
  const { topic, index, partition } = found
  const isPreferred = asked.election === 'preferred'
  const isLed = isPreferred ? hasPreferredLeader(partition) : partition.leader !== -1
  if (isLed) return reject('ELECTION_NOT_NEEDED')
  const change = decidePartitionChange(
    partition,
    { election: asked.election },
    partitionRules(image, topic, rules)(partition),
  )
  if (change !== undefined) return partitionChangeRecord(topic.id, index, change, image.features)
  return reject(isPreferred ? 'PREFERRED_LEADER_NOT_AVAILABLE' : 'ELIGIBLE_LEADERS_NOT_AVAILABLE')
}

function hasPreferredLeader({ leader, replicas }: PartitionImage): boolean {
  return leader === replicas[0]
}

/** Makes a replica that is in sync the leader. Kafka has no such request. */
export function decideLeader(image: ClusterImage, asked: AskedLeader): Buffer | Rejection {
  const found = find(image, asked.topic, asked.partition)
  if (isRejection(found)) return found
  const { topic, index, partition } = found
  const { leader } = asked
  if (!image.registrations.has(leader))
    return reject('BROKER_ID_NOT_REGISTERED', `Broker ID ${leader} is not currently registered`)
  if (!partition.replicas.includes(leader))
    return reject('REPLICA_NOT_AVAILABLE', `Broker ${leader} has no replica of ${topic.name}-${index}`)
  if (partition.leader === leader) return reject('ELECTION_NOT_NEEDED')
  if (!partition.isr.includes(leader) || !isActive(image, leader) || !hasOnlineDirectory(image, partition, leader))
    return reject('ELIGIBLE_LEADERS_NOT_AVAILABLE', `Broker ${leader} is not in sync, or does not live`)
  const known = partition.lastKnownEligibleLeaderReplicas.length > 0
  const change = { leader, ...(known ? { lastKnownEligibleLeaderReplicas: [] } : {}) }
  return partitionChangeRecord(topic.id, index, change, image.features)
}

/** True if a partition is led by another replica than its first: balanceLeaders may have something to do. */
export function isImbalanced({ partitions }: TopicImage): boolean {
  return partitions.some((partition) => !hasPreferredLeader(partition))
}

/**
 * Makes the first replicas leaders again, where they are in sync. Kafka does it every
 * leader.imbalance.check.interval.seconds, and at once again if there are more. Source: maybeBalancePartitionLeaders.
 */
export function* balanceLeaders(image: ClusterImage, rules: ReplicationRules): Part {
  const records: Buffer[] = []
  const targetsOf = (partition: PartitionImage) =>
    hasPreferredLeader(partition) ? undefined : ({ election: 'preferred' } as const)
  const isWhole = yield* changePartitions(image, rules, { targetsOf, records, limit: MAX_ELECTIONS_PER_CHECK })
  return { records, result: !isWhole }
}

/**
 * Elects leaders for partitions without one, of topics that allow one that is not in sync. Kafka does it every
 * unclean.leader.election.interval.ms. Source: maybeElectUncleanLeaders.
 */
export function* electUncleanLeaders(image: ClusterImage, rules: ReplicationRules): Part {
  const records: Buffer[] = []
  const targetsOf = ({ leader }: PartitionImage, { name }: TopicImage) =>
    leader === -1 && rules.allowsUncleanElection(name) ? ({ election: 'unclean' } as const) : undefined
  const isWhole = yield* changePartitions(image, rules, { targetsOf, records, limit: MAX_ELECTIONS_PER_CHECK })
  return { records, result: !isWhole }
}
