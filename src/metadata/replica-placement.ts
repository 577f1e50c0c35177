import { type Rejection, reject } from '../../protocol/error-codes.ts'
import type { BrokerImage } from './metadata-image.ts'

/** Replicas of each new partition, preferred leader first. */
export type Placement = readonly (readonly number[])[]

/**
 * Assigns replicas: leaders in turn from a random start, followers are the next brokers. Refuses with
 * INVALID_REPLICATION_FACTOR in Kafka's words. Source: StripedReplicaPlacer (which also alternates between racks).
 */
export function placeReplicas(
  brokers: readonly BrokerImage[],
  wanted: { partitionCount: number; replicationFactor: number; start: number },
): Placement | Rejection {
  const { partitionCount, replicationFactor } = wanted
  const fault = placementFault(brokers, replicationFactor)
  if (fault !== undefined)
    return reject(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): ${fault}`,
    )
  const ordered = [...brokers].sort((a, b) => Number(a.fenced) - Number(b.fenced) || a.nodeId - b.nodeId)
  const live = ordered.filter((broker) => !broker.fenced).map((broker) => broker.nodeId)
  const fenced = ordered.filter((broker) => broker.fenced).map((broker) => broker.nodeId)
  return Array.from({ length: partitionCount }, (_, partition) => {
    const turned = live.map((_, index) => live[(wanted.start + partition + index) % live.length] as number)
    return [...turned, ...fenced].slice(0, replicationFactor)
  })
}

function placementFault(brokers: readonly BrokerImage[], replicationFactor: number): string | undefined {
  if (brokers.every((broker) => broker.fenced))
    return 'All brokers are currently fenced, or have all their log directories cordoned.'
  if (replicationFactor <= brokers.length) return undefined
  return (
    `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} ` +
    'broker(s) are registered or some brokers have all their log directories cordoned.'
  )
}

/**
 * Checks a replica assignment from a client. Returns Kafka's message for INVALID_REPLICA_ASSIGNMENT; undefined if
 * valid. replicationFactor: that of the earlier partitions, undefined for the first. Source:
 * ReplicationControlManager.validateManualPartitionAssignment.
 */
export function manualAssignmentFault(
  replicas: readonly number[],
  replicationFactor: number | undefined,
  brokers: ReadonlyMap<number, BrokerImage>,
): string | undefined {
  if (replicas.length === 0) return 'The manual partition assignment includes an empty replica list.'
  let previous: number | undefined
  for (const broker of [...replicas].sort((a, b) => a - b)) {
    if (!brokers.has(broker))
      return `The manual partition assignment includes broker ${broker}, but no such broker is registered.`
    if (broker === previous) return `The manual partition assignment includes the broker ${broker} more than once.`
    previous = broker
  }
  if (replicationFactor === undefined || replicas.length === replicationFactor) return undefined
  return (
    `The manual partition assignment includes a partition with ${replicas.length} replica(s), but this is not ` +
    `consistent with previous partitions, which have ${replicationFactor} replica(s).`
  )
}
