import type { StoredLog } from './stored-log.ts'

/** The logs of a broker, by topic and partition. */
export class StoredLogs implements Iterable<StoredLog> {
  readonly #byTopic = new Map<string, Map<number, StoredLog>>()
  /** Number of logs in each log directory. */
  readonly #counts = new Map<string, number>()

  find(topic: string, partition: number): StoredLog | undefined {
    return this.#byTopic.get(topic)?.get(partition)
  }

  ofTopic(topic: string): Iterable<StoredLog> {
    return this.#byTopic.get(topic)?.values() ?? []
  }

  /** The logs in one log directory. */
  inDirectory(logDirectory: string): readonly StoredLog[] {
    return [...this.eachInDirectory(logDirectory)]
  }

  /** The same one by one; logs may be added and deleted meanwhile. */
  *eachInDirectory(logDirectory: string): Generator<StoredLog> {
    for (const stored of this) if (stored.logDirectory === logDirectory) yield stored
  }

  /** Number of logs in one log directory. */
  countIn(logDirectory: string): number {
    return this.#counts.get(logDirectory) ?? 0
  }

  *[Symbol.iterator](): Generator<StoredLog> {
    for (const partitions of this.#byTopic.values()) yield* partitions.values()
  }

  has(stored: StoredLog): boolean {
    return this.find(stored.topic, stored.partition) === stored
  }

  add(stored: StoredLog): void {
    const before = this.find(stored.topic, stored.partition)
    if (before !== undefined) this.delete(before)
    this.#counts.set(stored.logDirectory, this.countIn(stored.logDirectory) + 1)
    const partitions = this.#byTopic.get(stored.topic)
    if (partitions === undefined) this.#byTopic.set(stored.topic, new Map([[stored.partition, stored]]))
    else partitions.set(stored.partition, stored)
  }

  delete(stored: StoredLog): void {
    const partitions = this.#byTopic.get(stored.topic)
    const removed = partitions?.get(stored.partition)
    if (partitions === undefined || removed === undefined) return
    partitions.delete(stored.partition)
    this.#counts.set(removed.logDirectory, this.countIn(removed.logDirectory) - 1)
    if (partitions.size === 0) this.#byTopic.delete(stored.topic)
  }
}
