/*
 * Decisions about reassignments: pure functions from an image and a request to a record, or to Kafka's error. Checks
 * have Kafka's order and messages. Source: ReplicationControlManager.alterPartitionReassignment.
 */
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { ClusterImage } from './cluster-image.ts'
import type { PartitionImage, TopicImage } from './metadata-image.ts'
import type { AskedReassignment } from './metadata-store.ts'
import {
  decidePartitionChange,
  isReassigning,
  type PartitionTargets,
  partitionChangeRecord,
} from './partition-change.ts'
import { partitionRules } from './partition-rules.ts'
import { manualAssignmentFault } from './replica-placement.ts'
import type { TopicRules } from './topic-changes.ts'

/** The record of a reassignment, none if nothing changes, or why it is refused. */
export function decideReassignment(
  image: ClusterImage,
  { topic: name, partition: index, replicas }: AskedReassignment,
  { rules, mayChangeReplicationFactor }: { readonly rules: TopicRules; readonly mayChangeReplicationFactor: boolean },
): Buffer | undefined | Rejection {
  const topic = image.topicsByName.get(name)
  if (topic === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${name}.`)
  const partition = topic.partitions[index]
  if (partition === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${name}:${index}.`)
  const targets =
    replicas === null
      ? cancelled(topic, index, partition, rules)
      : (refusal(image, partition, replicas, { rules, mayChangeReplicationFactor }) ?? reassigned(partition, replicas))
  if (isRejection(targets)) return targets
  const change = decidePartitionChange(partition, targets, partitionRules(image, topic, rules)(partition))
  return change === undefined ? undefined : partitionChangeRecord(topic.id, index, change, image.features)
}

function refusal(
  image: ClusterImage,
  partition: PartitionImage,
  replicas: readonly number[],
  { rules, mayChangeReplicationFactor }: { readonly rules: TopicRules; readonly mayChangeReplicationFactor: boolean },
): Rejection | undefined {
  const fault = manualAssignmentFault(replicas, undefined, image.brokers, rules)
  if (fault !== undefined) return reject('INVALID_REPLICA_ASSIGNMENT', fault)
  const current = replicationFactor(partition)
  if (mayChangeReplicationFactor || current === replicas.length) return undefined
  return reject('INVALID_REPLICATION_FACTOR', `The replication factor is changed from ${current} to ${replicas.length}`)
}

/** Number of replicas once a reassignment in progress is complete. */
function replicationFactor({ replicas, removingReplicas }: PartitionImage): number {
  return replicas.filter((replica) => !removingReplicas.includes(replica)).length
}

/**
 * The wanted replicas, followed by those to remove. As in Kafka, replicas that an earlier reassignment adds or removes
 * stay so if this one adds or removes none. Source: PartitionReassignmentReplicas.
 */
function reassigned({ replicas: current }: PartitionImage, wanted: readonly number[]): PartitionTargets {
  const removing = sorted(current.filter((replica) => !wanted.includes(replica)))
  const adding = sorted(wanted.filter((replica) => !current.includes(replica)))
  return {
    replicas: [...wanted, ...removing],
    ...(removing.length === 0 ? {} : { removingReplicas: removing }),
    ...(adding.length === 0 ? {} : { addingReplicas: adding }),
  }
}

function sorted(nodes: readonly number[]): number[] {
  return [...nodes].sort((a, b) => a - b)
}

/**
 * The replicas from before the reassignment. If only replicas to add are in sync, the first of the others must lead
 * uncleanly. Source: PartitionReassignmentRevert.
 */
function cancelled(
  { name }: TopicImage,
  index: number,
  partition: PartitionImage,
  rules: TopicRules,
): PartitionTargets | Rejection {
  if (!isReassigning(partition)) return reject('NO_REASSIGNMENT_IN_PROGRESS', null)
  const stays = (replica: number) => !partition.addingReplicas.includes(replica)
  const replicas = partition.replicas.filter(stays)
  const isr = partition.isr.filter(stays)
  const allowsUnclean = rules.allowsUncleanElection(name)
  if (isr.length === 0 && replicas.length === 0)
    return reject('INVALID_REPLICA_ASSIGNMENT', 'Invalid replica assignment: addingReplicas contains all replicas.')
  if (isr.length === 0 && !allowsUnclean)
    return reject(
      'INVALID_REPLICA_ASSIGNMENT',
      `Unable to revert partition assignment for ${name}:${index} because it would require an unclean leader election.`,
    )
  return {
    replicas,
    isr: isr.length === 0 ? replicas.slice(0, 1) : isr,
    addingReplicas: [],
    removingReplicas: [],
    election: allowsUnclean ? 'unclean' : 'online',
  }
}
