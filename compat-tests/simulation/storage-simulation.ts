import { isRejection } from '../../protocol/error-codes.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { DirectoryFailedError } from '../../storage/failure-policy.ts'
import { type FaultRates, NO_FAULTS, SimulatedCrash } from '../../storage/host/faulty-files.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { logConfig } from '../../storage/log-config.fixture.ts'
import { logBehind, managerSettings } from '../../storage/log-manager.fixture.ts'
import { LogManager } from '../../storage/log-manager.ts'
import type { LogConfig, PartitionLog, ReadResult } from '../../storage/partition-log.ts'
import { CheckFailed, check, type FoundBatch, foundBatch, PartitionModel, replayProducers } from './storage-model.ts'
import { SimulatedProducer } from './storage-producer.ts'
import { writeBackAtTimes } from './writeback.ts'

/** What happened in a run. Tests check it, for example that there were faults. */
export interface SimulationCounts {
  steps: number
  starts: number
  crashes: number
  powerLosses: number
  cleanStops: number
  fullDisks: number
  failingDisks: number
  /** Directories that went offline with all their logs. */
  lostDirectories: number
  records: number
  compactions: number
}

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAABQ'
const DIRECTORY = '/data'
const STEPS = 160

/**
 * Runs the storage layer of one broker with seeded clients and faults, and compares it with a model, also after every
 * start. `trace` gets the storage's warnings and errors. Throws CheckFailed if a rule is broken. The same seed gives
 * the same history.
 */
export async function simulateStorage(
  seed: number,
  trace: (fields: object, message: string) => void = () => {},
): Promise<SimulationCounts> {
  const simulation = new StorageSimulation(seed, trace)
  await simulation.run()
  return simulation.counts
}

interface SimulatedPartition {
  readonly topic: string
  readonly config: LogConfig
  readonly model: PartitionModel
  readonly producers: readonly SimulatedProducer[]
}

class StorageSimulation {
  readonly counts: SimulationCounts = {
    steps: 0,
    starts: 0,
    crashes: 0,
    powerLosses: 0,
    cleanStops: 0,
    fullDisks: 0,
    failingDisks: 0,
    lostDirectories: 0,
    records: 0,
    compactions: 0,
  }
  readonly #random: SeededRandom
  readonly #host: SimulatedHost
  readonly #partitions: SimulatedPartition[] = []
  readonly #trace: (fields: object, message: string) => void
  #manager!: LogManager
  #ids = 0
  /** Failure in a callback that has no caller to throw to. */
  #failure: unknown

  constructor(seed: number, trace: (fields: object, message: string) => void) {
    this.#trace = trace
    this.#random = new SeededRandom(seed)
    this.#host = new SimulatedHost(seed)
    writeBackAtTimes(this.#host, seed)
    const nextId = (): string => `value ${this.#ids++}`
    const count = 1 + this.#random.below(3)
    for (let i = 0; i < count; i++) this.#partitions.push(this.#newPartition(`topic${i}`, i, nextId))
  }

  async run(): Promise<void> {
    await this.#start('process')
    for (let i = 0; i < STEPS; i++) {
      this.counts.steps++
      await this.#guarded(() => this.#step())
      if (this.#host.files.crashed) await this.#restartAfter(this.#random.oneIn(2) ? 'power' : 'process')
      if (this.#failure !== undefined) throw this.#failure
    }
    await this.#endQuietly()
  }

  #newPartition(topic: string, index: number, nextId: () => string): SimulatedPartition {
    const random = this.#random
    const isCompacted = random.oneIn(4)
    const config = logConfig({
      segmentBytes: random.pick([600, 1500, 5000]),
      indexIntervalBytes: random.pick([1, 100, 1000]),
      segmentIndexBytes: random.pick([64, 10_485_760]),
      flushMessages: random.pick([1, 1, 5, Number.MAX_SAFE_INTEGER]),
      preallocate: random.oneIn(4),
      segmentMs: random.pick([60_000, 604_800_000]),
      retentionBytes: random.pick([-1, -1, 4000]),
      cleanupPolicy: isCompacted ? ['compact'] : ['delete'],
      minCleanableDirtyRatio: 0.1,
      fileDeleteDelayMs: random.pick([0, 60_000]),
      deleteRetentionMs: random.pick([0, 86_400_000]),
    })
    const producers = Array.from({ length: 1 + random.below(3) }, (_, i) => {
      const isIdempotent = !random.oneIn(4)
      const isTransactional = isIdempotent && !isCompacted && random.oneIn(3)
      return new SimulatedProducer(random, isIdempotent ? 1000 + 10 * index + i : -1, isTransactional, nextId)
    })
    return { topic, config, model: new PartitionModel(topic, isCompacted), producers }
  }

  // Events.

  async #step(): Promise<void> {
    const random = this.#random
    const partition = random.pick(this.#partitions)
    const dice = random.below(100)
    if (dice < 50) this.#produce(partition)
    else if (dice < 62) await this.#read(partition)
    else if (dice < 70) await this.#host.advance(random.pick([1, 20, 500, 40_000]))
    else if (dice < 74) await this.#flush(partition)
    else if (dice < 77) await this.#deleteRecords(partition)
    else if (dice < 80) await this.#search(partition)
    else if (dice < 83) this.#inspect(partition)
    else if (dice < 86) await this.#restartAfter('stop')
    else if (dice < 89) await this.#restartAfter('process')
    else if (dice < 92) await this.#restartAfter('power')
    else if (dice < 95) this.#host.files.crashAfterChanges = random.below(40)
    else if (dice < 97) await this.#fillDisk()
    else await this.#failDisk()
  }

  #produce(partition: SimulatedPartition): void {
    const { producers, model, config } = partition
    const log = this.#log(partition)
    const certainty = config.flushMessages === 1 ? 'synced' : 'written'
    const before = log.logEndOffset
    this.#random.pick(producers).step({ log, model, certainty, nowMs: this.#host.clock.nowMs() })
    this.counts.records += log.logEndOffset - before
  }

  async #read(partition: SimulatedPartition): Promise<void> {
    const log = this.#log(partition)
    const upToOffset = log.highWatermark
    const span = upToOffset - log.logStartOffset
    const offset = log.logStartOffset + this.#random.below(span + 1)
    const maxBytes = this.#random.pick([1, 300, 100_000])
    const result = await this.#host.settle(log.read(offset, { maxBytes, minOneBatch: true, upToOffset }))
    if (isRejection(result)) {
      const isExpected = result.error === 'OFFSET_OUT_OF_RANGE' && offset < log.logStartOffset
      check(isExpected || result.error === 'KAFKA_STORAGE_ERROR', `read of ${offset} was refused: ${result.message}`)
      return
    }
    const batches = take(result)
    for (const batch of batches) check(batch.lastOffset < upToOffset, `read beyond ${upToOffset}`)
    const last = batches.at(-1)
    const first = batches[0]
    check(
      first === undefined ? offset === upToOffset || partition.model.isCompacted : first.lastOffset >= offset,
      `read of ${offset} gave nothing of it`,
    )
    if (last !== undefined && !partition.model.isCompacted) {
      check(first!.baseOffset <= offset, `read of ${offset} began at ${first!.baseOffset}`)
      partition.model.verifyContent(batches, offset, last.lastOffset + 1)
    }
  }

  async #flush(partition: SimulatedPartition): Promise<void> {
    const log = this.#log(partition)
    const upToOffset = log.highWatermark
    await this.#host.settle(log.flush())
    if (this.#disk(log) === undefined) partition.model.synced(upToOffset)
  }

  async #deleteRecords(partition: SimulatedPartition): Promise<void> {
    const log = this.#log(partition)
    if (partition.model.isCompacted) return
    const offset = log.logStartOffset + this.#random.below(log.highWatermark - log.logStartOffset + 1)
    if ((await this.#host.settle(log.deleteRecordsBefore(offset))) !== undefined) return
    check(log.logStartOffset >= offset, `records before ${offset} are not deleted`)
    partition.model.deletedBefore(offset)
  }

  async #search(partition: SimulatedPartition): Promise<void> {
    if (partition.model.isCompacted) return
    const log = this.#log(partition)
    const batches = await this.#readAll(log)
    const end = batches.at(-1)?.lastOffset ?? -1
    if (end + 1 !== log.highWatermark || this.#disk(log) !== undefined) return
    const start = log.logStartOffset
    const all = batches.flatMap((batch) => batch.records).filter(({ offset }) => offset >= start)
    if (all.length === 0) return
    const timestamp = this.#random.pick(all).timestamp + this.#random.below(3) - 1
    const found = await this.#host.settle(log.offsetForTimestamp(timestamp, end + 1))
    const expected = all.find((record) => record.timestamp >= timestamp)
    // A marker counts too: it has a timestamp.
    const marker = batches.find(
      (batch) => batch.marker !== undefined && batch.baseOffset >= start && batch.maxTimestamp >= timestamp,
    )
    const offset = Math.min(expected?.offset ?? Infinity, marker?.baseOffset ?? Infinity)
    if (log.logStartOffset === start)
      check((found?.offset ?? Infinity) === offset, `${timestamp} is at ${offset}, not at ${found?.offset}`)
  }

  #inspect(partition: SimulatedPartition): void {
    const log = this.#log(partition)
    check(log.highWatermark <= log.logEndOffset, 'the high watermark is above the end')
    check(log.logStartOffset <= log.highWatermark, 'the start is above the high watermark')
    const { logStartOffset: start, highWatermark, lastStableOffset: stable } = log
    check(start <= stable && stable <= highWatermark, `stable up to ${stable}, not from ${start} to ${highWatermark}`)
    if (log.logEndOffset !== highWatermark) return
    // -1: the producer has no open transaction.
    const open = log.activeProducers().map((each) => each.currentTransactionStartOffset)
    const first = Math.min(highWatermark, ...open.filter((offset) => offset >= 0))
    check(stable === Math.max(first, start), `stable up to ${stable}, not ${first}`)
  }

  async #fillDisk(): Promise<void> {
    this.counts.fullDisks++
    const { memory } = this.#host
    memory.capacityBytes = Number.MAX_SAFE_INTEGER
    memory.capacityBytes = Number.MAX_SAFE_INTEGER - memory.space('/').freeBytes + this.#random.below(2000)
    for (let i = 0; i < 8; i++) {
      this.#produce(this.#random.pick(this.#partitions))
      await this.#host.advance(this.#random.pick([1, 600]))
    }
    memory.capacityBytes = Number.POSITIVE_INFINITY
    await this.#host.advance(1500)
    for (const partition of this.#partitions)
      check(this.#disk(this.#log(partition)) === undefined || true, 'unreachable')
  }

  async #failDisk(): Promise<void> {
    this.counts.failingDisks++
    const rate = 4 + this.#random.below(30)
    const some = (): number => (this.#random.oneIn(2) ? rate : 0)
    const rates: FaultRates = {
      ...NO_FAULTS,
      writeError: some(),
      readError: some(),
      syncError: some(),
      shortTransfer: 2,
      slowSync: some(),
    }
    this.#host.files.rates = rates
    await this.#guarded(async () => {
      for (let i = 0; i < 10; i++) {
        const partition = this.#random.pick(this.#partitions)
        if (!this.#isOffline) this.#produce(partition)
        await this.#host.advance(this.#random.pick([1, 30, 2000]))
        if (!this.#isOffline) await this.#read(partition)
      }
      this.#checkOffline()
    })
    this.#host.files.rates = { ...NO_FAULTS, shortTransfer: this.#random.pick([0, 3]) }
    await this.#restartAfter(this.#random.pick(['stop', 'process', 'power'] as const))
  }

  /** True once an error of the disk took the directory offline, with all its logs. */
  get #isOffline(): boolean {
    return this.#manager.directories()[0]!.failure !== undefined
  }

  /** No log of a directory that failed is given out before the next start, although the disk may work again. */
  #checkOffline(): void {
    if (!this.#isOffline) return
    this.counts.lostDirectories++
    this.#host.files.rates = NO_FAULTS
    for (const { topic, config } of this.#partitions) {
      check(this.#manager.isOffline(topic, 0), `${topic} is not offline`)
      check(
        isRefused(() => this.#manager.getNow(topic, 0)),
        `${topic} is given out`,
      )
      check(
        isRefused(() => this.#manager.createNow(topic, 0, TOPIC_ID, config)),
        `${topic} is made again`,
      )
    }
  }

  // Stops and starts.

  async #restartAfter(end: 'stop' | 'process' | 'power'): Promise<void> {
    const synced = end === 'stop' ? await this.#stop() : false
    if (end === 'process') this.counts.crashes++
    if (end === 'power') this.counts.powerLosses++
    this.#host.crash()
    // After a clean stop a power loss loses nothing.
    const losesPower = end === 'power' || (synced && this.#random.oneIn(2))
    if (losesPower) this.#host.memory.losePower(this.#random)
    for (const { producers } of this.#partitions) for (const producer of producers) producer.disconnected()
    await this.#start(losesPower && !synced ? 'power' : 'process')
  }

  /** True if the stop succeeded, so that everything is on the disk. */
  async #stop(): Promise<boolean> {
    const logs = this.#isOffline ? [] : this.#partitions.map((partition) => this.#log(partition))
    let isDone = false
    await this.#guarded(async () => {
      await this.#host.settle(this.#manager.stop())
      isDone = true
    })
    const isInOrder =
      isDone && !this.#isOffline && !this.#host.files.crashed && logs.every((log) => this.#disk(log) === undefined)
    if (isInOrder) this.counts.cleanStops++
    return isInOrder
  }

  async #start(lost: 'process' | 'power'): Promise<void> {
    let loss = lost
    for (;;) {
      this.counts.starts++
      // The process or the machine may end during recovery.
      if (this.#random.oneIn(4)) this.#host.files.crashAfterChanges = this.#random.below(30)
      let isUp = false
      await this.#guarded(async () => {
        await this.#startOnce()
        isUp = true
      })
      if (isUp && !this.#host.files.crashed) break
      check(this.#host.files.crashed, 'the broker did not start')
      this.#host.crash()
      if (this.#random.oneIn(2)) {
        this.#host.memory.losePower(this.#random)
        loss = 'power'
      }
    }
    this.#host.files.crashAfterChanges = Number.POSITIVE_INFINITY
    for (const partition of this.#partitions) await this.#verify(partition, loss)
  }

  async #startOnce(): Promise<void> {
    this.#manager = new LogManager({
      host: this.#host,
      directories: [{ path: DIRECTORY, directoryId: 'x' }],
      settings: managerSettings,
      logger: {
        error: (fields, message) => this.#trace(fields, message),
        warn: (fields, message) => this.#trace(fields, message),
        info: (_fields, message) => {
          if (message === 'compacted a log') this.counts.compactions++
        },
      },
    })
    const configOf = (topic: string): LogConfig => this.#partitions.find((each) => each.topic === topic)!.config
    await this.#host.settle(this.#manager.start(configOf))
    for (const { topic, config } of this.#partitions) this.#manager.createNow(topic, 0, TOPIC_ID, config)
  }

  /** Checks the log against the model, and its derived state against its content. */
  async #verify(partition: SimulatedPartition, lost: 'process' | 'power'): Promise<void> {
    const { model } = partition
    const log = this.#log(partition)
    check(log.logEndOffset === log.highWatermark, 'a log that was just opened is flushed')
    const batches = await this.#readAll(log)
    model.verify(batches, log.logStartOffset, log.logEndOffset, lost)
    if (model.isCompacted) {
      model.verifyLatest(batches)
      return
    }
    const firstBase = batches[0]?.baseOffset ?? log.logEndOffset
    if (firstBase === 0 && log.logStartOffset === 0) await this.#verifyProducers(log, batches)
  }

  async #verifyProducers(log: PartitionLog, batches: readonly FoundBatch[]): Promise<void> {
    const expected = replayProducers(batches)
    const found = log.activeProducers().map((each) => ({
      producerId: each.producerId,
      producerEpoch: each.producerEpoch,
      lastSequence: each.lastSequence,
      currentTransactionStartOffset: each.currentTransactionStartOffset,
    }))
    const sorted = (all: readonly { producerId: number }[]): string =>
      JSON.stringify([...all].sort((a, b) => a.producerId - b.producerId))
    check(
      sorted(found) === sorted(expected.producers),
      `producers are ${sorted(found)}, not ${sorted(expected.producers)}`,
    )
    const stable = expected.firstUnstableOffset ?? log.highWatermark
    check(log.lastStableOffset === stable, `stable up to ${log.lastStableOffset}, not ${stable}`)
    const aborted = await this.#host.settle(log.abortedTransactions(0, log.logEndOffset))
    check(
      JSON.stringify(aborted) === JSON.stringify(expected.aborted),
      `aborted: ${JSON.stringify(aborted)}, not ${JSON.stringify(expected.aborted)}`,
    )
  }

  async #readAll(log: PartitionLog): Promise<FoundBatch[]> {
    const batches: FoundBatch[] = []
    const upToOffset = log.highWatermark
    for (let offset = log.logStartOffset; offset < upToOffset; ) {
      const result = await this.#host.settle(log.read(offset, { maxBytes: 2000, minOneBatch: true, upToOffset }))
      if (isRejection(result)) {
        check(result.error !== 'CORRUPT_MESSAGE', `read of ${offset}: ${result.message}`)
        return batches
      }
      const part = take(result)
      if (part.length === 0) break
      batches.push(...part)
      offset = result.nextOffset
    }
    return batches
  }

  /** Ends the run with a clean stop and one more start. */
  async #endQuietly(): Promise<void> {
    this.#host.files.rates = NO_FAULTS
    await this.#host.advance(100_000)
    await this.#restartAfter('stop')
    if (this.#failure !== undefined) throw this.#failure
  }

  #log(partition: SimulatedPartition): PartitionLog {
    const log = this.#manager.getNow(partition.topic, 0)
    if (log === undefined) throw new CheckFailed(`${partition.topic} is gone`)
    return log
  }

  /** The failure of the log's disk, if any. */
  #disk(log: PartitionLog): Error | undefined {
    return logBehind(log).failure
  }

  /** Runs a task. If the process ends during it, that is no failure of the task. */
  async #guarded(task: () => void | Promise<void>): Promise<void> {
    try {
      await task()
    } catch (error) {
      const isOver = error instanceof SimulatedCrash || this.#host.files.crashed
      if (error instanceof CheckFailed || !isOver) throw error
    }
  }
}

function isRefused(task: () => unknown): boolean {
  try {
    task()
    return false
  } catch (error) {
    return error instanceof DirectoryFailedError
  }
}

function take(result: ReadResult): FoundBatch[] {
  const bytes = Buffer.concat(result.slices)
  const scan = batchesOf(bytes)
  check(scan.endPosition === bytes.length, 'a read gave a part of a batch')
  const batches = scan.batches.map(foundBatch)
  result.release()
  return batches
}
