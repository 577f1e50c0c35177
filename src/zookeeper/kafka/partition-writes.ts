import { isRejection, type Rejection } from '../../../protocol/error-codes.ts'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import { isReassigning } from '../../metadata/partition-change.ts'
import type { BrokerTree, NodeChange } from '../broker-nodes.ts'
import {
  type Done,
  done,
  type Meaning,
  malformed,
  notAllowed,
  type Refusal,
  refusedBy,
  type WriteParts,
  whileShown,
} from './broker-request.ts'
import {
  type NamedPartition,
  type ReassignedPartition,
  readElectionData,
  readReassignmentData,
  reassignmentData,
} from './node-data.ts'

/** Node of the reassignments that were asked for through it and are under way. */
export const REASSIGNMENTS = '/admin/reassign_partitions'

/**
 * A write to /admin/reassign_partitions. What cannot be reassigned is left out with a line. Removing the node cancels
 * nothing. Source: KafkaController.processZkPartitionReassignment.
 */
export function reassignment(change: NodeChange, parts: WriteParts): Meaning {
  if (change.kind === 'delete')
    return async (tree) => {
      tree.remove(change.path)
      return done
    }
  const asked = readReassignmentData(change.data)
  if (asked === undefined)
    return malformed(
      'the data of a reassignment must be {"version":1,"partitions":[{"topic":…,"partition":…,"replicas":[…]}]}',
    )
  return async (tree, shown) => {
    const notes = await reassign(lastOfEach(asked), parts)
    await shown()
    tree.put(change.path, change.data)
    putReassignments(tree, parts.metadata.image)
    return { notes }
  }
}

/** Lines about what is left out. */
async function reassign(
  asked: readonly ReassignedPartition[],
  { metadata, slices, nowMs }: WriteParts,
): Promise<string[]> {
  const notes: string[] = []
  const note = (left: ReassignedPartition, reason: string) => notes.push(`${nameOf(left)} is not reassigned: ${reason}`)
  const { image } = metadata
  const possible = asked.filter((each) => {
    const dead = deadReplicas(each, image)
    if (dead.length > 0) note(each, `it has brokers that are not alive: ${dead.join(', ')}`)
    return dead.length === 0
  })
  const options = { nowMs: nowMs(), slices, mayChangeReplicationFactor: true }
  const refusals = await metadata.alterPartitionReassignments(possible, options)
  for (const [index, refusal] of refusals.entries())
    if (refusal !== undefined) note(possible[index]!, reasonOf(refusal))
  return notes
}

/** Replicas to add that are on no live broker. A partition that does not exist has none. Source: validateReplicas. */
function deadReplicas({ topic, partition, replicas }: ReassignedPartition, image: MetadataImage): number[] {
  const current = image.topicsByName.get(topic)?.partitions[partition]?.replicas
  if (current === undefined) return []
  return replicas.filter((node) => !current.includes(node) && image.brokers.get(node)?.fenced !== false)
}

/**
 * Leaves in /admin/reassign_partitions what is still under way; without any, the node goes. Source:
 * KafkaController.maybeRemoveFromZkReassignment.
 */
export function putReassignments(tree: BrokerTree, { topicsByName }: MetadataImage): void {
  const asked = readReassignmentData(tree.data(REASSIGNMENTS) ?? null)
  if (asked === undefined) return
  const underWay = asked.filter(({ topic, partition }) => {
    const known = topicsByName.get(topic)?.partitions[partition]
    return known !== undefined && isReassigning(known)
  })
  if (underWay.length === 0) tree.remove(REASSIGNMENTS)
  else if (underWay.length < asked.length) tree.put(REASSIGNMENTS, reassignmentData(underWay))
}

/** A write to /admin/preferred_replica_election. Source: KafkaController.processReplicaLeaderElection. */
export function election(change: NodeChange, parts: WriteParts): Meaning {
  if (change.kind === 'delete') return notAllowed('an election that was asked for is carried out at once')
  const asked = readElectionData(change.data)
  if (asked === undefined)
    return malformed('the data of an election must be {"version":1,"partitions":[{"topic":…,"partition":…}]}')
  return whileShown(change, () => elect(lastOfEach(asked), parts))
}

async function elect(
  asked: readonly NamedPartition[],
  { metadata, slices, nowMs }: WriteParts,
): Promise<Refusal | Done> {
  const topics = asked.map(({ topic, partition }) => ({ topic, partitions: [partition] }))
  const elections = await metadata.electLeaders({ election: 'preferred', topics }, { nowMs: nowMs(), slices })
  if (isRejection(elections)) return refusedBy(elections)
  const notes = elections.flatMap(({ topic, partitions }) =>
    partitions.flatMap(({ partition, refusal }) => {
      if (refusal === undefined || refusal.error === 'ELECTION_NOT_NEEDED') return []
      return [`the preferred leader of ${nameOf({ topic, partition })} is not elected: ${reasonOf(refusal)}`]
    }),
  )
  return { notes }
}

/** Each partition once, as it is named last: Kafka reads these lists into maps. */
function lastOfEach<P extends NamedPartition>(partitions: readonly P[]): P[] {
  return [...new Map(partitions.map((each) => [nameOf(each), each])).values()]
}

function nameOf({ topic, partition }: NamedPartition): string {
  return `${topic}-${partition}`
}

function reasonOf(refusal: Rejection): string {
  return refusal.error === 'UNKNOWN_TOPIC_OR_PARTITION' ? 'there is no such partition' : refusedBy(refusal).reason
}
