import { type Rejection, reject } from '../../protocol/error-codes.ts'
import type { BrokerImage } from './metadata-image.ts'

/** Replicas of each new partition, preferred leader first. */
export type Placement = readonly (readonly number[])[]

export interface PlacementWish {
  readonly partitionCount: number
  readonly replicationFactor: number
  /** A random integer from 0 to below bound. */
  random(bound: number): number
}

/**
 * Assigns replicas: leaders in turn from a random start, one rack after the other; followers are the next brokers of
 * the next racks. Fenced brokers lead nothing and come last in their rack. When each broker has had its turn, all are
 * shuffled. Refuses with INVALID_REPLICATION_FACTOR in Kafka's words. Source: StripedReplicaPlacer.
 */
export function placeReplicas(brokers: readonly BrokerImage[], wish: PlacementWish): Placement | Rejection {
  const { partitionCount, replicationFactor } = wish
  const fault = placementFault(brokers, replicationFactor)
  if (fault !== undefined)
    return reject(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): ${fault}`,
    )
  const racks = new RackList(brokers, (bound) => wish.random(bound))
  return Array.from({ length: partitionCount }, () => racks.place(replicationFactor))
}

type Random = (bound: number) => number

/** Brokers of a rack in the same state. Each turn starts with the next of them. */
class BrokerTurns {
  readonly #brokers: number[]
  #first: number
  #turn = 0
  #taken = 0

  constructor(brokers: readonly number[], random: Random) {
    this.#brokers = [...brokers].sort((a, b) => a - b)
    this.#first = brokers.length === 0 ? 0 : random(brokers.length)
  }

  /** The next broker that is not taken in this turn; undefined if all are. */
  next(turn: number): number | undefined {
    const { length } = this.#brokers
    if (length === 0) return undefined
    if (turn !== this.#turn) {
      this.#turn = turn
      this.#taken = 0
      this.#first = (this.#first + 1) % length
    }
    return this.#taken === length ? undefined : this.#brokers[(this.#first + this.#taken++) % length]
  }

  shuffle(random: Random): void {
    shuffle(this.#brokers, random)
  }
}

interface Rack {
  readonly unfenced: BrokerTurns
  readonly fenced: BrokerTurns
}

class RackList {
  readonly #racks: Rack[]
  readonly #random: Random
  readonly #unfencedCount: number
  #first: number
  #turn = 0

  constructor(brokers: readonly BrokerImage[], random: Random) {
    const names = [...new Set(brokers.map(({ rack }) => rack))].sort(compareRacks)
    const turns = (name: string | null, isFenced: boolean) =>
      new BrokerTurns(
        brokers.filter(({ rack, fenced }) => rack === name && fenced === isFenced).map(({ nodeId }) => nodeId),
        random,
      )
    this.#racks = names.map((name) => ({ fenced: turns(name, true), unfenced: turns(name, false) }))
    this.#random = random
    this.#unfencedCount = brokers.filter(({ fenced }) => !fenced).length
    this.#first = random(this.#racks.length)
  }

  /** Replicas of the next partition. There is an unfenced broker, and there are enough brokers. */
  place(replicationFactor: number): number[] {
    if (this.#turn === this.#unfencedCount && this.#unfencedCount > 1) this.#shuffle()
    const count = this.#racks.length
    this.#first %= count
    let leaderRack = this.#first
    let leader = this.#racks[leaderRack]!.unfenced.next(this.#turn)
    while (leader === undefined) {
      leaderRack = (leaderRack + 1) % count
      leader = this.#racks[leaderRack]!.unfenced.next(this.#turn)
    }
    const replicas = [leader]
    // The leader's rack is passed over once: it has its replica.
    for (let rack = this.#first, passesLeader = true; replicas.length < replicationFactor; rack = (rack + 1) % count) {
      if (passesLeader && rack === leaderRack) {
        passesLeader = false
        continue
      }
      const { unfenced, fenced } = this.#racks[rack]!
      const follower = unfenced.next(this.#turn) ?? fenced.next(this.#turn)
      if (follower !== undefined) replicas.push(follower)
    }
    this.#turn++
    this.#first++
    return replicas
  }

  #shuffle(): void {
    shuffle(this.#racks, this.#random)
    for (const { fenced, unfenced } of this.#racks) {
      fenced.shuffle(this.#random)
      unfenced.shuffle(this.#random)
    }
    this.#turn = 0
  }
}

/** Brokers without a rack are a rack of their own, the first. */
function compareRacks(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null)
  return a < b ? -1 : Number(a > b)
}

/** Source: java.util.Collections.shuffle. */
function shuffle<T>(items: T[], random: Random): void {
  for (let count = items.length; count > 1; count--) {
    const other = random(count)
    const last = items[count - 1]!
    items[count - 1] = items[other]!
    items[other] = last
  }
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
  rules: { takesReplicas(broker: number): boolean } = { takesReplicas: () => true },
): string | undefined {
  if (replicas.length === 0) return 'The manual partition assignment includes an empty replica list.'
  let previous: number | undefined
  for (const broker of [...replicas].sort((a, b) => a - b)) {
    if (!brokers.has(broker))
      return `The manual partition assignment includes broker ${broker}, but no such broker is registered.`
    if (!rules.takesReplicas(broker))
      return `The manual partition assignment includes broker ${broker}, but all its log directories are cordoned.`
    if (broker === previous) return `The manual partition assignment includes the broker ${broker} more than once.`
    previous = broker
  }
  if (replicationFactor === undefined || replicas.length === replicationFactor) return undefined
  return (
    `The manual partition assignment includes a partition with ${replicas.length} replica(s), but this is not ` +
    `consistent with previous partitions, which have ${replicationFactor} replica(s).`
  )
}
