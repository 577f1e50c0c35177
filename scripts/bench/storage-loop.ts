/**
 * Program: appends to a partition's log and reads it, without broker and sockets, and compares that with a bare loop of
 * the same writes, reads and checksums. Prints the costs as JSON.
 */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leaseOf } from '../../protocol/buffer-pool.ts'
import { isRejection } from '../../protocol/error-codes.ts'
import { RecordBatch } from '../../protocol/records/record-batch.ts'
import { ConfigStore } from '../../src/config/config-store.ts'
import { startSettingsOf } from '../../src/config/start-settings.ts'
import { nodeHost } from '../../storage/host/node-host.ts'
import { LogManager } from '../../storage/log-manager.ts'
import type { PartitionLog } from '../../storage/partition-log.ts'
import { sampleBatch } from './load.ts'

const GB = 1e9
const READ_BYTES = 1_048_576
/** Received buffers that are used in turn, so that not every write is served from the processor's cache. */
const BUFFERS = 64
const TOPIC = 'storage'
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAABQ'

/** Load: records per batch, their size, and batches per turn of the event loop. */
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

const ROUNDS = 3

/** Cost of one load, in CPU seconds per GB. */
export interface StorageCost {
  readonly name: string
  readonly ours: number
  readonly bare: number
}

async function costsOf(load: Load): Promise<StorageCost[]> {
  const directory = fs.mkdtempSync(join(tmpdir(), 'ottla-bench-'))
  try {
    const buffers = Array.from({ length: BUFFERS }, () => sampleBatch(load.recordBytes, load.records))
    const append = { name: `append, ${load.name}`, ours: Number.POSITIVE_INFINITY, bare: Number.POSITIVE_INFINITY }
    const read = { ...append, name: `read, ${load.name}` }
    // The first round is for the compiler.
    for (let round = 0; round <= ROUNDS; round++) {
      const cost = await roundOf(directory, buffers, load)
      if (round === 0) continue
      append.ours = Math.min(append.ours, cost.write)
      append.bare = Math.min(append.bare, cost.bareWrite)
      read.ours = Math.min(read.ours, cost.read)
      read.bare = Math.min(read.bare, cost.bareRead)
    }
    return [append, read]
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

async function roundOf(directory: string, buffers: readonly Buffer[], { bytes, batchesATurn }: Load) {
  const turns = Math.ceil(bytes / (buffers[0]!.length * batchesATurn))
  const gigabytes = (turns * batchesATurn * buffers[0]!.length) / GB
  const file = join(directory, 'bare')
  const bareWrite = await cpuOf(async () => writeBare(file, buffers, turns, batchesATurn))
  const bareRead = await cpuOf(() => readBare(file))
  fs.rmSync(file)
  const own = join(directory, 'log')
  const write = await withLog(own, (log) => cpuOf(() => writeLog(log, buffers, turns, batchesATurn)))
  // After the log is reopened, nothing is in memory any more.
  const read = await withLog(own, (log) => cpuOf(() => readLog(log)))
  fs.rmSync(own, { recursive: true })
  return {
    write: write / gigabytes,
    read: read / gigabytes,
    bareWrite: bareWrite / gigabytes,
    bareRead: bareRead / gigabytes,
  }
}

/** User and system CPU seconds of this process, all threads, during the work. */
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

/** A log with the broker's defaults. */
async function withLog<T>(directory: string, work: (log: PartitionLog) => Promise<T>): Promise<T> {
  const [{ static: given }] = startSettingsOf(new Map([['log.dirs', directory]])).brokers
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
  const result = await work(logs.createNow(TOPIC, 0, TOPIC_ID, configs.topic(TOPIC)))
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

const share = process.argv.includes('--quick') ? 1 / 4 : 1
const costs: StorageCost[] = []
for (const load of loads) costs.push(...(await costsOf({ ...load, bytes: load.bytes * share })))
console.log(JSON.stringify(costs))
