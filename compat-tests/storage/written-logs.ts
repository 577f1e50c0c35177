import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRejection } from '../../protocol/error-codes.ts'
import { type BatchOptions, buildBatch, type NewRecord } from '../../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch } from '../../protocol/records/control-records.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import { nodeHost } from '../../storage/host/node-host.ts'
import { logConfig } from '../../storage/log-config.fixture.ts'
import { managerSettings } from '../../storage/log-manager.fixture.ts'
import { LogManager } from '../../storage/log-manager.ts'
import type { AppendContext, LogConfig, PartitionLog } from '../../storage/partition-log.ts'
import { waitFor } from '../wait-for.ts'

/** Timestamp of the oldest record: old enough for compaction, recent enough that no producer expires. */
export const FIRST_MS = Date.now() - 3_600_000

/** A record that was appended to a log, with its offset and fields. */
export interface WrittenRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly leaderEpoch: number
  /** -1: none. */
  readonly producerId: number
  readonly sequence: number
  readonly key: string | null
  readonly value: string | null
  readonly headerKeys: readonly string[]
  readonly marker?: { readonly type: 'COMMIT' | 'ABORT'; readonly coordinatorEpoch: number }
}

/** Partition 0 of a topic that Ottla wrote. */
export interface WrittenLog {
  readonly topic: string
  readonly config: LogConfig
  /** In offset order. Of a compacted log: the records that compaction must keep. */
  records: WrittenRecord[]
}

/** A log manager on real files. */
export function realManager(directory: string, settings: Partial<typeof managerSettings> = {}): LogManager {
  const host = nodeHost((reason) => {
    throw reason
  })
  return new LogManager({
    host,
    directories: [{ path: directory, directoryId: 'x' }],
    settings: { ...managerSettings, logCleanerBackoffMs: 20, ...settings },
  })
}

/** Writes one partition through the log's API and keeps what was written. */
class LogWriter implements WrittenLog {
  readonly topic: string
  readonly config: LogConfig
  readonly log: PartitionLog
  records: WrittenRecord[] = []
  leaderEpoch = 0
  #nextTimestampMs = FIRST_MS
  readonly #sequences = new Map<number, number>()

  constructor(manager: LogManager, topic: string, config: LogConfig) {
    this.topic = topic
    this.config = config
    this.log = manager.createNow(topic, 0, topicIdOf(topic), config)
  }

  /** Appends keys and values; a producer's sequence numbers continue. */
  async append(records: readonly NewRecord[], options: BatchOptions = {}): Promise<void> {
    const { producerId } = options
    const baseSequence = producerId === undefined ? -1 : (this.#sequences.get(producerId) ?? 0)
    const stamped = records.map((record) => ({ timestamp: this.#tick(), ...record }))
    const bytes = buildBatch(stamped, { ...options, baseSequence })
    const { baseOffset, logAppendTimeMs } = await this.#put(bytes, 'client')
    if (producerId !== undefined) this.#sequences.set(producerId, baseSequence + records.length)
    stamped.forEach((record, i) => {
      this.records.push({
        offset: baseOffset + i,
        timestampMs: logAppendTimeMs >= 0 ? logAppendTimeMs : record.timestamp!,
        timestampType: logAppendTimeMs >= 0 ? 'LogAppendTime' : 'CreateTime',
        leaderEpoch: this.leaderEpoch,
        producerId: producerId ?? -1,
        sequence: baseSequence < 0 ? -1 : baseSequence + i,
        key: textOf(record.key),
        value: textOf(record.value),
        headerKeys: (record.headers ?? []).map(({ key }) => String(key)),
      })
    })
  }

  /** Ends a transaction like its coordinator. */
  async end(type: 'COMMIT' | 'ABORT', producerId: number, producerEpoch: number, coordinatorEpoch = 3): Promise<void> {
    const timestampMs = this.#tick()
    const bytes = buildEndTransactionBatch({ type, coordinatorEpoch }, { producerId, producerEpoch, timestampMs })
    const { baseOffset } = await this.#put(bytes, 'coordinator')
    this.records.push({
      offset: baseOffset,
      timestampMs,
      timestampType: 'CreateTime',
      leaderEpoch: this.leaderEpoch,
      producerId,
      sequence: -1,
      key: null,
      value: null,
      headerKeys: [],
      marker: { type, coordinatorEpoch },
    })
  }

  async #put(bytes: Buffer, origin: AppendContext['origin']) {
    const nowMs = this.#nextTimestampMs
    const result = await this.log.append(bytes, { origin, leaderEpoch: this.leaderEpoch, nowMs })
    if (isRejection(result)) throw new Error(`${this.topic}: ${result.error} ${result.message}`)
    return result as Exclude<typeof result, { error: string }>
  }

  /** Advances the time, sometimes a step back, as with several clients. */
  #tick(): number {
    this.#nextTimestampMs += 7
    return this.#nextTimestampMs % 5 === 0 ? this.#nextTimestampMs - 40 : this.#nextTimestampMs
  }
}

export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Topic id derived from the name. */
function topicIdOf(topic: string): string {
  return Buffer.from(topic.padEnd(16, '_').slice(0, 16)).toString('base64url')
}

/** Batches of one to nine records: with and without keys, values of all kinds, headers. */
async function fill(writer: LogWriter, batches: number, options: BatchOptions = {}): Promise<void> {
  for (let i = 0; i < batches; i++) {
    const records = Array.from({ length: 1 + (i % 9) }, (_, j): NewRecord => record(i, j))
    await writer.append(records, options)
  }
}

function record(i: number, j: number): NewRecord {
  const value = [`value ${i}.${j} ${'and so on '.repeat((i * j) % 11)}`, `${i * j}`, '', null][(i + j) % 4] as
    | string
    | null
  return {
    key: (i + j) % 3 === 0 ? null : `key ${(i * 7 + j) % 20}`,
    value,
    ...((i + j) % 5 === 0 && {
      headers: [
        { key: 'trace', value: `${i}` },
        { key: 'empty', value: null },
      ],
    }),
  }
}

/**
 * Logs of every kind that Ottla writes, in one log directory: each codec, recompressed, preallocated, by append time,
 * with transactions and several leader epochs, trimmed, compacted. Left as after a clean stop or after kill -9.
 */
export async function writeLogs(directory: string, end: 'stop' | 'kill'): Promise<WrittenLog[]> {
  const live = end === 'stop' ? directory : `${directory}-live`
  const manager = realManager(live)
  const configs = new Map<string, LogConfig>()
  await manager.start((topic) => configs.get(topic)!)
  const writers: LogWriter[] = []
  const open = (topic: string, changes: Partial<LogConfig> = {}): LogWriter => {
    configs.set(topic, logConfig({ segmentBytes: 8000, indexIntervalBytes: 300, ...changes }))
    const writer = new LogWriter(manager, topic, configs.get(topic)!)
    writers.push(writer)
    return writer
  }
  for (const compression of CODECS) await fill(open(`codec.${compression}`), 60, { compression })
  await fill(open('recompressed', { compressionType: 'zstd', segmentBytes: 2000 }), 40, { compression: 'gzip' })
  await fill(open('preallocated', { preallocate: true }), 60)
  await fill(open('append-time', { messageTimestampType: 'LogAppendTime' }), 60)
  await fill(open('idempotent'), 60, { producerId: 4000, producerEpoch: 0 })
  await fillTransactions(open('transactional', { segmentBytes: 1500 }))
  await fillEpochs(open('epochs'))
  await fillTrimmed(open('trimmed'))
  const compacted = { cleanupPolicy: ['compact'], minCleanableDirtyRatio: 0.01, fileDeleteDelayMs: 0 }
  await fillCompacted(open('compacted', compacted), live)
  if (end === 'stop') await manager.stop()
  else {
    cpSync(live, directory, { recursive: true })
    await manager.stop()
  }
  return writers.map(({ topic, config, records }) => ({ topic, config, records }))
}

/** Two producers in parallel with other records between them; one transaction stays open. */
async function fillTransactions(writer: LogWriter): Promise<void> {
  for (let i = 0; i < 12; i++) {
    for (const producerId of [1000, 2000]) {
      await writer.append([record(i, 1), record(i, 2)], { producerId, producerEpoch: 1, transactional: true })
    }
    await writer.append([record(i, 3)])
    await writer.end(i % 3 === 0 ? 'ABORT' : 'COMMIT', 1000, 1)
    if (i % 2 === 1) await writer.end(i % 4 === 1 ? 'ABORT' : 'COMMIT', 2000, 1)
  }
  await writer.append([record(1, 1)], { producerId: 1000, producerEpoch: 1, transactional: true })
}

async function fillEpochs(writer: LogWriter): Promise<void> {
  for (const leaderEpoch of [0, 1, 4, 5]) {
    writer.leaderEpoch = leaderEpoch
    await fill(writer, 20)
  }
}

/** The log start offset is within a batch. */
async function fillTrimmed(writer: LogWriter): Promise<void> {
  await fill(writer, 80)
  await writer.log.deleteRecordsBefore(203)
}

/** Keeps the last value of each key, and all of the active segment. */
async function fillCompacted(writer: LogWriter, directory: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    await writer.append([0, 1, 2].map((j) => ({ key: `key ${(i * 5 + j) % 17}`, value: `value ${i}.${j}` })))
  }
  await writer.log.flush()
  const segments = readdirSync(join(directory, `${writer.topic}-0`)).filter((name) => name.endsWith('.log'))
  const lastBaseOffset = Number.parseInt(segments.sort().at(-1)!, 10)
  await waitFor(
    'the log is compacted',
    () => {
      const checkpoint = readFileSync(join(directory, 'cleaner-offset-checkpoint'), 'utf8')
      return checkpoint.endsWith(`${writer.topic} 0 ${lastBaseOffset}\n`)
    },
    60_000,
  )
  const kept = await offsetsIn(writer.log)
  const lastOffsets = new Map(writer.records.map((each) => [each.key, each.offset]))
  for (const [key, offset] of lastOffsets) if (!kept.has(offset)) throw new Error(`the last ${key} is lost`)
  writer.records = writer.records.filter((each) => kept.has(each.offset))
}

async function offsetsIn(log: PartitionLog): Promise<Set<number>> {
  const offsets = new Set<number>()
  for (let at = log.logStartOffset; at < log.logEndOffset; ) {
    const part = await log.read(at, { maxBytes: 1_000_000, minOneBatch: true, upToOffset: log.logEndOffset })
    if (isRejection(part)) throw new Error(`${part.error} ${part.message}`)
    for (const batch of batchesOf(Buffer.concat(part.slices)).batches) {
      const records = readRecords(batch)
      if (records instanceof RecordFault) throw new Error(records.message)
      for (const { offset } of records) offsets.add(offset)
    }
    at = part.nextOffset
    part.release()
  }
  return offsets
}

function textOf(value: NewRecord['key']): string | null {
  return value === undefined || value === null ? null : String(value)
}

/** Directory of a written log. */
export function partitionDirectory(directory: string, { topic }: WrittenLog): string {
  return join(directory, `${topic}-0`)
}
