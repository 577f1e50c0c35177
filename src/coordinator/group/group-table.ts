import { ClassicGroup } from './classic/classic-group.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import type { Group } from './group.ts'

/** The groups of one shard, of either protocol, by id. */
export class GroupTable {
  readonly #groups = new Map<string, Group>()

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  /** The group if it is a classic one. */
  classic(groupId: string): ClassicGroup | undefined {
    const group = this.#groups.get(groupId)
    return group?.kind === 'classic' ? group : undefined
  }

  /** A new group that nobody is in takes its place in the table. Only where there is none. */
  createClassic(groupId: string, nowMs: number): ClassicGroup {
    const group = ClassicGroup.empty(groupId, nowMs)
    this.#groups.set(groupId, group)
    return group
  }

  /** The group if it is one of the consumer protocol. */
  consumer(groupId: string): ConsumerGroup | undefined {
    const group = this.#groups.get(groupId)
    return group?.kind === 'consumer' ? group : undefined
  }

  /**
   * The consumer group that a record speaks of, made if need be: also in the place of a classic group that holds
   * nothing but offsets. Source: GroupMetadataManager.getOrMaybeCreatePersistedConsumerGroup.
   */
  replayedConsumer(groupId: string): ConsumerGroup {
    const known = this.#groups.get(groupId)
    if (known?.kind === 'consumer') return known
    if (known !== undefined && !known.isSimple) throw new Error(`Group ${groupId} is not a consumer group.`)
    const group = new ConsumerGroup(groupId)
    this.#groups.set(groupId, group)
    return group
  }

  set(group: Group): void {
    this.#groups.set(group.groupId, group)
  }

  delete(groupId: string): void {
    this.#groups.delete(groupId)
  }

  get size(): number {
    return this.#groups.size
  }

  [Symbol.iterator](): IterableIterator<Group> {
    return this.#groups.values()
  }
}
