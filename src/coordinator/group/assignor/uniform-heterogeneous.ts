import {
  type AssignmentTask,
  addPartition,
  copyOf,
  type MutablePartitions,
  removePartition,
  type TopicPartitions,
} from './assignor.ts'
import { MemberBalancer } from './member-balancer.ts'

/** Most balancing rounds over all topics. */
const MAX_ROUNDS = 16
const NOBODY = -1

/**
 * For members with different subscriptions. Each member keeps its current partitions of topics it still reads. Free
 * partitions go to the member with the fewest. Then partitions move, topic by topic, from the members with the most to
 * those with the fewest. Source: UniformHeterogeneousAssignmentBuilder.
 */
export function assignHeterogeneous(task: AssignmentTask): ReadonlyMap<string, TopicPartitions> {
  return new HeterogeneousAssignment(task).assign()
}

class HeterogeneousAssignment {
  readonly #task: AssignmentTask
  readonly #assignment: readonly MutablePartitions[]
  /** Number of partitions by member index. */
  readonly #loads: number[]
  /** Indexes of each topic's subscribers. */
  readonly #readers = new Map<string, number[]>()
  /** Owner's index of each partition of a topic. */
  readonly #owners = new Map<string, number[]>()
  readonly #balancer: MemberBalancer

  constructor(task: AssignmentTask) {
    this.#task = task
    this.#loads = task.members.map(() => 0)
    this.#balancer = new MemberBalancer(this.#loads)
    task.members.forEach(({ topicIds }, index) => {
      for (const topicId of topicIds) this.#addReader(topicId, index)
    })
    this.#assignment = task.members.map(({ assigned, topicIds }, index) => this.#keep(assigned, topicIds, index))
  }

  assign(): ReadonlyMap<string, TopicPartitions> {
    if (this.#readers.size === 0) return new Map()
    this.#handOutFree()
    this.#balance()
    return new Map(this.#task.members.map(({ memberId }, index) => [memberId, this.#assignment[index]!]))
  }

  #addReader(topicId: string, index: number): void {
    const readers = this.#readers.get(topicId)
    if (readers !== undefined) {
      readers.push(index)
      return
    }
    this.#readers.set(topicId, [index])
    this.#owners.set(topicId, new Array<number>(this.#task.partitionCount(topicId)).fill(NOBODY))
  }

  #keep(assigned: TopicPartitions, topicIds: ReadonlySet<string>, index: number): MutablePartitions {
    const kept = copyOf(assigned, topicIds)
    for (const [topicId, partitions] of kept) {
      this.#loads[index]! += partitions.size
      for (const partition of partitions) this.#owners.get(topicId)![partition] = index
    }
    return kept
  }

  #handOutFree(): void {
    const isFree = (owner: number) => owner === NOBODY
    const withFree = [...this.#owners].filter(([, owners]) => owners.some(isFree)).map(([topicId]) => topicId)
    for (const topicId of this.#hardestFirst(withFree)) {
      this.#balancer.start(this.#readers.get(topicId)!)
      this.#owners.get(topicId)!.forEach((owner, partition) => {
        if (isFree(owner)) this.#move(topicId, partition, this.#balancer.nextLeastLoaded())
      })
    }
  }

  /** Repeats until a round moves nothing. */
  #balance(): void {
    const movable = [...this.#readers].filter(([, readers]) => readers.length >= 2).map(([topicId]) => topicId)
    const topicIds = this.#hardestFirst(movable)
    let lastMoved = -1
    for (let round = 0; round < MAX_ROUNDS; round++) {
      for (const [index, topicId] of topicIds.entries()) {
        if (index === lastMoved) return
        if (this.#balanceTopic(topicId) > 0 || lastMoved === -1) lastMoved = index
      }
    }
  }

  /** Returns how many partitions moved. */
  #balanceTopic(topicId: string): number {
    if (this.#balancer.start(this.#readers.get(topicId)!) <= 1) return 0
    const owned = partitionsByOwner(this.#owners.get(topicId)!)
    let moved = 0
    while (!this.#balancer.isBalanced) {
      const partition = this.#takeFromMostLoaded(owned)
      if (partition === undefined) break
      const least = this.#balancer.nextLeastLoaded()
      if (this.#balancer.isBalanced) break
      this.#move(topicId, partition, least)
      moved++
    }
    return moved
  }

  #takeFromMostLoaded(owned: ReadonlyMap<number, number[]>): number | undefined {
    for (;;) {
      const most = this.#balancer.nextMostLoaded()
      if (most === NOBODY) return undefined
      const partition = owned.get(most)?.pop()
      if (partition !== undefined) return partition
      this.#balancer.excludeMostLoaded()
    }
  }

  #move(topicId: string, partition: number, to: number): void {
    const owners = this.#owners.get(topicId)!
    const from = owners[partition]!
    if (from !== NOBODY) {
      removePartition(this.#assignment[from]!, topicId, partition)
      this.#loads[from]!--
    }
    addPartition(this.#assignment[to]!, topicId, partition)
    this.#loads[to]!++
    owners[partition] = to
  }

  /** Topics with the most partitions per subscriber first, then those with fewer subscribers. */
  #hardestFirst(topicIds: readonly string[]): string[] {
    const partitions = (topicId: string) => this.#owners.get(topicId)!.length
    const readers = (topicId: string) => this.#readers.get(topicId)!.length
    return [...topicIds].sort(
      (a, b) =>
        partitions(b) / readers(b) - partitions(a) / readers(a) || readers(a) - readers(b) || compareUuids(a, b),
    )
  }
}

function partitionsByOwner(owners: readonly number[]): Map<number, number[]> {
  const owned = new Map<number, number[]>()
  owners.forEach((owner, partition) => {
    const known = owned.get(owner)
    if (known === undefined) owned.set(owner, [partition])
    else known.push(partition)
  })
  return owned
}

/** Compares as two signed 64-bit numbers. Source: Uuid.compareTo. */
function compareUuids(a: string, b: string): number {
  const [left, right] = [Buffer.from(a, 'base64url'), Buffer.from(b, 'base64url')]
  for (const position of [0, 8]) {
    const [x, y] = [left.readBigInt64BE(position), right.readBigInt64BE(position)]
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}
