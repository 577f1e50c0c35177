/**
 * Members of one topic, ordered by their total number of partitions. It returns the least and the most loaded in turn,
 * while the caller moves one partition from the latter to the former. Loads are never sorted again: the least loaded
 * members form a range at the start that grows by members with one partition more; the most loaded form a range at the
 * end. Source: MemberAssignmentBalancer in Kafka's UniformHeterogeneousAssignmentBuilder.
 */
export class MemberBalancer {
  readonly #loads: readonly number[]
  #sorted: number[] = []
  /** Members before this position have the least load, #leastLoad. */
  #leastEnd = 0
  #leastLoad = -1
  #nextLeast = 0
  /** Members from here to #mostEnd have the greatest load, #mostLoad. */
  #mostStart = 0
  #mostEnd = 0
  #mostLoad = 1
  #nextMost = -1

  /** Loads by member index: read, never written. */
  constructor(loads: readonly number[]) {
    this.#loads = loads
  }

  /** Starts with a topic's subscribers; returns the difference between the greatest and the least load. */
  start(members: readonly number[]): number {
    this.#sorted = [...members].sort((a, b) => this.#loads[a]! - this.#loads[b]! || a - b)
    const least = this.#load(0)
    const most = this.#load(this.#sorted.length - 1)
    this.#leastEnd = 0
    this.#leastLoad = least - 1
    this.#nextLeast = 0
    this.#mostStart = this.#sorted.length
    this.#mostEnd = this.#sorted.length
    this.#mostLoad = most + 1
    this.#nextMost = this.#sorted.length - 1
    return most - least
  }

  nextLeastLoaded(): number {
    if (this.#nextLeast >= this.#leastEnd) {
      this.#leastLoad++
      while (this.#leastEnd < this.#sorted.length && this.#load(this.#leastEnd) === this.#leastLoad) this.#leastEnd++
      this.#nextLeast = 0
    }
    return this.#sorted[this.#nextLeast++]!
  }

  /** -1: none is left. */
  nextMostLoaded(): number {
    if (this.#nextMost < this.#mostStart) {
      const isUsedUp = this.#mostEnd <= this.#mostStart && this.#mostStart > 0
      this.#mostLoad = isUsedUp ? this.#load(this.#mostStart - 1) : this.#mostLoad - 1
      while (this.#mostStart > 0 && this.#load(this.#mostStart - 1) === this.#mostLoad) this.#mostStart--
      this.#nextMost = this.#mostEnd - 1
    }
    if (this.#nextMost < 0) return -1
    return this.#sorted[this.#nextMost--]!
  }

  /** Excludes the member last returned as most loaded: it has no partition of this topic to give. */
  excludeMostLoaded(): void {
    const position = this.#nextMost + 1
    const excluded = this.#sorted[position]!
    this.#sorted[position] = this.#sorted[this.#mostEnd - 1]!
    this.#sorted[this.#mostEnd - 1] = excluded
    this.#mostEnd--
  }

  get isBalanced(): boolean {
    return this.#mostLoad - this.#leastLoad <= 1
  }

  #load(position: number): number {
    return this.#loads[this.#sorted[position]!]!
  }
}
