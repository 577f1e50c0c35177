import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import type { VerificationGuard } from '../../storage/partition-log.ts'
import {
  type CoordinatorLog,
  CorruptStateError,
  type LoadedRecord,
  type StateRecord,
  type TransactionEnd,
} from './state-log.ts'

/** Implementation of the seam to test. */
export interface StateLogUnderTest {
  readonly log: CoordinatorLog
  /** Advances the world until the promise is settled. */
  settle<T>(promise: Promise<T>): Promise<T>
  /** Makes appends fail, or succeed again. */
  failAppends(fails: boolean): Promise<void>
  /** Stops cleanly and starts again with the stored data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const NOW_MS = 1_767_225_600_000
const PRODUCER = { producerId: 7, producerEpoch: 3 }
const END = { coordinatorEpoch: 0, transactionVersion: 0 }

function record(key: string, value: string | null): StateRecord {
  return { key: Buffer.from(key), value: value === null ? null : Buffer.from(value) }
}

/** `key=value`, or the kind of marker. Copied at once because the log owns the buffers. */
function textOf({ key, value, marker }: LoadedRecord): string {
  return marker ?? `${key}=${value}`
}

/** Rules for every implementation of a coordinator's log. */
export function describeStateLog(name: string, make: () => Promise<StateLogUnderTest>): void {
  describe(name, () => {
    let tested: StateLogUnderTest
    beforeEach(async () => {
      tested = await make()
    })
    afterEach(() => tested.stop())

    const append = (records: readonly StateRecord[]) => tested.log.append(records, { nowMs: NOW_MS })
    const appended = (...records: StateRecord[]) => tested.settle(append(records))
    const loaded = async (): Promise<string[]> => {
      const seen: string[] = []
      await tested.settle(tested.log.load((each) => seen.push(textOf(each))))
      return seen
    }

    it('is empty at first', async () => {
      expect(await loaded()).to.deep.equal([])
    })

    it('loads what was appended, in order, with its offset and time, after a restart too', async () => {
      const end = await appended(record('a', '1'), record('b', '2'))
      const nextEnd = await appended(record('a', '3'))
      for (const isRestarted of [false, true]) {
        if (isRestarted) await tested.restart()
        const seen: [string, number, number, number][] = []
        await tested.settle(
          tested.log.load((each) => seen.push([textOf(each), each.offset, each.timestampMs, each.producerId])),
        )
        expect(seen).to.deep.equal([
          ['a=1', end - 2, NOW_MS, -1],
          ['b=2', end - 1, NOW_MS, -1],
          ['a=3', nextEnd - 1, NOW_MS, -1],
        ])
      }
    })

    it('keeps tombstones, and empty values apart from them', async () => {
      await appended(record('a', null), record('b', ''), record('', 'c'))
      expect(await loaded()).to.deep.equal(['a=null', 'b=', '=c'])
    })

    it('fixes the place of an append before its promise is returned', async () => {
      const ends = await tested.settle(Promise.all([1, 2, 3, 4].map((n) => append([record(`${n}`, 'x'.repeat(n))]))))
      expect(ends).to.deep.equal([...ends].sort((a, b) => a - b))
      expect(await loaded()).to.deep.equal(['1=x', '2=xx', '3=xxx', '4=xxxx'])
    })

    it('has an append once its promise is resolved, and none of it or all before', async () => {
      const first = append([record('a', '1'), record('b', '2')])
      const seen: string[] = []
      await tested.settle(tested.log.load((each) => seen.push(textOf(each))))
      expect(seen).to.be.oneOf([seen.length === 0 ? seen : undefined, seen.length === 2 ? seen : undefined])
      await tested.settle(first)
      expect(await loaded()).to.deep.equal(['a=1', 'b=2'])
    })

    it('loads nothing that is not as durable as the settings ask', async () => {
      const resolved = new Set<string>()
      const appends = ['a', 'b', 'c'].map((key) => append([record(key, '1')]).then(() => resolved.add(`${key}=1`)))
      for (const each of await loaded()) expect([...resolved]).to.include(each)
      await tested.settle(Promise.all(appends))
    })

    it('takes a batch of the size that it names', async () => {
      const value = 'v'.repeat(Math.min(tested.log.maxBatchBytes, 2 ** 20) - 200)
      await appended(record('large', value))
      expect(await loaded()).to.deep.equal([`large=${value}`])
    })

    it('tells the producer of records of a transaction, and its end in their order', async () => {
      const options = { nowMs: NOW_MS }
      await tested.settle(tested.log.append([record('a', '1')], { ...options, transaction: PRODUCER }))
      await appended(record('b', '2'))
      for (const result of ['commit', 'abort'] as const) {
        await tested.settle(tested.log.endTransaction({ ...PRODUCER, ...END, result }, options))
      }
      for (const isRestarted of [false, true]) {
        if (isRestarted) await tested.restart()
        const seen: unknown[] = []
        await tested.settle(
          tested.log.load((each) => {
            const bytes = each.marker === undefined ? undefined : each.key.length + (each.value?.length ?? 0)
            seen.push([textOf(each), each.producerId, each.producerEpoch, bytes])
          }),
        )
        expect(seen).to.deep.equal([
          ['a=1', PRODUCER.producerId, PRODUCER.producerEpoch, undefined],
          ['b=2', -1, -1, undefined],
          ['commit', PRODUCER.producerId, PRODUCER.producerEpoch, 0],
          ['abort', PRODUCER.producerId, PRODUCER.producerEpoch, 0],
        ])
      }
    })

    it('takes records of a transaction with the guard of its verification, and tells which it would refuse', async () => {
      const { log } = tested
      const begin = async (producerEpoch: number) =>
        tested.settle(
          Promise.resolve(log.beginVerification({ ...PRODUCER, producerEpoch, baseSequence: -1, bumpsEpoch: true })),
        )
      const transaction = async (producerEpoch: number, verification: VerificationGuard | null) => {
        const batch = { ...PRODUCER, producerEpoch, verification }
        const refusal = log.transactionRefusal(batch)?.error
        if (refusal === undefined)
          await tested.settle(log.append([record('a', '1')], { ...options, transaction: batch }))
        return refusal
      }
      const end = async (changes: Partial<TransactionEnd>) => {
        const marker = { ...PRODUCER, ...END, transactionVersion: 2, result: 'commit', ...changes } as const
        const refusal = log.transactionRefusal(marker)?.error
        if (refusal === undefined) await tested.settle(log.endTransaction(marker, options))
        return refusal
      }
      const options = { nowMs: NOW_MS }
      const guard = await begin(3)
      if (guard === undefined || isRejection(guard)) throw new Error('there is no guard')
      expect(await transaction(3, null)).to.equal('INVALID_TXN_STATE')
      expect(await transaction(3, guard)).to.equal(undefined)
      expect(await begin(3)).to.equal(undefined)
      expect(await transaction(3, null)).to.equal(undefined)
      expect(await end({ producerEpoch: 3 })).to.equal('INVALID_PRODUCER_EPOCH')
      expect(await end({ producerEpoch: 4, coordinatorEpoch: 1 })).to.equal(undefined)
      expect(await end({ producerEpoch: 4, coordinatorEpoch: 0 })).to.equal('TRANSACTION_COORDINATOR_FENCED')
      expect(await transaction(3, guard)).to.equal('INVALID_PRODUCER_EPOCH')
      const refused = await begin(3)
      expect(isRejection(refused) && refused.error).to.equal('INVALID_PRODUCER_EPOCH')
      expect(await loaded()).to.deep.equal(['a=1', 'a=1', 'commit'])
    })

    it('rejects an append that fails and all that count on it; a load then tells what is kept', async () => {
      await appended(record('a', '1'))
      await tested.failAppends(true)
      const outcomes = await tested.settle(Promise.allSettled([append([record('b', '2')]), append([record('c', '3')])]))
      expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
      await tested.failAppends(false)
      const kept = await loaded()
      expect(kept).to.be.oneOf([kept.length === 1 ? kept : undefined])
      expect(kept[0]).to.equal('a=1')
      await appended(record('d', '4'))
      expect(await loaded()).to.deep.equal([...kept, 'd=4'])
    })

    it('ends a load with CorruptStateError where a record cannot be replayed, and loads again from the start', async () => {
      await appended(record('a', '1'), record('b', '2'))
      const failing = tested.log.load((each) => {
        if (textOf(each) === 'b=2') throw new Error('no such version')
      })
      const failure = await tested.settle(failing.catch((error: unknown) => error))
      expect(failure).to.be.instanceOf(CorruptStateError)
      expect((failure as Error).message)
        .to.include('offset 1')
        .and.to.include('no such version')
      expect(await loaded()).to.deep.equal(['a=1', 'b=2'])
    })
  })
}
