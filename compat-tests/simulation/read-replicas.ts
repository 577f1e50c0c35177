import type { PartitionImage } from '../../src/metadata/metadata-image.ts'
import type { Clock } from '../../storage/host/host.ts'
import type { PartitionHistory } from './broker-model.ts'
import type { SimulatedBroker } from './simulated-broker.ts'
import { check } from './storage-model.ts'

/** Time after which a consumer asks the leader again which replica to read from: metadata.max.age.ms, made short. */
const EXPIRES_AFTER_MS = 60_000

/**
 * The replicas from which a consumer with a rack reads instead of leaders. Source: SubscriptionState,
 * AbstractFetch.selectReadReplica.
 */
export class ReadReplicas {
  readonly #clock: Clock
  readonly #preferred = new Map<PartitionHistory, { readonly nodeId: number; readonly untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A leader named this replica. */
  prefer(partition: PartitionHistory, nodeId: number): void {
    this.#preferred.set(partition, { nodeId, untilMs: this.#clock.monotonicMs() + EXPIRES_AFTER_MS })
  }

  /** Undefined: the leader. */
  of(partition: PartitionHistory): number | undefined {
    const preferred = this.#preferred.get(partition)
    return preferred === undefined || preferred.untilMs <= this.#clock.monotonicMs() ? undefined : preferred.nodeId
  }

  /** The leader is asked next. True if it was another replica. */
  forget(partition: PartitionHistory): boolean {
    const before = this.of(partition)
    this.#preferred.delete(partition)
    return before !== undefined
  }

  /** A connection to the broker is lost. */
  lost(nodeId: number): void {
    for (const [partition, preferred] of this.#preferred)
      if (preferred.nodeId === nodeId) this.#preferred.delete(partition)
  }
}

/** What a broker answered about the replica to read from, while the partition's metadata did not change. */
export interface NamedReplica {
  readonly name: string
  readonly image: PartitionImage
  /** The broker that answered. */
  readonly nodeId: number
  /** The consumer's; empty: it has none. */
  readonly rack: string
  /** -1: itself. */
  readonly preferredReadReplica: number
}

/** Only a leader in another rack names a replica: one in sync in the consumer's rack, if there is one. */
export function checkReplica(broker: SimulatedBroker, named: NamedReplica): void {
  const { name, image, nodeId, rack, preferredReadReplica } = named
  const near = image.isr.filter((node) => rack !== '' && broker.rackOf(node) === rack)
  const isAway = nodeId === image.leader && near.length > 0 && !near.includes(nodeId)
  const isRight = isAway ? near.includes(preferredReadReplica) : preferredReadReplica === -1
  const asked = `${nodeId} is asked from rack ${rack}, ${image.leader} leads, ${near} of ${image.isr} are near`
  check(isRight, `${name}: ${preferredReadReplica} is to be read: ${asked}`)
}
