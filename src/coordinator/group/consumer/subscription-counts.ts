/** How many members subscribe to a topic by name, and how many regular expressions match it. */
export interface SubscriptionCount {
  readonly byName: number
  readonly byRegex: number
}

/** Topics that a group subscribes to, with counts. Source: SubscriptionCount, ModernGroup. */
export class SubscriptionCounts {
  readonly #counts: Map<string, SubscriptionCount>

  constructor(counts: ReadonlyMap<string, SubscriptionCount> = new Map()) {
    this.#counts = new Map(counts)
  }

  copy(): SubscriptionCounts {
    return new SubscriptionCounts(this.#counts)
  }

  has(topic: string): boolean {
    return this.#counts.has(topic)
  }

  /** Whether the group subscribes to one of the topics. Costs as much as the smaller of the two sets. */
  hasAny(topics: ReadonlySet<string>): boolean {
    const [few, many] = topics.size < this.#counts.size ? [topics, this.#counts] : [this.#counts, topics]
    for (const topic of few.keys()) if (many.has(topic)) return true
    return false
  }

  topics(): IterableIterator<string> {
    return this.#counts.keys()
  }

  counts(): IterableIterator<SubscriptionCount> {
    return this.#counts.values()
  }

  addNames(topics: Iterable<string>, by: 1 | -1): void {
    for (const topic of topics) this.#change(topic, by, 0)
  }

  addRegexTopics(topics: Iterable<string>, by: 1 | -1): void {
    for (const topic of topics) this.#change(topic, 0, by)
  }

  #change(topic: string, names: number, regexes: number): void {
    const { byName, byRegex } = this.#counts.get(topic) ?? { byName: 0, byRegex: 0 }
    const changed = { byName: Math.max(byName + names, 0), byRegex: Math.max(byRegex + regexes, 0) }
    if (changed.byName === 0 && changed.byRegex === 0) this.#counts.delete(topic)
    else this.#counts.set(topic, changed)
  }
}

/** Adds to a named counter; a counter that reaches 0 is deleted. */
export function addCount(counts: Map<string, number>, name: string, by: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + by
  if (count <= 0) counts.delete(name)
  else counts.set(name, count)
}
