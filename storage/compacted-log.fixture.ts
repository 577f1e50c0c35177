import { isRejection } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch } from '../protocol/records/control-records.ts'
import { batchesOf, type RecordBatch } from '../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../protocol/records/record-reader.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import type { Log } from './log/log.ts'
import { logConfig } from './log-config.fixture.ts'
import { logBehind, managerSettings, TOPIC, TOPIC_ID } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'
import type { LogConfig } from './partition-log.ts'
import { silentStorageLogger } from './storage-logger.ts'

export const MINUTE_MS = 60_000

/** A compacted log with a cleaner that runs on demand. */
export class Rig {
  readonly host = new SimulatedHost()
  readonly config: LogConfig
  readonly settings: { -readonly [K in keyof typeof managerSettings]: (typeof managerSettings)[K] }
  /** Called after each pass with its time and its end offset. */
  onPass: (nowMs: number, upToOffset: number) => void = () => {}
  /** Fields of lines of level error. */
  readonly errors: string[] = []
  /** Lines of level warn: message and fields. */
  readonly warnings: string[] = []
  log!: Log
  manager!: LogManager

  constructor(changes: Partial<LogConfig> = {}, settings: Partial<typeof managerSettings> = {}) {
    const compacted = {
      cleanupPolicy: ['compact'],
      segmentBytes: 250,
      indexIntervalBytes: 50,
      minCleanableDirtyRatio: 0,
    }
    this.config = logConfig({ ...compacted, deleteRetentionMs: 10 * MINUTE_MS, ...changes })
    this.settings = { ...managerSettings, logCleanerBackoffMs: MINUTE_MS, logCleanerEnable: false, ...settings }
  }

  newManager(): LogManager {
    return new LogManager({
      host: this.host,
      directories: [{ path: '/data', directoryId: 'x' }],
      settings: this.settings,
      logger: {
        ...silentStorageLogger,
        error: (fields) => this.errors.push(JSON.stringify(fields)),
        warn: (fields, message) => this.warnings.push(`${message} ${JSON.stringify(fields)}`),
        info: (fields, message) => {
          if (message === 'compacted a log') this.onPass(this.nowMs, (fields as { upToOffset: number }).upToOffset)
        },
      },
    })
  }

  async open(): Promise<this> {
    this.manager = this.newManager()
    await this.host.settle(this.manager.start(() => this.config))
    this.log = logBehind(this.manager.createNow(TOPIC, 0, TOPIC_ID, this.config))
    return this
  }

  get nowMs(): number {
    return this.host.clock.nowMs()
  }

  async append(records: readonly (readonly [string, string | null])[], options: object = {}): Promise<void> {
    await this.#put(
      buildBatch(
        records.map(([key, value]) => ({ key, value, timestamp: this.nowMs })),
        options,
      ),
      'client',
    )
  }

  async end(type: 'COMMIT' | 'ABORT', producerId: number): Promise<void> {
    const place = { producerId, producerEpoch: 0, timestampMs: this.nowMs }
    await this.#put(buildEndTransactionBatch({ type, coordinatorEpoch: 0 }, place), 'coordinator')
  }

  async #put(bytes: Buffer, origin: 'client' | 'coordinator'): Promise<void> {
    const result = await this.host.settle(this.log.append(bytes, { origin, leaderEpoch: 0, nowMs: this.nowMs }))
    if (isRejection(result)) throw new Error(`${result.error} ${result.message}`)
  }

  /** Syncs everything and runs the cleaner once. */
  async clean(): Promise<void> {
    await this.host.settle(this.log.flush())
    this.settings.logCleanerEnable = true
    await this.host.advance(this.settings.logCleanerBackoffMs + 1000)
    this.settings.logCleanerEnable = false
  }

  async batches(): Promise<RecordBatch[]> {
    const batches: RecordBatch[] = []
    for (let at = this.log.logStartOffset; at < this.log.logEndOffset; ) {
      const whole = { maxBytes: 1_000_000, minOneBatch: true, upToOffset: this.log.logEndOffset }
      const part = await this.host.settle(this.log.read(at, whole))
      if (isRejection(part)) throw new Error(`${part.error} ${part.message}`)
      batches.push(...batchesOf(Buffer.from(Buffer.concat(part.slices))).batches)
      at = part.nextOffset
      part.release()
    }
    return batches
  }

  /** What a consumer with isolation.level=read_committed sees. */
  async committed(): Promise<Shown[]> {
    const aborted = await this.log.abortedTransactions(this.log.logStartOffset, this.log.logEndOffset)
    const batches = (await this.batches()).filter((batch) => !batch.isControl)
    const isAborted = (batch: RecordBatch) =>
      batch.isTransactional &&
      aborted.some((each) => {
        const { producerId, firstOffset, lastOffset } = each
        return batch.producerId === producerId && batch.baseOffset >= firstOffset && batch.baseOffset < lastOffset
      })
    return batches.filter((batch) => !isAborted(batch)).flatMap(recordsOf)
  }

  /** Stops in order and starts again. */
  async restart(): Promise<void> {
    await this.stop()
    await this.open()
  }

  async stop(): Promise<void> {
    await this.host.settle(this.manager.stop())
  }
}

export interface Shown {
  readonly offset: number
  readonly key: string
  readonly value: string | null
}

export function recordsOf(batch: RecordBatch): Shown[] {
  const records = readRecords(batch)
  if (records instanceof RecordFault) throw new Error(records.message)
  return records.map(({ offset, key, value }) => ({ offset, key: String(key), value: value && String(value) }))
}

export const values = (shown: readonly Shown[]) => shown.map(({ key, value }) => `${key}=${value}`)
