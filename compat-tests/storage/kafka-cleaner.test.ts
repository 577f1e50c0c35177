import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch } from '../../protocol/records/control-records.ts'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import type { Host } from '../../storage/host/host.ts'
import { nodeHost } from '../../storage/host/node-host.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { Log } from '../../storage/log/log.ts'
import { logConfig } from '../../storage/log-config.fixture.ts'
import { logBehind, managerSettings } from '../../storage/log-manager.fixture.ts'
import { LogManager } from '../../storage/log-manager.ts'
import { silentStorageLogger } from '../../storage/storage-logger.ts'
import { describeFile } from '../golden-records/record-files.ts'
import { javaProgram } from '../java-program.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { waitFor } from '../wait-for.ts'

const LOGS = 8
const SEGMENT_BYTES = 1200
const RETENTION_MS = 600_000
/** Times of the passes: tombstones of the first are old in the second, those of the second are young in the third. */
const PASSES_AT_MS = [0, RETENTION_MS + 1000, RETENTION_MS + 2000].map((afterMs) => Date.now() - 7_200_000 + afterMs)

const config = logConfig({
  cleanupPolicy: ['compact'],
  segmentBytes: SEGMENT_BYTES,
  indexIntervalBytes: 300,
  minCleanableDirtyRatio: 0,
  deleteRetentionMs: RETENTION_MS,
  fileDeleteDelayMs: 0,
})

/** How far each log has been compacted, in the order of the messages that report it. */
type Passes = Map<string, number>

/** One map with room for all keys, one with too little: Kafka's map has slots of 24 bytes and uses nine in ten. */
const MAP_BYTES = [1 << 20, 8 * 24]

interface Cleaning {
  readonly passes: Passes
  readonly mapBytes: number
  count: number
}

/** A log manager whose wall clock stands still. Without a cleaning it compacts nothing. */
function managerAt(directory: string, nowMs: number, cleaning: Cleaning | undefined): LogManager {
  const machine = nodeHost((reason) => {
    throw reason
  })
  const host: Host = { ...machine, clock: { ...machine.clock, nowMs: () => nowMs } }
  const info = (fields: object, message: string) => {
    const { partition, upToOffset } = fields as { partition: string; upToOffset: number }
    if (message !== 'compacted a log' || cleaning === undefined) return
    cleaning.passes.set(partition, upToOffset)
    cleaning.count++
  }
  const compaction = { logCleanerEnable: cleaning !== undefined, logCleanerDedupeBufferSize: cleaning?.mapBytes ?? 0 }
  return new LogManager({
    host,
    directories: [{ path: directory, directoryId: 'x' }],
    settings: { ...managerSettings, ...compaction, logCleanerBackoffMs: 20 },
    logger: { ...silentStorageLogger, info },
  })
}

/** Writes to a log: few keys, tombstones, two producers that commit and abort. */
class Writer {
  readonly #random: SeededRandom
  readonly #sequences = new Map<number, number>()
  readonly #open = new Set<number>()

  readonly #producerIds: readonly number[]

  constructor(seed: number, hasTransactions: boolean) {
    this.#random = new SeededRandom(seed)
    this.#producerIds = hasTransactions ? [-1, -1, 1, 2] : [-1]
  }

  async write(log: Log, batches: number, nowMs: number): Promise<void> {
    for (let i = 0; i < batches; i++) {
      const producerId = this.#random.pick(this.#producerIds)
      if (this.#open.has(producerId) && this.#random.oneIn(2)) await this.#end(log, producerId, nowMs)
      else await this.#append(log, producerId, nowMs)
    }
    for (const producerId of [...this.#open]) await this.#end(log, producerId, nowMs)
    // Written by another producer to close the last segment, so that the last batches of the others can be compacted.
    const filler = Array.from({ length: 11 }, () => ({ key: 'filler', value: 'x'.repeat(80), timestamp: nowMs }))
    await put(log, buildBatch(filler), 'client', nowMs)
  }

  async #append(log: Log, producerId: number, nowMs: number): Promise<void> {
    const random = this.#random
    const records = Array.from({ length: 1 + random.below(4) }, () => ({
      key: `key ${random.below(9)}`,
      value: random.oneIn(4) ? null : `value ${random.below(1000)}`,
      timestamp: nowMs - random.below(1000),
    }))
    if (producerId < 0) return put(log, buildBatch(records), 'client', nowMs)
    const baseSequence = this.#sequences.get(producerId) ?? 0
    this.#sequences.set(producerId, baseSequence + records.length)
    this.#open.add(producerId)
    const options = { producerId, producerEpoch: 0, baseSequence, transactional: true }
    await put(log, buildBatch(records, options), 'client', nowMs)
  }

  async #end(log: Log, producerId: number, timestampMs: number): Promise<void> {
    this.#open.delete(producerId)
    const type = this.#random.pick(['COMMIT', 'ABORT'] as const)
    const marker = { type, coordinatorEpoch: 0 }
    await put(
      log,
      buildEndTransactionBatch(marker, { producerId, producerEpoch: 0, timestampMs }),
      'coordinator',
      timestampMs,
    )
  }
}

async function put(log: Log, bytes: Buffer, origin: 'client' | 'coordinator', nowMs: number): Promise<void> {
  const result = await log.append(bytes, { origin, leaderEpoch: 0, nowMs })
  if (isRejection(result)) throw new Error(`${result.error} ${result.message}`)
}

describe("compaction by Apache Kafka 4.4.0's own cleaner and by Ottla", function () {
  this.timeout(120_000)
  needs('java', 'maven')
  let parent: string
  before(() => {
    parent = mkdtempSync(join(tmpdir(), 'ottla-cleaner-'))
  })
  after(() => {
    if (parent !== undefined) rmSync(parent, { recursive: true, force: true })
  })

  const topics = Array.from({ length: LOGS }, (_, i) => `log${i}`)

  /** Appends to each log; returns the base offset of its last segment. */
  async function write(directory: string, nowMs: number, writers: readonly Writer[]): Promise<Passes> {
    const manager = managerAt(directory, nowMs, undefined)
    await manager.start(() => config)
    const ends: Passes = new Map()
    for (const [i, writer] of writers.entries()) {
      const topic = topics[i]!
      const log = logBehind(manager.getNow(topic, 0) ?? manager.createNow(topic, 0, 'AAAAAAAAAAAAAAAAAAAAAQ', config))
      await writer.write(log, 80, nowMs)
      ends.set(`${topic}-0`, log.segments.at(-1)!.baseOffset)
    }
    await manager.stop()
    return ends
  }

  async function cleanByOttla(directory: string, nowMs: number, ends: Passes, mapBytes: number): Promise<Cleaning> {
    const cleaning: Cleaning = { passes: new Map(), mapBytes, count: 0 }
    const manager = managerAt(directory, nowMs, cleaning)
    await manager.start(() => config)
    const isDone = () => [...ends].every(([log, end]) => cleaning.passes.get(log) === end)
    await waitFor('all logs are compacted', isDone, 60_000)
    await manager.stop()
    return cleaning
  }

  async function cleanByKafka(
    directory: string,
    nowMs: number,
    tasks: readonly string[],
    mapBytes: number,
  ): Promise<Omit<Cleaning, 'mapBytes'>> {
    const program = join(import.meta.dirname, 'KafkaLogs.java')
    const command = await javaProgram(program, await kafkaClassPath('4.4.0'), '-Xmx512m')
    const settings = [nowMs, RETENTION_MS, SEGMENT_BYTES, mapBytes].map(String)
    const { stdout } = await runCommandWell([...command, 'clean', directory, ...settings, ...tasks])
    const ends = [...stdout.matchAll(/^(log\d+-0) (\d+)$/gm)].map(
      ([, partition, end]) => [partition!, Number(end)] as const,
    )
    return { passes: new Map(ends), count: stdout.match(/^pass up to /gm)?.length ?? 0 }
  }

  for (const mapBytes of MAP_BYTES) {
    it(`leaves the same bytes in the same segments, time after time, with ${mapBytes} bytes for keys`, async () => {
      const own = join(parent, `own-${mapBytes}`)
      // A pass of Kafka that begins within a segment treats transactions aborted earlier in that segment as open, and
      // later commits of their producers as aborted. It therefore misses keys and leaves several of their records.
      const hasTransactions = mapBytes === MAP_BYTES[0]
      // Each pass syncs every segment: with many segments, two logs take long enough.
      const count = hasTransactions ? LOGS : 2
      const writers = Array.from({ length: count }, (_, i) => new Writer(i + 1, hasTransactions))
      let cleanedUpTo: Passes = new Map()
      let removed = 0
      for (const [time, nowMs] of PASSES_AT_MS.entries()) {
        const ends = await write(own, nowMs, writers)
        const theirs = join(parent, `kafka-${mapBytes}-${time}`)
        cpSync(own, theirs, { recursive: true })
        const before = sizeOf(own)
        const tasks = [...ends].map(([partition, end]) => `${partition}:${cleanedUpTo.get(partition) ?? 0}:${end}`)
        const byKafka = await cleanByKafka(theirs, nowMs, tasks, mapBytes)
        const byOttla = await cleanByOttla(own, nowMs, ends, mapBytes)
        cleanedUpTo = byOttla.passes
        expect(cleanedUpTo).to.deep.equal(byKafka.passes)
        expect(byOttla.count, 'passes').to.equal(byKafka.count)
        if (hasTransactions) expect(byOttla.count).to.equal(count)
        else expect(byOttla.count).to.be.greaterThan(2 * count)
        for (const topic of topics.slice(0, count)) {
          compare(join(own, `${topic}-0`), join(theirs, `${topic}-0`), `time ${time}, ${topic}`)
        }
        removed += before - sizeOf(own)
      }
      expect(removed).to.be.greaterThan(7_500 * count)
    })
  }
})

function compare(own: string, theirs: string, what: string): void {
  const names = readdirSync(own).filter((name) => /\.(log|txnindex)$/.test(name))
  const nonEmpty = (directory: string) => (name: string) => readFileSync(join(directory, name)).length > 0
  const theirNames = readdirSync(theirs).filter((name) => /\.(log|txnindex)$/.test(name))
  expect(names.filter(nonEmpty(own)), what).to.deep.equal(theirNames.filter(nonEmpty(theirs)))
  for (const name of names.filter(nonEmpty(own))) {
    const [a, b] = [readFileSync(join(own, name)), readFileSync(join(theirs, name))]
    if (a.equals(b)) continue
    if (name.endsWith('.log')) expect(describeFile(a), `${what}, ${name}`).to.deep.equal(describeFile(b))
    expect(a.toString('hex'), `${what}, ${name}`).to.equal(b.toString('hex'))
  }
}

function sizeOf(directory: string): number {
  const names = readdirSync(directory, { recursive: true }).map(String)
  return names
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + readFileSync(join(directory, name)).length, 0)
}
