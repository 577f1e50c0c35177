import { expect } from 'chai'
import { isRejection } from '../protocol/error-codes.ts'
import { type BatchOptions, buildBatch, type NewRecord } from '../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch } from '../protocol/records/control-records.ts'
import { batchesOf } from '../protocol/records/record-batch.ts'
import { type LogRecord, RecordFault, readRecords } from '../protocol/records/record-reader.ts'
import { logConfig } from './log-config.fixture.ts'
import type {
  AppendContext,
  AppendRejection,
  AppendResult,
  LogConfig,
  PartitionLog,
  ReadContext,
  TransactionalBatch,
  TransactionMarker,
  VerificationGuard,
  VerifiedProducer,
} from './partition-log.ts'

/** An implementation of PartitionLog under test. */
export interface LogUnderTest {
  readonly log: PartitionLog
  /** The current time. */
  nowMs(): number
  /** Runs everything else until the promise is settled. */
  settle<T>(promise: Promise<T>): Promise<T>
  /** Stops cleanly and starts again on the same files. */
  restart(): Promise<void>
  /** Crashes and starts again. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** Rules for every implementation of PartitionLog. */
export function describePartitionLog(name: string, make: (config: LogConfig) => Promise<LogUnderTest>): void {
  describe(name, () => {
    let tested: LogUnderTest
    const open = async (changes: Partial<LogConfig> = {}): Promise<void> => {
      tested = await make(logConfig(changes))
    }
    afterEach(() => tested.stop())

    const append = (bytes: Buffer, context: Partial<AppendContext> = {}) =>
      tested.settle(tested.log.append(bytes, { origin: 'client', leaderEpoch: 0, nowMs: tested.nowMs(), ...context }))
    const appended = async (bytes: Buffer, context: Partial<AppendContext> = {}) =>
      resultOf(await append(bytes, context))
    const records = (values: readonly string[], options: BatchOptions = {}): Buffer =>
      buildBatch(
        values.map((value): NewRecord => ({ key: 'k', value, timestamp: tested.nowMs() })),
        options,
      )
    const read = async (offset: number, context: Partial<ReadContext> = {}): Promise<ReadOutcome> => {
      const { highWatermark } = tested.log
      const whole = { maxBytes: 1_000_000, minOneBatch: true, upToOffset: highWatermark, ...context }
      const result = await tested.settle(tested.log.read(offset, whole))
      if (isRejection(result)) throw new Error(`read was refused: ${result.error} ${result.message}`)
      const bytes = Buffer.concat(result.slices)
      expect(bytes.length).to.equal(result.sizeBytes)
      const scan = batchesOf(bytes)
      expect(scan.endPosition, 'whole batches').to.equal(bytes.length)
      result.release()
      return {
        records: scan.batches.flatMap(recordsOf),
        nextOffset: result.nextOffset,
        isLimited: result.isLimited,
        isBehind: result.isBehind,
        batchCount: scan.batches.length,
      }
    }
    const valuesFrom = async (offset: number): Promise<string[]> => {
      const values: string[] = []
      for (let at = offset; at < tested.log.highWatermark; ) {
        const part = await read(at)
        values.push(...part.records.filter((record) => record.offset >= offset).map((record) => String(record.value)))
        at = part.nextOffset
      }
      return values
    }

    it('gives offsets in the order of the calls, without waiting in between', async () => {
      await open()
      const results = ['a', 'b', 'c'].map((value) =>
        tested.log.append(records([value, value]), { origin: 'client', leaderEpoch: 0, nowMs: tested.nowMs() }),
      )
      expect(tested.log.logEndOffset).to.equal(6)
      const offsets = (await tested.settle(Promise.all(results))).map((result) => resultOf(result).baseOffset)
      expect(offsets).to.deep.equal([0, 2, 4])
      expect(tested.log.highWatermark).to.equal(6)
      expect(await valuesFrom(0)).to.deep.equal(['a', 'a', 'b', 'b', 'c', 'c'])
    })

    it('keeps everything over a stop in order, and over a crash what was acknowledged', async () => {
      await open({ segmentBytes: 1000, indexIntervalBytes: 100 })
      for (let i = 0; i < 30; i++)
        await appended(records([`value ${i}`], { producerId: 7, producerEpoch: 1, baseSequence: i }))
      for (const again of ['restart', 'crash', 'restart'] as const) {
        const facts = () => [
          tested.log.logStartOffset,
          tested.log.logEndOffset,
          tested.log.sizeBytes,
          tested.log.latestEpoch,
          tested.log.activeProducers(),
        ]
        const before = facts()
        await tested[again]()
        expect(facts()).to.deep.equal(before)
        expect(await valuesFrom(0)).to.deep.equal(Array.from({ length: 30 }, (_, i) => `value ${i}`))
      }
      expect((await appended(records(['next']))).baseOffset).to.equal(30)
    })

    it('reads whole batches from the one that holds the offset, as many as fit', async () => {
      await open()
      for (const value of ['a', 'b', 'c', 'd']) await appended(records([value, value]))
      const size = records(['a', 'a']).length
      expect((await read(3)).records.map((record) => record.offset)).to.deep.equal([2, 3, 4, 5, 6, 7])
      expect((await read(2, { maxBytes: 2 * size })).nextOffset).to.equal(6)
      expect((await read(2, { maxBytes: 2 * size - 1 })).nextOffset).to.equal(4)
      expect((await read(2, { maxBytes: 1 })).nextOffset).to.equal(4)
      expect((await read(2, { maxBytes: 1, minOneBatch: false })).nextOffset).to.equal(2)
      expect((await read(0, { upToOffset: 4 })).nextOffset).to.equal(4)
      expect((await read(8)).batchCount).to.equal(0)
    })

    it('tells what maxBytes cut short, and what began in an older segment than the end', async () => {
      await open({ segmentBytes: 1000, indexIntervalBytes: 100 })
      const size = records(['x'.repeat(200)]).length
      const perSegment = Math.floor(1000 / size)
      for (let i = 0; i < 2 * perSegment + 2; i++) await appended(records(['x'.repeat(200)]))
      for (const restart of [false, true]) {
        if (restart) await tested.restart()
        const end = tested.log.highWatermark
        expect((await read(0, { maxBytes: 2 * size + 10 })).isLimited).to.equal(true)
        expect((await read(0, { maxBytes: 1 })).isLimited).to.equal(true)
        expect((await read(0, { maxBytes: 1, minOneBatch: false })).isLimited).to.equal(true)
        expect(await read(0, { maxBytes: 2 * size, upToOffset: 2 })).to.include({ nextOffset: 2, isLimited: false })
        expect(await read(0)).to.include({ isLimited: false, isBehind: true })
        expect(await read(0, { upToOffset: perSegment - 1 })).to.include({ isBehind: false })
        expect(await read(end - 1, { maxBytes: 1 })).to.include({ nextOffset: end, isLimited: false, isBehind: false })
        expect(await read(end)).to.include({ nextOffset: end, isLimited: false })
      }
    })

    it('refuses to read below its start and above its end', async () => {
      await open()
      await appended(records(['a', 'b', 'c']))
      await tested.settle(tested.log.deleteRecordsBefore(2))
      const context = { maxBytes: 1000, minOneBatch: true, upToOffset: 3 }
      for (const offset of [1, 4]) {
        const result = await tested.settle(tested.log.read(offset, context))
        expect(isRejection(result) && result.error, `offset ${offset}`).to.equal('OFFSET_OUT_OF_RANGE')
      }
      expect((await read(2)).nextOffset).to.equal(3)
    })

    it('knows a producer though its records were deleted, also after a crash', async () => {
      await open()
      const batch = (sequence: number) => records(['v'], { producerId: 5, producerEpoch: 0, baseSequence: sequence })
      for (let i = 0; i < 3; i++) await appended(batch(i))
      await tested.settle(tested.log.deleteRecordsBefore(3))
      await tested.crash()
      expect(await appended(batch(2))).to.include({ baseOffset: 2, duplicate: true })
      expect(await appended(batch(3))).to.include({ baseOffset: 3, duplicate: false })
    })

    it('answers a retry with the offsets of the original, for the last five batches of a producer', async () => {
      await open()
      const batch = (sequence: number) =>
        records(['v', 'v'], { producerId: 5, producerEpoch: 0, baseSequence: sequence })
      for (let i = 0; i < 6; i++) await appended(batch(2 * i))
      const retry = await appended(batch(4))
      expect(retry).to.include({ baseOffset: 4, lastOffset: 5, duplicate: true })
      expect(retry.logAppendTimeMs).to.equal((await read(4)).records[0]?.timestamp)
      expect(tested.log.logEndOffset).to.equal(12)
      expect(errorOf(await append(batch(0)))).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER')
      expect(errorOf(await append(batch(14)))).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER')
      await tested.restart()
      expect(await appended(batch(10))).to.include({ baseOffset: 10, duplicate: true })
      expect((await appended(batch(12))).baseOffset).to.equal(12)
    })

    it('does not answer a retry before the original is written', async () => {
      await open()
      const batch = () => records(['v'], { producerId: 5, producerEpoch: 0, baseSequence: 0 })
      const context: AppendContext = { origin: 'client', leaderEpoch: 0, nowMs: tested.nowMs() }
      const order: string[] = []
      const first = tested.log.append(batch(), context).then(() => order.push('original'))
      const second = tested.log.append(batch(), context).then(() => order.push('retry'))
      await tested.settle(Promise.all([first, second]))
      expect(order).to.deep.equal(['original', 'retry'])
    })

    it('refuses a producer of an older epoch, and a new epoch that does not begin at 0', async () => {
      await open()
      const batch = (producerEpoch: number, baseSequence: number) =>
        records(['v'], { producerId: 5, producerEpoch, baseSequence })
      await appended(batch(3, 0))
      expect(errorOf(await append(batch(2, 1)))).to.equal('INVALID_PRODUCER_EPOCH')
      expect(errorOf(await append(batch(4, 1)))).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER')
      expect((await appended(batch(4, 0))).baseOffset).to.equal(1)
    })

    it('knows open and aborted transactions, over a crash too', async () => {
      await open({ segmentBytes: 600 })
      const data = (producerId: number, baseSequence: number) =>
        records(['v', 'v'], { producerId, producerEpoch: 0, baseSequence, transactional: true })
      const marker = (producerId: number, type: 'COMMIT' | 'ABORT') =>
        buildEndTransactionBatch(
          { type, coordinatorEpoch: 1 },
          { producerId, producerEpoch: 0, timestampMs: tested.nowMs() },
        )
      const abortedIn = (from: number, to: number) => tested.settle(tested.log.abortedTransactions(from, to))
      await appended(data(1, 0))
      await appended(data(2, 0))
      const checkOpen = (offset: number | undefined) =>
        expect(tested.log.lastStableOffset).to.equal(offset ?? tested.log.highWatermark)
      checkOpen(0)
      expect(tested.log.hasOpenTransaction(1, 0)).to.equal(true)
      await appended(marker(1, 'ABORT'), { origin: 'coordinator' })
      checkOpen(2)
      await appended(data(1, 2))
      await appended(marker(2, 'COMMIT'), { origin: 'coordinator' })
      for (const again of ['crash', 'restart'] as const) {
        checkOpen(5)
        const aborted = await abortedIn(0, tested.log.logEndOffset)
        expect(aborted).to.deep.equal([{ producerId: 1, firstOffset: 0, lastOffset: 4, lastStableOffset: 2 }])
        await tested[again]()
      }
      await appended(marker(1, 'ABORT'), { origin: 'coordinator' })
      checkOpen(undefined)
      const all = await abortedIn(0, tested.log.logEndOffset)
      expect(all.map((each) => each.firstOffset)).to.deep.equal([0, 5])
      expect((await abortedIn(0, 5)).map((each) => each.firstOffset)).to.deep.equal([0])
    })

    it('finds aborted transactions among many, in several segments, around one that stays open for long', async () => {
      await open({ segmentBytes: 5000, indexIntervalBytes: 500 })
      const long = 99
      const data = (producerId: number, baseSequence: number) =>
        records(['v'], { producerId, producerEpoch: 0, baseSequence, transactional: true })
      const marker = (producerId: number, type: 'COMMIT' | 'ABORT') =>
        buildEndTransactionBatch(
          { type, coordinatorEpoch: 1 },
          { producerId, producerEpoch: 0, timestampMs: tested.nowMs() },
        )
      const end = (producerId: number, type: 'COMMIT' | 'ABORT') =>
        appended(marker(producerId, type), { origin: 'coordinator' })
      const expected: [number, number, number][] = []
      const run = async (count: number) => {
        for (let i = 0; i < count; i++) {
          const producerId = i % 3
          const firstOffset = tested.log.logEndOffset
          await appended(data(producerId, expected.filter(([id]) => id === producerId).length))
          const { lastOffset } = await end(producerId, 'ABORT')
          expected.push([producerId, firstOffset, lastOffset])
        }
      }
      await run(100)
      const { baseOffset } = await appended(data(long, 0))
      await run(100)
      expect(tested.log.lastStableOffset).to.equal(baseOffset)
      expected.push([long, baseOffset, (await end(long, 'ABORT')).lastOffset])
      await run(50)
      expect(tested.log.lastStableOffset).to.equal(tested.log.highWatermark)
      for (const again of ['restart', 'crash'] as const) {
        const { logEndOffset } = tested.log
        for (const [from, to] of [
          ...[0, 150, 200, 201, 300, 401, 402, 450].map((offset) => [offset, offset + 10] as const),
          [0, logEndOffset] as const,
          [logEndOffset - 1, logEndOffset] as const,
          [logEndOffset, logEndOffset] as const,
        ]) {
          const found = await tested.settle(tested.log.abortedTransactions(from, to))
          const overlapping = expected.filter(([, first, last]) => first < to && last >= from)
          const shown = found.map(({ producerId, firstOffset, lastOffset }) => [producerId, firstOffset, lastOffset])
          expect(shown, `${from} to ${to}`).to.deep.equal(overlapping)
        }
        await tested[again]()
      }
    })

    describe('tells how far it can be read:', () => {
      const ALL = Number.POSITIVE_INFINITY
      const data = (baseSequence: number, producerId = 1) =>
        records(['v'], { producerId, producerEpoch: 0, baseSequence, transactional: true })
      const marker = (producerId = 1) => {
        const producer = { producerId, producerEpoch: 0, timestampMs: tested.nowMs() }
        return buildEndTransactionBatch({ type: 'COMMIT', coordinatorEpoch: 1 }, producer)
      }
      const commit = (producerId?: number) => appended(marker(producerId), { origin: 'coordinator' })
      /** Events from now on: bytes, stable bytes, high watermark, last stable offset. */
      const watch = () => {
        const { log } = tested
        const events: [number, number, number, number][] = []
        const end = log.onReadable((bytes, stableBytes) =>
          events.push([bytes, stableBytes, log.highWatermark, log.lastStableOffset]),
        )
        return { events, end }
      }

      it('once for each flush, before its appends are answered', async () => {
        await open()
        const { events } = watch()
        const { events: others } = watch()
        const bytes = records(['a', 'b']).length
        const append = { origin: 'client', leaderEpoch: 0, nowMs: tested.nowMs() } as const
        const seen = [1, 2, 3].map((count) =>
          tested.log.append(records(['a', 'b']), append).then(() => tested.log.highWatermark >= 2 * count),
        )
        expect(await tested.settle(Promise.all(seen))).to.deep.equal([true, true, true])
        // How many appends one flush covers is up to the implementation.
        expect(events.map(([size]) => size).reduce((sum, size) => sum + size)).to.equal(3 * bytes)
        expect(events.every(([size, stableSize]) => size === stableSize)).to.equal(true)
        const ends = events.map(([, , highWatermark]) => highWatermark)
        expect(ends).to.deep.equal([...new Set(ends)].sort((a, b) => a - b))
        expect(events.at(-1)?.slice(2)).to.deep.equal([6, 6])
        expect(others).to.deep.equal(events)
      })

      it('not of a retry, and not to those who stopped listening', async () => {
        await open()
        const batch = () => records(['v'], { producerId: 5, producerEpoch: 0, baseSequence: 0 })
        await appended(batch())
        const { events, end } = watch()
        await appended(batch())
        expect(events).to.deep.equal([])
        const append = { origin: 'client', leaderEpoch: 0, nowMs: tested.nowMs() } as const
        const both = [batch(), records(['v'])].map((bytes) => tested.log.append(bytes, append))
        await tested.settle(Promise.all(both))
        end()
        await appended(records(['v']))
        const { length } = records(['v'])
        expect(events).to.deep.equal([[length, length, 2, 2]])
      })

      it('high watermark and last stable offset in one event, and at its end what a transaction held back', async () => {
        await open()
        await appended(records(['v']))
        const { events } = watch()
        await appended(data(0))
        await appended(data(1))
        await commit()
        await appended(records(['v']))
        const { length } = data(0)
        const end = marker().length
        const other = records(['v']).length
        expect(events).to.deep.equal([
          [length, 0, 2, 1],
          [length, 0, 3, 1],
          [end, 2 * length + end, 4, 4],
          [other, other, 5, 5],
        ])
      })

      it('up to the next open transaction when one ends, and nothing when a later one does', async () => {
        await open()
        for (const producerId of [1, 2, 3]) await appended(data(0, producerId))
        const { events } = watch()
        for (const producerId of [3, 1, 2]) await commit(producerId)
        const { length } = data(0)
        const end = marker().length
        expect(events).to.deep.equal([
          [end, 0, 4, 0],
          [end, length, 5, 1],
          [end, 2 * length + 3 * end, 6, 6],
        ])
      })

      it('not how much a transaction held back that is older than the last start', async () => {
        await open()
        await appended(data(0))
        await tested.restart()
        const { events } = watch()
        await appended(data(1))
        await commit()
        expect(events).to.deep.equal([
          [data(1).length, 0, 2, 0],
          [marker().length, ALL, 3, 3],
        ])
      })

      it('nothing while the high watermark is held, and then all that was held', async () => {
        await open()
        await appended(records(['a']))
        const { events } = watch()
        const { length } = records(['b'])
        for (let i = 0; i < 2; i++) tested.log.holdHighWatermark(true)
        for (const value of ['b', 'c']) await appended(records([value]))
        expect([tested.log.logEndOffset, tested.log.highWatermark, tested.log.lastStableOffset]).to.deep.equal([
          3, 1, 1,
        ])
        expect(await valuesFrom(0)).to.deep.equal(['a'])
        expect(events).to.deep.equal([])
        for (let i = 0; i < 2; i++) tested.log.holdHighWatermark(false)
        expect(events).to.deep.equal([[2 * length, 2 * length, 3, 3]])
        await appended(records(['d']))
        tested.log.holdHighWatermark(true)
        await appended(records(['e']))
        tested.log.holdHighWatermark(false)
        expect(events.slice(1)).to.deep.equal([
          [length, length, 4, 4],
          [length, length, 5, 5],
        ])
        expect(await valuesFrom(0)).to.deep.equal(['a', 'b', 'c', 'd', 'e'])
      })

      it('holds back the end of a transaction too', async () => {
        await open()
        await appended(data(0))
        const { events } = watch()
        tested.log.holdHighWatermark(true)
        await commit()
        expect([tested.log.highWatermark, tested.log.lastStableOffset]).to.deep.equal([1, 0])
        tested.log.holdHighWatermark(false)
        const end = marker().length
        expect(events).to.deep.equal([[end, data(0).length + end, 2, 2]])
      })

      it('does not delete records that are held back', async () => {
        await open()
        await appended(records(['a']))
        tested.log.holdHighWatermark(true)
        await appended(records(['b']))
        await tested.settle(tested.log.deleteRecordsBefore(2))
        expect(tested.log.logStartOffset).to.equal(1)
      })

      it('everything if records that could be read are truncated', async () => {
        await open()
        for (const value of ['a', 'b', 'c']) await appended(records([value]))
        const { events } = watch()
        tested.log.holdHighWatermark(true)
        for (const value of ['d', 'e']) await appended(records([value]))
        await tested.settle(tested.log.truncateTo(4))
        expect(events).to.deep.equal([])
        tested.log.holdHighWatermark(false)
        await tested.settle(tested.log.truncateTo(2))
        const { length } = records(['d'])
        expect(events).to.deep.equal([
          [length, length, 4, 4],
          [ALL, ALL, 2, 2],
        ])
      })

      it('everything if an open transaction is deleted', async () => {
        await open()
        await appended(data(0))
        for (const value of ['a', 'b']) await appended(records([value]))
        const { events } = watch()
        await tested.settle(tested.log.deleteRecordsBefore(2))
        expect(events).to.deep.equal([[0, ALL, 3, 2]])
      })
    })

    describe('verifies that a transaction has begun:', () => {
      const data = (baseSequence: number, producerEpoch = 0) =>
        records(['v'], { producerId: 1, producerEpoch, baseSequence, transactional: true })
      const marker = (producerEpoch: number, coordinatorEpoch = 1) =>
        buildEndTransactionBatch(
          { type: 'COMMIT', coordinatorEpoch },
          { producerId: 1, producerEpoch, timestampMs: tested.nowMs() },
        )
      const producer = { producerId: 1, producerEpoch: 0, baseSequence: 0, bumpsEpoch: false }
      /** Begins a verification. */
      const begin = (changes: Partial<VerifiedProducer> = {}): VerificationGuard => {
        const guard = tested.log.beginVerification({ ...producer, ...changes })
        if (guard === undefined || isRejection(guard)) throw new Error(`there is no guard: ${guard?.error}`)
        return guard
      }
      const asCoordinator = { origin: 'coordinator' } as const

      for (const origin of ['client', 'coordinator'] as const) {
        it(`the records of a ${origin} need its guard until their transaction is open`, async () => {
          await open()
          const guard = begin()
          const other = begin({ producerId: 2 })
          const fromOrigin = (bytes: Buffer, verification: VerificationGuard | null) =>
            append(bytes, { origin, verification })
          for (const wrong of [null, other]) {
            expect(errorOf(await fromOrigin(data(0), wrong))).to.equal('INVALID_TXN_STATE')
          }
          expect(resultOf(await fromOrigin(data(0), guard)).baseOffset).to.equal(0)
          expect(resultOf(await fromOrigin(data(1), null)).baseOffset).to.equal(1)
        })
      }

      it('other records and markers need none, and without the check nothing does', async () => {
        await open()
        await appended(records(['v'], { producerId: 1, producerEpoch: 0, baseSequence: 0 }), { verification: null })
        await appended(records(['v']), { verification: null })
        await appended(marker(0), { ...asCoordinator, verification: null })
        await appended(data(1))
        expect(tested.log.logEndOffset).to.equal(4)
      })

      it('once for all batches that wait, and anew for the next transaction', async () => {
        await open()
        const guard = begin()
        expect(begin({ baseSequence: 1 })).to.equal(guard)
        await appended(data(0), { verification: guard })
        expect(tested.log.beginVerification(producer)).to.equal(undefined)
        await appended(marker(0), asCoordinator)
        expect(errorOf(await append(data(1), { verification: guard }))).to.equal('INVALID_TXN_STATE')
        const next = begin({ baseSequence: 1 })
        expect(next).not.to.equal(guard)
        await appended(data(1), { verification: next })
      })

      it('not over a restart', async () => {
        await open()
        const guard = begin()
        await tested.restart()
        expect(errorOf(await append(data(0), { verification: guard }))).to.equal('INVALID_TXN_STATE')
      })

      it('over a truncation', async () => {
        await open()
        for (const value of ['a', 'b']) await appended(records([value]))
        const guard = begin()
        await tested.settle(tested.log.truncateTo(1))
        await appended(data(0), { verification: guard })
      })

      it('a marker ends it, unless it is that of the transaction before', async () => {
        await open()
        const ended = begin()
        await appended(marker(0), asCoordinator)
        expect(errorOf(await append(data(0), { verification: ended }))).to.equal('INVALID_TXN_STATE')
        await appended(data(0))
        // The next transaction begins with the bumped epoch, before the marker that bumps it arrives.
        const next = begin({ producerEpoch: 1, bumpsEpoch: true })
        await appended(marker(1), { ...asCoordinator, transactionVersion: 2 })
        await appended(data(0, 1), { verification: next })
      })

      it('a producer of an older epoch is told so first', async () => {
        await open()
        await appended(data(0, 3))
        await appended(marker(3), asCoordinator)
        const refused = tested.log.beginVerification({ ...producer, producerEpoch: 2 })
        expect(isRejection(refused) && refused.error).to.equal('INVALID_PRODUCER_EPOCH')
        expect(errorOf(await append(data(1, 2), { verification: null }))).to.equal('INVALID_PRODUCER_EPOCH')
        const coordinators = { ...asCoordinator, verification: null }
        expect(errorOf(await append(data(1, 2), coordinators))).to.equal('INVALID_PRODUCER_EPOCH')
        expect(errorOf(await append(marker(2, 0), asCoordinator))).to.equal('INVALID_PRODUCER_EPOCH')
        expect(errorOf(await append(marker(3, 0), asCoordinator))).to.equal('TRANSACTION_COORDINATOR_FENCED')
      })

      it('the first batch must not be one that was sent after another that waits', async () => {
        await open()
        const guard = begin({ baseSequence: 5 })
        begin({ baseSequence: 3 })
        begin({ baseSequence: 4 })
        const first = (sequence: number) => append(data(sequence), { verification: guard })
        for (const sequence of [5, 4]) expect(errorOf(await first(sequence))).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER')
        expect(resultOf(await first(3)).baseOffset).to.equal(0)
      })

      it('in a new epoch the sequence numbers of the one before do not count', async () => {
        await open()
        begin({ baseSequence: 3 })
        const guard = begin({ producerEpoch: 1, baseSequence: 7 })
        begin({ producerEpoch: 0, baseSequence: 1 })
        expect(resultOf(await append(data(7, 1), { verification: guard })).baseOffset).to.equal(0)
      })

      it('an unknown producer whose transactions bump its epoch begins at 0', async () => {
        await open()
        const guard = begin({ baseSequence: 2, bumpsEpoch: true })
        expect(errorOf(await append(data(2), { verification: guard }))).to.equal('OUT_OF_ORDER_SEQUENCE_NUMBER')
        begin({ baseSequence: 0, bumpsEpoch: true })
        expect(resultOf(await append(data(0), { verification: guard })).baseOffset).to.equal(0)
      })

      it('tells beforehand which appends of a coordinator it would refuse', async () => {
        await open()
        const batch = (producerEpoch: number) => records(['v'], { producerId: 1, producerEpoch, transactional: true })
        const outcomes: (string | undefined)[] = []
        const toldOf = async (bytes: Buffer, asked: TransactionalBatch | TransactionMarker, context: object) => {
          const told = tested.log.transactionRefusal(asked)
          const end = tested.log.logEndOffset
          const result = await append(bytes, { ...asCoordinator, ...context })
          expect(told?.error).to.equal(errorOf(result))
          expect(tested.log.logEndOffset).to.equal(told === undefined ? end + 1 : end)
          outcomes.push(told?.error)
        }
        const write = (producerEpoch: number, verification?: VerificationGuard | null) => {
          const checked = verification === undefined ? {} : { verification }
          return toldOf(batch(producerEpoch), { producerId: 1, producerEpoch, ...checked }, checked)
        }
        const end = (producerEpoch: number, coordinatorEpoch: number, transactionVersion: number) => {
          const asked = { producerId: 1, producerEpoch, coordinatorEpoch, transactionVersion }
          return toldOf(marker(producerEpoch, coordinatorEpoch), asked, { transactionVersion })
        }
        await write(3, null)
        await write(3, begin({ producerEpoch: 3, baseSequence: -1 }))
        await write(3, null)
        await write(2)
        await end(2, 5, 0)
        await end(3, 5, 2)
        await end(4, 5, 2)
        await end(4, 5, 2)
        await end(4, 4, 2)
        await end(3, 5, 2)
        await write(3, null)
        await write(4)
        expect(outcomes).to.deep.equal([
          'INVALID_TXN_STATE',
          undefined,
          undefined,
          'INVALID_PRODUCER_EPOCH',
          'INVALID_PRODUCER_EPOCH',
          'INVALID_PRODUCER_EPOCH',
          undefined,
          undefined,
          'TRANSACTION_COORDINATOR_FENCED',
          'INVALID_PRODUCER_EPOCH',
          'INVALID_PRODUCER_EPOCH',
          undefined,
        ])
      })
    })

    it('finds offsets by timestamp', async () => {
      await open({ segmentBytes: 300, indexIntervalBytes: 1 })
      const t = tested.nowMs()
      const stamped = (timestamps: readonly number[]) =>
        appended(buildBatch(timestamps.map((timestamp) => ({ value: 'v', timestamp: t + timestamp }))))
      for (const timestamps of [
        [10, 30, 20],
        [5, 6, 7],
        [40, 40, 35],
        [50, 45, 60],
        [8, 9, 60],
      ])
        await stamped(timestamps)
      const find = async (timestamp: number, upTo = 100) =>
        (await tested.settle(tested.log.offsetForTimestamp(t + timestamp, upTo)))?.offset
      for (const again of ['restart', 'crash', 'restart'] as const) {
        expect([await find(0), await find(11), await find(31), await find(41), await find(61)]).to.deep.equal([
          0,
          1,
          6,
          9,
          undefined,
        ])
        expect(await find(41, 9)).to.equal(undefined)
        expect(await tested.settle(tested.log.maxTimestamp())).to.include({ timestampMs: t + 60, offset: 11 })
        await tested[again]()
      }
    })

    it('has no timestamp to tell of while it is empty', async () => {
      await open()
      expect(await tested.settle(tested.log.maxTimestamp())).to.equal(undefined)
      expect(await tested.settle(tested.log.offsetForTimestamp(0, 10))).to.equal(undefined)
    })

    it('remembers where each leader epoch began', async () => {
      await open()
      expect(tested.log.latestEpoch).to.equal(undefined)
      tested.log.assignEpoch(2)
      await appended(records(['a', 'b']), { leaderEpoch: 2 })
      await appended(records(['c']), { leaderEpoch: 5 })
      for (const again of ['crash', 'restart'] as const) {
        expect(tested.log.latestEpoch).to.equal(5)
        expect(tested.log.endOffsetForEpoch(5)).to.deep.equal({ leaderEpoch: 5, endOffset: 3 })
        expect(tested.log.endOffsetForEpoch(4)).to.deep.equal({ leaderEpoch: 2, endOffset: 2 })
        expect(tested.log.endOffsetForEpoch(6)).to.equal(undefined)
        expect(tested.log.endOffsetForEpoch(-1)).to.equal(undefined)
        expect(tested.log.endOffsetForEpoch(-2)).to.include({ leaderEpoch: -2 })
        expect([0, 1, 2].map((offset) => tested.log.epochForOffset(offset))).to.deep.equal([2, 2, 5])
        await tested[again]()
      }
    })

    it('keeps the start that was asked for, over a crash', async () => {
      await open({ segmentBytes: 200 })
      for (let i = 0; i < 10; i++) await appended(records([`value ${i}`]))
      await tested.settle(tested.log.deleteRecordsBefore(6))
      await tested.crash()
      expect(tested.log.logStartOffset).to.equal(6)
      expect(await valuesFrom(6)).to.deep.equal(['value 6', 'value 7', 'value 8', 'value 9'])
    })

    it('forgets what is truncated: records, producers, epochs', async () => {
      await open({ segmentBytes: 400 })
      for (let i = 0; i < 10; i++) {
        await appended(records([`value ${i}`], { producerId: 1, producerEpoch: 0, baseSequence: i }), {
          leaderEpoch: i,
        })
      }
      await tested.settle(tested.log.truncateTo(4))
      for (const again of ['crash', 'restart'] as const) {
        expect(tested.log.logEndOffset).to.equal(4)
        expect(tested.log.latestEpoch).to.equal(3)
        expect(tested.log.activeProducers()[0]).to.include({ lastSequence: 3 })
        expect(await valuesFrom(0)).to.deep.equal(['value 0', 'value 1', 'value 2', 'value 3'])
        await tested[again]()
      }
      const next = records(['new'], { producerId: 1, producerEpoch: 0, baseSequence: 4 })
      expect((await appended(next, { leaderEpoch: 20 })).baseOffset).to.equal(4)
    })

    it('takes the time of the append where the topic says so', async () => {
      await open({ messageTimestampType: 'LogAppendTime' })
      const result = await appended(buildBatch([{ value: 'v', timestamp: 1 }]), { nowMs: 5000 })
      expect(result.logAppendTimeMs).to.equal(5000)
      expect((await read(0)).records[0]).to.include({ timestamp: 5000 })
    })

    it('flushes what is appended when flush.messages says so', async () => {
      await open({ flushMessages: 1 })
      for (let i = 0; i < 5; i++) await appended(records([`value ${i}`]))
      expect(tested.log.highWatermark).to.equal(5)
    })
  })
}

interface ReadOutcome {
  readonly records: readonly LogRecord[]
  readonly nextOffset: number
  readonly isLimited: boolean
  readonly isBehind: boolean
  readonly batchCount: number
}

function resultOf(result: AppendResult | AppendRejection): AppendResult {
  if (isRejection(result)) throw new Error(`append was refused: ${result.error} ${result.message}`)
  return result as AppendResult
}

function errorOf(result: AppendResult | AppendRejection): string | undefined {
  return isRejection(result) ? result.error : undefined
}

function recordsOf(batch: Parameters<typeof readRecords>[0]): LogRecord[] {
  expect(batch.hasValidCrc()).to.equal(true)
  const records = readRecords(batch)
  if (records instanceof RecordFault) throw new Error(records.message)
  // Returns the memory to its pool.
  return records.map((record) => ({ ...record, value: record.value && Buffer.from(record.value) }))
}
