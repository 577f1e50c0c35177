import { buildBatch } from '../protocol/records/batch-builder.ts'
import { batchesOf } from '../protocol/records/record-batch.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { logConfig } from './log-config.fixture.ts'
import { managerSettings, TOPIC, TOPIC_ID } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'
import type { LogConfig, PartitionLog } from './partition-log.ts'

/** A partition in /a, and a second data directory, /b. */
export class MovingLog {
  readonly host: SimulatedHost
  readonly settings = { ...managerSettings }
  /** Log lines of warnings and errors. */
  readonly complaints: string[] = []
  /** Directories that were recorded in the metadata. */
  readonly assigned: string[] = []
  readonly config: LogConfig
  readonly directories: readonly string[]
  manager!: LogManager

  constructor(config: Partial<LogConfig> = {}, { seed = 1, directories = ['/a', '/b'] } = {}) {
    this.host = new SimulatedHost(seed)
    this.config = logConfig({ fileDeleteDelayMs: 1000, ...config })
    this.directories = directories
  }

  /** Starts the manager, and goes on with moves. */
  async start(): Promise<this> {
    const complain = (fields: object, message: string) =>
      void this.complaints.push(`${message} ${JSON.stringify(fields)}`)
    this.manager = new LogManager({
      host: this.host,
      directories: this.directories.map((path) => ({ path, directoryId: `id of ${path}` })),
      settings: this.settings,
      logger: { error: complain, warn: complain, info() {} },
      onDirectoryFailed: () => {},
    })
    await this.host.settle(this.manager.start(() => this.config))
    this.manager.resumeMoves(async (_topic, _partition, directoryId) => void this.assigned.push(directoryId))
    return this
  }

  create(): PartitionLog {
    return this.manager.createNow(TOPIC, 0, TOPIC_ID, this.config)
  }

  get log(): PartitionLog {
    return this.manager.getNow(TOPIC, 0)!
  }

  batch(value: string): Buffer {
    return buildBatch([{ key: 'key', value, timestamp: this.host.clock.nowMs() }])
  }

  append(value: string, log = this.log) {
    const nowMs = this.host.clock.nowMs()
    return log.append(this.batch(value), { origin: 'client', leaderEpoch: log.latestEpoch ?? 0, nowMs })
  }

  async appendAll(values: readonly string[]): Promise<void> {
    for (const value of values) await this.host.settle(this.append(value))
  }

  move(to = '/b') {
    return this.manager.move(TOPIC, 0, to)
  }

  /** Path of the directory of the partition's log; undefined: it has none. */
  get directory(): string | undefined {
    return this.directories.find((path) => this.host.memory.exists(`${path}/${TOPIC}-0`))
  }

  /** Names of the partition's directories, without their unique ids. */
  names(): string[] {
    return this.directories
      .flatMap((path) => this.host.memory.list(path).map((name) => `${path}/${name}`))
      .filter((name) => name.includes(`${TOPIC}-0`))
      .map((name) => name.replace(/\.[0-9a-f]{32}-/, '-'))
  }

  /** Lets time pass until the partition is where it is to be, and its old files are removed. */
  untilMoved(to = '/b'): Promise<void> {
    return this.until(() => this.names().join() === `${to}/${TOPIC}-0`, 100)
  }

  /** Lets time pass in steps until the condition holds. */
  async until(condition: () => boolean, stepMs = 1): Promise<void> {
    for (let i = 0; !condition(); i++) {
      if (this.host.fatalReason !== undefined) throw this.host.fatalReason
      if (i === 2000) throw new Error(`still in ${this.names().join()}: ${this.complaints.join('\n')}`)
      await this.host.advance(stepMs)
    }
  }

  /** Values of all records from the log start offset on, each with its offset. */
  async values(): Promise<[number, string][]> {
    const { log } = this
    const found: [number, string][] = []
    for (let offset = log.logStartOffset; offset < log.highWatermark; ) {
      const read = await this.host.settle(
        log.read(offset, { maxBytes: 1000, minOneBatch: true, upToOffset: log.highWatermark }),
      )
      if ('error' in read) throw new Error(`offset ${offset}: ${read.error}`)
      if (read.sizeBytes === 0) break
      const bytes = Buffer.concat(read.slices)
      for (const batch of batchesOf(bytes, 0, bytes.length).batches)
        found.push([batch.baseOffset, valueIn(batch.bytes)])
      read.release()
      offset = read.nextOffset
    }
    return found
  }
}

/** The records have keys of three bytes, and no headers. */
function valueIn(batch: Buffer): string {
  return /key.(.*)\0$/s.exec(batch.toString('latin1'))![1]!
}
