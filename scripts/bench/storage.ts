import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leaseOf } from '../../protocol/buffer-pool.ts'
import { isRejection } from '../../protocol/error-codes.ts'
import { RecordBatch } from '../../protocol/records/record-batch.ts'
import { brokerSettingsOf } from '../../src/config/broker-start.ts'
import { ConfigStore } from '../../src/config/config-store.ts'
import { nodeHost } from '../../storage/host/node-host.ts'
import { LogManager } from '../../storage/log-manager.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import { sampleBatch } from './load.ts'
import type { Figure, Section } from './section.ts'

const GB = 1e9
const READ_BYTES = 1_048_576
/** Received buffers that are used in turn, so that no write is served from the processor's cache alone. */
const BUFFERS = 64
const TOPIC = 'storage'
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAABQ'

/** What is appended: batches of so many records of that size, so many of them in one turn of the event loop. */
interface Load {
  readonly name: string
  readonly recordBytes: number
  readonly records: number
  readonly batchesATurn: number
  readonly bytes: number
}

const loads: readonly Load[] = [
  { name: '100 B records', recordBytes: 100, records: 600, batchesATurn: 1, bytes: GB },
  { name: '1 KB records', recordBytes: 1000, records: 64, batchesATurn: 1, bytes: GB },
  { name: 'small batches', recordBytes: 100, records: 1, batchesATurn: 32, bytes: 0.02 * GB },
]

/** CPU of a partition's log, without broker and sockets, beside that of a bare loop of the same writes, reads and checksums. */
export const storage: Section = {
  name: 'storage',
  cold: true,
  alone: true,
  async run(_, { quick }) {
    const figures: Figure[] = []
    for (const load of loads) figures.push(...(await measured({ ...load, bytes: quick ? load.bytes / 4 : load.bytes })))
    return figures
  },
}

async function measured(load: Load): Promise<Figure[]> {
  const directory = fs.mkdtempSync(join(tmpdir(), 'ottla-bench-'))
  try {
    const buffers = Array.from({ length: BUFFERS }, () => sampleBatch(load.recordBytes, load.records))
    const turns = Math.ceil(load.bytes / (buffers[0]!.length * load.batchesATurn))
    const file = join(directory, 'bare')
    const bareWrite = await cpuOf(async () => writeBare(file, buffers, turns, load.batchesATurn))
    const bareRead = await cpuOf(() => readBare(file))
    fs.rmSync(file)
    const write = await withLog(directory, (log) => cpuOf(() => writeLog(log, buffers, turns, load.batchesATurn)))
    // In a log of its own, nothing is in memory any more.
    const read = await withLog(directory, (log) => cpuOf(() => readLog(log)))
    const gigabytes = (turns * load.batchesATurn * buffers[0]!.length) / GB
    return [
      ...figuresOf(`append, ${load.name}`, write / gigabytes, bareWrite / gigabytes),
      ...figuresOf(`read, ${load.name}`, read / gigabytes, bareRead / gigabytes),
    ]
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

function figuresOf(what: string, ours: number, bare: number): Figure[] {
  return [
    { name: what, unit: 's/GB', value: ours, best: 'lowest' },
    { name: `${what}, bare`, unit: 's/GB', value: bare, best: 'lowest' },
    { name: `${what}, ratio`, unit: '', value: ours / bare, best: 'lowest' },
  ]
}

/** User and system CPU seconds of this process, all threads, while the work went on. */
async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

async function writeBare(file: string, buffers: readonly Buffer[], turns: number, batchesATurn: number): Promise<void> {
  const descriptor = fs.openSync(file, 'w')
  let position = 0
  for (let turn = 0, next = 0; turn < turns; turn++) {
    const slices: Buffer[] = []
    for (let i = 0; i < batchesATurn; i++) {
      const batch = new RecordBatch(buffers[next++ % BUFFERS]!)
      if (!batch.hasValidCrc()) throw new Error('a checksum does not fit')
      slices.push(batch.bytes)
    }
    position += fs.writevSync(descriptor, slices, position)
    await new Promise((resolve) => setImmediate(resolve))
  }
  fs.closeSync(descriptor)
}

async function readBare(file: string): Promise<void> {
  const descriptor = fs.openSync(file, 'r')
  const { size } = fs.fstatSync(descriptor)
  const target = Buffer.allocUnsafe(READ_BYTES)
  for (let position = 0; position < size; ) {
    position += await new Promise<number>((resolve, reject) => {
      fs.read(descriptor, target, 0, READ_BYTES, position, (error, count) => (error ? reject(error) : resolve(count)))
    })
  }
  fs.closeSync(descriptor)
}

/** A log as the broker has it by default. */
async function withLog<T>(directory: string, work: (log: PartitionLog) => Promise<T>): Promise<T> {
  const { static: given } = brokerSettingsOf(new Map([['log.dirs', directory]]))
  const configs = new ConfigStore(given, 1)
  const host = nodeHost((reason) => {
    throw reason
  })
  const logs = new LogManager({
    host,
    directories: [{ path: directory, directoryId: TOPIC_ID }],
    settings: configs.live,
  })
  await logs.start((topic) => configs.topic(topic))
  const result = await work(logs.create(TOPIC, 0, TOPIC_ID, configs.topic(TOPIC)))
  await logs.stop()
  return result
}

async function writeLog(
  log: PartitionLog,
  buffers: readonly Buffer[],
  turns: number,
  batchesATurn: number,
): Promise<void> {
  for (let turn = 0, next = 0; turn < turns; turn++) {
    const nowMs = Date.now()
    const appends: Promise<unknown>[] = []
    for (let i = 0; i < batchesATurn; i++) {
      const bytes = buffers[next++ % BUFFERS]!
      new RecordBatch(bytes).baseOffset = 0 // as a client sends it
      const lease = leaseOf(bytes)
      appends.push(log.append(bytes, { origin: 'client', leaderEpoch: 0, produceVersion: 9, nowMs, lease }))
      lease.release()
    }
    for (const answer of await Promise.all(appends)) if (isRejection(answer)) throw new Error(answer.error)
  }
}

async function readLog(log: PartitionLog): Promise<void> {
  const read = { maxBytes: READ_BYTES, minOneBatch: true, upToOffset: log.logEndOffset }
  for (let offset = 0; offset < log.logEndOffset; ) {
    const result = await log.read(offset, read)
    if (isRejection(result)) throw new Error(result.error)
    offset = result.nextOffset
    result.release()
  }
}
