import { replicaSelectors } from '../config/replica-selectors.ts'
import type { BrokerImage, PartitionImage } from '../metadata/metadata-image.ts'

/**
 * Replica that a consumer should read from instead of the leader: one in its own rack, in sync and alive. Undefined: the
 * leader. All replicas have the same records here, so of several the one with the highest id is taken, where Kafka's
 * order ends, too. Source: ReplicaManager.findPreferredReadReplica, RackAwareReplicaSelector (KIP-392).
 */
export function preferredReadReplica(
  { leader, isr }: Pick<PartitionImage, 'leader' | 'isr'>,
  brokers: ReadonlyMap<number, BrokerImage>,
  { selector, clientRack }: { readonly selector: string | null; readonly clientRack: string },
): number | undefined {
  if (selector !== replicaSelectors.rackAware || clientRack === '') return undefined
  const isNear = (node: number) => {
    const broker = brokers.get(node)
    return broker?.fenced === false && broker.rack === clientRack
  }
  if (isNear(leader)) return undefined
  const near = isr.filter(isNear)
  return near.length === 0 ? undefined : Math.max(...near)
}
