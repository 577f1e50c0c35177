import type { StoredLog } from './stored-log.ts'

/** The logs of a broker, by topic and partition. */
export class StoredLogs implements Iterable<StoredLog> {
  readonly #byTopic = new Map<string, Map<number, StoredLog>>()

  find(topic: string, partition: number): StoredLog | undefined {
    return this.#byTopic.get(topic)?.get(partition)
  }

  ofTopic(topic: string): Iterable<StoredLog> {
    return this.#byTopic.get(topic)?.values() ?? []
  }

  /** Those in one of the broker's log directories. */
  inDirectory(logDirectory: string): readonly StoredLog[] {
    return [...this].filter((stored) => stored.logDirectory === logDirectory)
  }

  *[Symbol.iterator](): Generator<StoredLog> {
    for (const partitions of this.#byTopic.values()) yield* partitions.values()
  }

  has(stored: StoredLog): boolean {
    return this.find(stored.topic, stored.partition) === stored
  }

  add(stored: StoredLog): void {
    const partitions = this.#byTopic.get(stored.topic)
    if (partitions === undefined) this.#byTopic.set(stored.topic, new Map([[stored.partition, stored]]))
    else partitions.set(stored.partition, stored)
  }

  delete(stored: StoredLog): void {
    const partitions = this.#byTopic.get(stored.topic)
    partitions?.delete(stored.partition)
    if (partitions?.size === 0) this.#byTopic.delete(stored.topic)
  }
}
