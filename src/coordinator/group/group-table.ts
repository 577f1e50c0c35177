import { ClassicGroup } from './classic/classic-group.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import type { Group } from './group.ts'

/** Groups of one shard, of both protocols, by id. */
export class GroupTable {
  readonly #groups = new Map<string, Group>()

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  /** Returns the group if it is classic. */
  classic(groupId: string): ClassicGroup | undefined {
    const group = this.#groups.get(groupId)
    return group?.kind === 'classic' ? group : undefined
  }

  /** Creates an empty group. There must be none with this id. */
  createClassic(groupId: string, nowMs: number): ClassicGroup {
    const group = ClassicGroup.empty(groupId, nowMs)
    this.#groups.set(groupId, group)
    return group
  }

  /** Returns the group if it uses the consumer protocol. */
  consumer(groupId: string): ConsumerGroup | undefined {
    const group = this.#groups.get(groupId)
    return group?.kind === 'consumer' ? group : undefined
  }

  /**
   * Consumer group of a replayed record. Created if missing, or to replace a classic group that holds only offsets.
   * Source: GroupMetadataManager.getOrMaybeCreatePersistedConsumerGroup.
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
