import { partitionDirectoryName } from './segment/file-names.ts'
import type { StoredLog } from './stored-log.ts'

/** The logs of a broker, by topic and partition. */
export class StoredLogs implements Iterable<StoredLog> {
  readonly #byTopic = new Map<string, Map<number, StoredLog>>()
  /** Number of logs in each log directory. */
  readonly #counts = new Map<string, number>()
  /** Copies that will replace logs in other directories, by `topic-0`. */
  readonly #futures = new Map<string, StoredLog>()

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

  /** The copy of a log that is moving to another directory; undefined if it is not. */
  future(topic: string, partition: number): StoredLog | undefined {
    return this.#futures.get(partitionDirectoryName(topic, partition))
  }

  get futures(): Iterable<StoredLog> {
    return this.#futures.values()
  }

  futuresIn(logDirectory: string): readonly StoredLog[] {
    return [...this.#futures.values()].filter((stored) => stored.logDirectory === logDirectory)
  }

  addFuture(stored: StoredLog): void {
    this.#futures.set(stored.name, stored)
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
    if (this.#futures.get(stored.name) === stored) this.#futures.delete(stored.name)
    const partitions = this.#byTopic.get(stored.topic)
    if (partitions === undefined || partitions.get(stored.partition) !== stored) return
    partitions.delete(stored.partition)
    this.#counts.set(stored.logDirectory, this.countIn(stored.logDirectory) - 1)
    if (partitions.size === 0) this.#byTopic.delete(stored.topic)
  }
}
