import type { Rejection } from '../../protocol/error-codes.ts'
import type { LogDirectory, LogStore, StoredPartition } from '../../storage/log-store.ts'
import type { LogConfig } from '../../storage/partition-log.ts'
import { MemoryLog } from './memory-log.fixture.ts'

/** A log store in memory. */
export class MemoryLogStore implements LogStore {
  readonly logs = new Map<string, StoredPartition & { readonly log: MemoryLog }>()
  /** Arguments of updateConfig calls. */
  readonly configured: { topic: string; config: LogConfig }[] = []

  /** Partitions set aside, with the reason. */
  readonly setAsides: string[] = []

  /** Thrown by operations that would change the disk. */
  failure: Error | undefined

  mayHideLogs = false
  /** `topic-0` of partitions whose directory failed. */
  readonly offline = new Set<string>()

  isOffline(topic: string, partition: number): boolean {
    return this.offline.has(`${topic}-${partition}`)
  }

  async start(): Promise<void> {}

  list(): Iterable<StoredPartition> {
    return this.logs.values()
  }
  async get(topic: string, partition: number): Promise<MemoryLog | undefined> {
    return this.logOf(topic, partition)
  }
  logOf(topic: string, partition: number): MemoryLog | undefined {
    return this.logs.get(`${topic}-${partition}`)?.log
  }

  /** Called by `create`, which goes on once the promise has resolved. Left out: it creates the log at once. */
  opening: ((topic: string, partition: number) => Promise<void>) | undefined

  async create(topic: string, partition: number, topicId: string): Promise<MemoryLog> {
    if (this.opening !== undefined) await this.opening(topic, partition)
    return this.make(topic, partition, topicId)
  }
  make(topic: string, partition: number, topicId: string): MemoryLog {
    const known = this.logs.get(`${topic}-${partition}`)
    if (known?.topicId === topicId) return known.log
    if (this.failure !== undefined) throw this.failure
    const log = new MemoryLog()
    this.logs.set(`${topic}-${partition}`, { topic, partition, topicId, log })
    return log
  }
  delete(topic: string, partition: number): void {
    if (this.failure !== undefined) throw this.failure
    this.logs.delete(`${topic}-${partition}`)
  }
  setAside(topic: string, partition: number, why: string): void {
    this.delete(topic, partition)
    this.setAsides.push(`${topic}-${partition} ${why}`)
  }
  directoryOf(topic: string, partition: number): string | undefined {
    return this.logs.has(`${topic}-${partition}`) ? 'd' : undefined
  }
  /** Partitions that were asked to move, and that are to be created in a directory: `topic-0 /data`. */
  readonly moves: string[] = []
  readonly preferred: string[] = []
  /** Answer of `move`. */
  refusal: Rejection | undefined

  move(topic: string, partition: number, directory: string): Rejection | undefined {
    if (this.failure !== undefined) throw this.failure
    this.moves.push(`${topic}-${partition} ${directory}`)
    return this.refusal
  }
  preferDirectory(topic: string, partition: number, directory: string): void {
    this.preferred.push(`${topic}-${partition} ${directory}`)
  }
  resumeMoves(): void {}
  updateConfig(topic: string, config: LogConfig): void {
    this.configured.push({ topic, config })
  }
  directories(): readonly LogDirectory[] {
    const partitions = [...this.logs.values()].map(({ topic, partition, log }) => ({
      topic,
      partition,
      sizeBytes: log.sizeBytes,
    }))
    return [{ path: '/data', directoryId: 'd', failure: undefined, freeBytes: 7, totalBytes: 9, partitions }]
  }
  async stop(): Promise<void> {}
}
