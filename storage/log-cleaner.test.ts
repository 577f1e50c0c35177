import { expect } from 'chai'
import * as fc from 'fast-check'
import { BATCH_HEADER_BYTES } from '../protocol/records/record-batch.ts'
import { CLEANER_OFFSET_FILE, RECOVERY_POINT_FILE } from './checkpoint-files.ts'
import { MINUTE_MS, Rig, recordsOf, type Shown, values } from './compacted-log.fixture.ts'
import { logBehind, TOPIC_ID } from './log-manager.fixture.ts'
import type { LogConfig } from './partition-log.ts'

const RUNS = 40

/** A batch of the model; a marker has no records. */
interface ModelBatch {
  readonly baseOffset: number
  readonly producerId: number | undefined
  readonly timestampMs: number
  records: Shown[]
  fate: 'decided' | 'open' | 'aborted'
  /** Set by the first pass that keeps a tombstone of it. */
  deleteHorizonMs: number | undefined
}

/** Model of a compacted log, kept simple: lists that are searched from the start each time. */
class NaiveLog {
  readonly config: LogConfig
  batches: ModelBatch[] = []
  endOffset = 0
  cleanedUpTo = 0

  constructor(config: LogConfig) {
    this.config = config
  }

  append(records: readonly (readonly [string, string | null])[], producerId: number | undefined, nowMs: number): void {
    this.batches.push({
      baseOffset: this.endOffset,
      producerId,
      timestampMs: nowMs,
      records: records.map(([key, value], i) => ({ offset: this.endOffset + i, key, value })),
      fate: producerId === undefined ? 'decided' : 'open',
      deleteHorizonMs: undefined,
    })
    this.endOffset += records.length
  }

  end(type: 'COMMIT' | 'ABORT', producerId: number, nowMs: number): void {
    for (const batch of this.batches) {
      if (batch.producerId === producerId && batch.fate === 'open')
        batch.fate = type === 'ABORT' ? 'aborted' : 'decided'
    }
    this.append([], undefined, nowMs)
    this.endOffset++
  }

  /** Offset of the first segment that a pass must leave alone, where the segments begin at these offsets. */
  endOfPass(segmentBases: readonly number[], nowMs: number): number {
    const isYoung = ({ timestampMs }: ModelBatch) => timestampMs > nowMs - this.config.minCompactionLagMs
    const untouchable = this.batches.filter((batch) => batch.fate === 'open' || isYoung(batch))
    const limit = Math.min(segmentBases.at(-1)!, ...untouchable.map(({ baseOffset }) => baseOffset))
    return segmentBases.findLast((base) => base <= limit)!
  }

  clean(endOffset: number, nowMs: number): void {
    const below = this.batches.filter(({ baseOffset }) => baseOffset < endOffset)
    const latest = new Map<string, number>()
    for (const { fate, records } of below) {
      if (fate === 'aborted') continue
      for (const { key, offset } of records) if (offset >= this.cleanedUpTo) latest.set(key, offset)
    }
    for (const batch of below) {
      const isOver = batch.deleteHorizonMs !== undefined && batch.deleteHorizonMs <= nowMs
      batch.records = batch.records.filter(
        ({ key, value, offset }) =>
          batch.fate !== 'aborted' && (latest.get(key) ?? offset) <= offset && (value !== null || !isOver),
      )
      if (batch.records.some(({ value }) => value === null)) {
        batch.deleteHorizonMs ??= nowMs + this.config.deleteRetentionMs
      }
    }
    this.cleanedUpTo = endOffset
  }

  /** All records, or those that are not of an aborted transaction. */
  records(onlyCommitted: boolean): Shown[] {
    return this.batches.filter(({ fate }) => !(onlyCommitted && fate === 'aborted')).flatMap(({ records }) => records)
  }
}

type Step =
  | { readonly kind: 'append'; readonly records: [string, string | null][]; readonly producerId: number | undefined }
  | { readonly kind: 'end'; readonly type: 'COMMIT' | 'ABORT'; readonly producerId: number }
  | { readonly kind: 'wait'; readonly minutes: number }
  | { readonly kind: 'clean' | 'restart' | 'crash' }

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const value = fc.option(fc.constantFrom('', 'x', 'a longer value'), { freq: 3 })
const appendStep = fc.record({
  kind: fc.constant('append' as const),
  records: fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 4 }),
  producerId: fc.constantFrom(undefined, undefined, 1, 2),
})
const endStep = fc.record({
  kind: fc.constant('end' as const),
  type: fc.constantFrom('COMMIT' as const, 'ABORT' as const),
  producerId: fc.constantFrom(1, 2),
})
const waitStep = fc.record({ kind: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 12 }) })
const otherStep = fc.record({
  kind: fc.constantFrom(
    'clean' as const,
    'clean' as const,
    'clean' as const,
    'clean' as const,
    'restart' as const,
    'crash' as const,
  ),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: appendStep },
  { weight: 3, arbitrary: endStep },
  { weight: 2, arbitrary: waitStep },
  { weight: 3, arbitrary: otherStep },
)

/** Runs steps on a log and on the model, and compares both after each step. */
class Comparison {
  readonly rig: Rig
  readonly model: NaiveLog
  passes = 0
  readonly #sequences = new Map<number, number>()

  constructor(config: Partial<LogConfig>) {
    this.rig = new Rig(config)
    this.model = new NaiveLog(this.rig.config)
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.rig.open()
    for (const each of steps) {
      await this.#carryOut(each)
      expect((await this.rig.batches()).filter((batch) => !batch.isControl).flatMap(recordsOf)).to.deep.equal(
        this.model.records(false),
      )
      expect(await this.rig.committed()).to.deep.equal(this.model.records(true))
    }
    await this.rig.stop()
  }

  async #carryOut(each: Step): Promise<void> {
    const { rig, model } = this
    if (each.kind === 'append') await this.#append(each.records, each.producerId)
    else if (each.kind === 'end') {
      if (!rig.log.hasOpenTransaction(each.producerId, 0)) return
      await rig.end(each.type, each.producerId)
      model.end(each.type, each.producerId, rig.nowMs)
    } else if (each.kind === 'wait') await rig.host.advance(each.minutes * MINUTE_MS)
    else if (each.kind === 'clean') await this.#clean()
    else {
      if (each.kind === 'restart') await rig.stop()
      else rig.host.crash()
      await rig.open()
    }
  }

  async #append(records: [string, string | null][], producerId: number | undefined): Promise<void> {
    const { rig, model } = this
    model.append(records, producerId, rig.nowMs)
    if (producerId === undefined) return rig.append(records)
    const baseSequence = this.#sequences.get(producerId) ?? 0
    this.#sequences.set(producerId, baseSequence + records.length)
    await rig.append(records, { producerId, producerEpoch: 0, baseSequence, transactional: true })
  }

  async #clean(): Promise<void> {
    const { rig, model } = this
    const bases = rig.log.segments.map(({ baseOffset }) => baseOffset)
    rig.onPass = (nowMs, upToOffset) => {
      expect(upToOffset, 'end of the pass').to.equal(model.endOfPass(bases, nowMs))
      model.clean(upToOffset, nowMs)
      this.passes++
    }
    const due = model.endOfPass(bases, rig.nowMs)
    const hasDirtyBytes = rig.log.segments.some(
      ({ baseOffset, sizeBytes }) => baseOffset >= model.cleanedUpTo && baseOffset < due && sizeBytes > 0,
    )
    await rig.clean()
    if (hasDirtyBytes) expect(model.cleanedUpTo, 'cleaned up to').to.be.at.least(due)
  }
}

describe('compaction', () => {
  it('leaves what a naive model of it leaves: keys, tombstones, lag, transactions, over restarts', async function () {
    this.timeout(300_000)
    let passes = 0
    const lag = fc.constantFrom(0, 0, 5.5 * MINUTE_MS)
    const retention = fc.constantFrom(0, 10.5 * MINUTE_MS)
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 160, size: 'max' }),
        lag,
        retention,
        async (steps, lagMs, retentionMs) => {
          const comparison = new Comparison({ minCompactionLagMs: lagMs, deleteRetentionMs: retentionMs })
          await comparison.run(steps)
          passes += comparison.passes
        },
      ),
      { numRuns: RUNS },
    )
    expect(passes).to.be.greaterThan(RUNS)
  })

  it('shows what it left at once, though what it took was in memory', async () => {
    const rig = await new Rig().open()
    for (let i = 0; i < 20; i++) await rig.append([['a', `${i}`]])
    await rig.clean()
    const shown = values(await rig.committed())
    const inActive = rig.log.logEndOffset - rig.log.segments.at(-1)!.baseOffset
    expect(shown).to.have.length(1 + inActive)
    expect(shown.at(-1)).to.equal('a=19')
    await rig.stop()
  })

  it('never shows records of an aborted transaction, however often it came by', async () => {
    const rig = await new Rig({ deleteRetentionMs: 0 }).open()
    for (let i = 0; i < 5; i++) {
      const baseSequence = 2 * i
      const records = [
        ['a', 'aborted'],
        ['b', 'aborted'],
      ] as const
      await rig.append(records, { producerId: 1, producerEpoch: 0, baseSequence, transactional: true })
      await rig.end('ABORT', 1)
      for (let j = 0; j < 8; j++) await rig.append([['c', `${i}.${j}`]])
      await rig.clean()
      const shown = values(await rig.committed())
      expect(shown.filter((each) => /^[ab]/.test(each))).to.deep.equal([])
      expect(shown).to.include(`c=${i}.7`)
    }
    await rig.stop()
  })

  it('leaves everything from the first open transaction on, over a restart too, until it has ended', async () => {
    const rig = await new Rig({ deleteRetentionMs: 0 }).open()
    const fill = async (prefix: string) => {
      for (let i = 0; i < 12; i++) await rig.append([['c', `${prefix}${i}`]])
    }
    const offsetsOf = async () => (await rig.batches()).map(({ baseOffset }) => baseOffset)
    const inTransaction = (baseSequence: number) => ({
      producerId: 1,
      producerEpoch: 0,
      baseSequence,
      transactional: true,
    })
    await fill('before ')
    const start = rig.log.logEndOffset
    await rig.append([['a', '1']], inTransaction(0))
    await fill('after ')
    await rig.append([['a', '2']], inTransaction(1))
    await fill('last ')
    for (const isRestarted of [false, true]) {
      if (isRestarted) await rig.restart()
      await rig.clean()
      expect(rig.log.lastStableOffset).to.equal(start)
      expect((await offsetsOf()).filter((offset) => offset >= start)).to.have.length(26)
      expect((await offsetsOf()).filter((offset) => offset < start)).to.have.length.below(12)
    }
    await rig.end('ABORT', 1)
    await fill('end ')
    await rig.clean()
    const shown = values(await rig.committed())
    expect(shown.filter((each) => each.startsWith('a='))).to.deep.equal([])
    expect(await offsetsOf()).to.have.length.below(26)
    await rig.restart()
    expect(values(await rig.committed())).to.deep.equal(shown)
    await rig.stop()
  })

  it('waits until enough of the log is dirty, but no longer than the maximum lag', async () => {
    const rig = await new Rig({ minCleanableDirtyRatio: 0.6, maxCompactionLagMs: 30 * MINUTE_MS }).open()
    const passes: number[] = []
    rig.onPass = (_, upToOffset) => passes.push(upToOffset)
    const fill = async (prefix: string, count: number) => {
      for (let i = 0; i < count; i++) await rig.append([[`${prefix}${i}`, 'value']])
    }
    await fill('a', 12)
    await rig.clean()
    expect(passes, 'everything is dirty').to.have.length(1)
    await fill('b', 4)
    await rig.clean()
    expect(passes, 'a third is dirty').to.have.length(1)
    await rig.host.advance(31 * MINUTE_MS)
    await rig.append([['c', 'value']])
    await rig.clean()
    expect(passes, 'a third is dirty and overdue').to.have.length(2)
    await rig.stop()
  })

  it('with compact,delete also drops old segments, and what it compacted before', async () => {
    const policy = { cleanupPolicy: ['compact', 'delete'], retentionMs: 60 * MINUTE_MS }
    const rig = await new Rig(policy, { logRetentionCheckIntervalMs: MINUTE_MS }).open()
    for (let i = 0; i < 12; i++) await rig.append([[`k${i % 3}`, `${i}`]])
    await rig.clean()
    expect(values(await rig.committed()).slice(0, 3)).not.to.include('k0=0')
    await rig.host.advance(61 * MINUTE_MS)
    await rig.append([['new', 'value']])
    await rig.host.advance(2 * MINUTE_MS)
    expect(rig.log.logStartOffset).to.equal(12)
    expect(values(await rig.committed())).to.deep.equal(['new=value'])
    await rig.stop()
  })

  it('lets appends and reads go on while it is throttled', async () => {
    const rig = await new Rig({}, { logCleanerIoMaxBytesPerSecond: 100 }).open()
    for (let i = 0; i < 40; i++) await rig.append([['a', `${i}`]])
    let passes = 0
    rig.onPass = () => passes++
    await rig.clean()
    expect(passes, 'a pass over kilobytes takes minutes').to.equal(0)
    const before = rig.nowMs
    await rig.append([['b', 'meanwhile']])
    expect(values(await rig.committed()).at(-1)).to.equal('b=meanwhile')
    expect(rig.nowMs - before).to.be.below(1000)
    await rig.host.advance(10 * MINUTE_MS)
    expect(passes).to.equal(1)
    await rig.stop()
  })

  for (const lost of [[], [RECOVERY_POINT_FILE], [CLEANER_OFFSET_FILE], [RECOVERY_POINT_FILE, CLEANER_OFFSET_FILE]]) {
    it(`leaves nothing that a crash takes for lost records${lost.length > 0 ? `, without ${lost.join(' and ')}` : ''}`, async () => {
      const rig = await new Rig().open()
      for (let i = 0; i < 60; i++) await rig.append([[i % 7 === 0 ? `kept ${i}` : 'a', `${i}`]])
      await rig.clean()
      await rig.append([['last', 'one']])
      const shown = await rig.committed()
      expect(shown.length).to.be.below(30)
      rig.host.crash()
      for (const name of lost) rig.host.files.remove(`/data/${name}`)
      await rig.open()
      expect(await rig.committed()).to.deep.equal(shown)
      await rig.stop()
    })
  }

  it('leaves a log alone whose records cannot be read, says where, and goes on with others', async () => {
    const rig = await new Rig().open()
    for (let i = 0; i < 20; i++) await rig.append([['a', `${i}`]])
    const broken = rig.log
    rig.log = logBehind(rig.manager.createNow('other', 0, TOPIC_ID, rig.config))
    for (let i = 0; i < 20; i++) await rig.append([['a', `${i}`]])
    await rig.host.settle(Promise.all([broken.flush(), rig.log.flush()]))
    const segment = broken.segments[1]!
    const scanner = segment.scan()
    scanner.next()
    const second = scanner.next()!
    const handle = rig.host.files.open(segment.logPath, 'r+')
    // The length of the record.
    handle.writeSync([Buffer.of(0x7f)], second.position + BATCH_HEADER_BYTES)
    handle.close()
    const passes: number[] = []
    rig.onPass = (_, upToOffset) => passes.push(upToOffset)
    for (let i = 0; i < 3; i++) await rig.clean()
    expect(passes).to.deep.equal([rig.log.segments.at(-1)!.baseOffset])
    expect(rig.errors).to.have.length(1)
    expect(rig.errors[0])
      .to.include('"topic-0"')
      .and.include(`${segment.logPath} at position 0 + ${second.position}`)
      .and.include(`offset ${second.batch.baseOffset}`)
    await rig.stop()
  })

  it('beyond what was synced, recovery tells a damaged offset from records that were compacted away', async () => {
    const rig = await new Rig().open()
    for (let i = 0; i < 60; i++) await rig.append([['a', `${i}`]])
    await rig.clean()
    await rig.append([['b', 'sound']])
    const end = rig.log.logEndOffset
    const { logPath, sizeBytes } = rig.log.segments.at(-1)!
    await rig.append([['c', 'of which the base offset gets a wrong bit']])
    rig.host.crash()
    const handle = rig.host.files.open(logPath, 'r+')
    handle.writeSync([Buffer.of(1)], sizeBytes + 4)
    handle.close()
    await rig.open()
    expect(rig.log.logEndOffset).to.equal(end)
    expect(values(await rig.committed()).at(-1)).to.equal('b=sound')
    await rig.stop()
  })
})
