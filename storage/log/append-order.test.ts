import { expect } from 'chai'
import { leaseOf } from '../../protocol/buffer-pool.ts'
import type { CompressionName } from '../../protocol/compression/codec.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { type BatchOptions, buildBatch } from '../../protocol/records/batch-builder.ts'
import { forgedBatch } from '../../protocol/records/forged-batch.fixture.ts'
import { Rig } from '../compacted-log.fixture.ts'
import { TOPIC_ID } from '../log-manager.fixture.ts'
import type { AppendContext, AppendRejection, AppendResult, PartitionLog } from '../partition-log.ts'

const ZSTD = 4

/** Appends that are not awaited, and their outcomes. */
class Appends extends Rig {
  readonly ended: string[] = []

  constructor(changes: ConstructorParameters<typeof Rig>[0] = {}) {
    super({ cleanupPolicy: ['delete'], segmentBytes: 100_000_000, ...changes })
  }

  /** A batch with too much content to be validated at once. */
  large(compression: CompressionName = 'zstd', options: BatchOptions = {}): Buffer {
    const records = Array.from({ length: 30 }, (_, i) => ({
      key: 'k',
      value: `${i}`.repeat(50_000),
      timestamp: this.nowMs,
    }))
    return buildBatch(records, { compression, ...options })
  }

  small(options: BatchOptions = {}): Buffer {
    return buildBatch([{ key: 'k', value: 'v', timestamp: this.nowMs }], options)
  }

  put(name: string, bytes: Buffer, context: Partial<AppendContext> = {}, log: PartitionLog = this.log) {
    const whole = { origin: 'client', leaderEpoch: 0, nowMs: this.nowMs, ...context } as const
    const appended = log.append(bytes, whole)
    appended.then((result) => {
      this.ended.push(isRejection(result) ? `${name}: ${result.error}` : `${name}: ${offsetOf(result)}`)
    })
    return appended
  }
}

function offsetOf(result: AppendResult | AppendRejection): string {
  const { baseOffset, duplicate } = result as AppendResult
  return duplicate ? `${baseOffset} again` : String(baseOffset)
}

describe('appends behind one that has much to decompress', () => {
  let rig: Appends
  beforeEach(async () => {
    rig = new Appends()
    await rig.open()
  })
  afterEach(() => rig.stop())

  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    it(`get their offsets in the order of the calls: ${codec}`, async () => {
      const all = [
        rig.put('small', rig.small()),
        rig.put('large', rig.large(codec)),
        rig.put('behind', rig.small()),
        rig.put('large again', rig.large(codec)),
        rig.put('coordinator', rig.small(), { origin: 'coordinator' }),
      ]
      expect(rig.log.logEndOffset, 'staged at once').to.equal(1)
      await rig.host.settle(Promise.all(all))
      expect(rig.ended).to.deep.equal(['small: 0', 'large: 1', 'behind: 31', 'large again: 32', 'coordinator: 62'])
      const stored = (await rig.batches()).map((batch) => [batch.baseOffset, batch.hasValidCrc()])
      expect(stored).to.deep.equal([0, 1, 31, 32, 62].map((offset) => [offset, true]))
    })
  }

  it('of other logs go on', async () => {
    const other = rig.manager.createNow('other', 0, TOPIC_ID, rig.config)
    const first = rig.put('large', rig.large())
    await rig.host.settle(rig.put('other', rig.small(), {}, other))
    expect(rig.ended).to.deep.equal(['other: 0'])
    await rig.host.settle(first)
  })

  it('keep their sequences: five in flight, and a retry of each', async () => {
    const batch = (baseSequence: number, compression: CompressionName = 'none') => {
      const options = { producerId: 7, producerEpoch: 0, baseSequence }
      return compression === 'none' ? rig.small(options) : rig.large(compression, options)
    }
    const sent = () => [
      rig.put('a', batch(0, 'lz4')),
      rig.put('b', batch(30)),
      rig.put('c', batch(31, 'zstd')),
      rig.put('d', batch(61)),
    ]
    await rig.host.settle(Promise.all([...sent(), ...sent(), rig.put('gap', batch(90))]))
    expect(rig.ended.sort()).to.deep.equal(
      [
        ...['a: 0', 'b: 30', 'c: 31', 'd: 61'],
        ...['a: 0 again', 'b: 30 again', 'c: 31 again', 'd: 61 again', 'gap: OUT_OF_ORDER_SEQUENCE_NUMBER'],
      ].sort(),
    )
  })

  it('are refused alone where they are wrong', async () => {
    const broken = rig.large()
    const lying = forgedBatch({
      records: [{ value: 'v'.repeat(700_000) }],
      codec: ZSTD,
      header: { count: 2, lastOffsetDelta: 1 },
    })
    broken[100] = broken[100]! ^ 0xff
    const all = [
      rig.put('large', rig.large()),
      rig.put('lying', lying),
      rig.put('broken', broken),
      rig.put('last', rig.small()),
    ]
    await rig.host.settle(Promise.all(all))
    expect(rig.ended.sort()).to.deep.equal(['broken: CORRUPT_MESSAGE', 'large: 0', 'last: 30', 'lying: INVALID_RECORD'])
  })

  it('get the epoch that holds when their turn has come, or hear that nobody leads here any more', async () => {
    let epochNow: number | Rejection = 5
    const all = [rig.put('first', rig.large(), { epochNow: () => epochNow })]
    all.push(rig.put('second', rig.large(), { epochNow: () => epochNow }))
    all.push(rig.put('third', rig.small(), { epochNow: () => reject('UNKNOWN_TOPIC_OR_PARTITION') }))
    await rig.host.settle(all[0]!)
    epochNow = reject('NOT_LEADER_OR_FOLLOWER')
    await rig.host.settle(Promise.all(all))
    expect(rig.ended).to.deep.equal(['first: 0', 'second: NOT_LEADER_OR_FOLLOWER', 'third: UNKNOWN_TOPIC_OR_PARTITION'])
    expect((await rig.batches()).map((batch) => batch.partitionLeaderEpoch)).to.deep.equal([5])
  })

  for (const how of ['stop', 'delete'] as const) {
    it(`are refused at once when the log is no more: ${how}`, async () => {
      const all = [rig.put('first', rig.large()), rig.put('second', rig.small())]
      if (how === 'stop') await rig.stop()
      else rig.manager.delete(rig.log.topic, rig.log.partition)
      await rig.host.settle(Promise.all(all))
      expect(rig.ended).to.deep.equal(['first: KAFKA_STORAGE_ERROR', 'second: KAFKA_STORAGE_ERROR'])
      await rig.host.advance(1000)
      if (how === 'stop') await rig.open()
    })
  }

  it('keep the memory of their request until they are staged or refused', async () => {
    const leases = [rig.large('lz4'), rig.large('gzip'), rig.small()].map(leaseOf)
    const all = leases.map((lease, i) => rig.put(String(i), lease.bytes, { lease }))
    // The request releases its memory: its client has disconnected.
    for (const lease of leases) lease.release()
    await rig.host.settle(all[0]!)
    await rig.stop()
    await rig.host.settle(Promise.all(all))
    for (const lease of leases) expect(() => lease.bytes).to.throw('after its release')
    await rig.open()
  })

  it('wait for what has to be compressed anew, too', async () => {
    rig.manager.updateConfig(rig.log.topic, { ...rig.config, compressionType: 'lz4', maxMessageBytes: 5_000_000 })
    const all = [rig.put('gzip', rig.large('gzip')), rig.put('plain', rig.large('none')), rig.put('small', rig.small())]
    await rig.host.settle(Promise.all(all))
    expect(rig.ended).to.deep.equal(['gzip: 0', 'plain: 30', 'small: 60'])
    const codecs = (await rig.batches()).map((batch) => batch.compression)
    expect(codecs).to.deep.equal([3, 3, 3])
  })
})

describe('a batch that unpacks to far more than it takes', () => {
  it('is looked into with bounded memory, in many turns, while others go on', async () => {
    const rig = new Appends()
    await rig.open()
    const other = rig.manager.createNow('other', 0, TOPIC_ID, rig.config)
    // A zstd frame with a window of 16 KB: one record of half a gigabyte, whose block repeats a byte.
    const blocks = 32_768
    const valueBytes = blocks * 16_384 - 15
    const bomb = forgedBatch({
      records: [{}],
      header: { baseTimestamp: rig.nowMs },
      codec: ZSTD,
      compressed: bombOf(valueBytes, blocks),
    })
    expect(bomb.length).to.be.below(150_000)
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const first = rig.put('bomb', bomb)
    let others = 0
    while (rig.ended.every((line) => !line.startsWith('bomb')) && others < 20) {
      await rig.host.settle(rig.put('other', rig.small(), {}, other))
      others++
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    expect(others).to.equal(20)
    rig.manager.delete(rig.log.topic, rig.log.partition)
    await rig.host.settle(first)
    expect(rig.ended).to.include('bomb: KAFKA_STORAGE_ERROR')
    expect(most).to.be.below(20_000_000)
    await rig.stop()
  })
})

/** A head of raw bytes, then blocks of one byte each that expand to 16 KB. */
function bombOf(valueBytes: number, blocks: number): Buffer {
  const head = forgedBatch({ records: [{ length: valueBytes + 12, value: '', valueLength: valueBytes }] }).subarray(61)
  const start = head.subarray(0, -1)
  const raw = Buffer.concat([Buffer.from([start.length << 3, 0, 0]), start])
  const repeated = Array.from({ length: blocks }, () => Buffer.from([0x02, 0x00, 0x02, 0x61]))
  return Buffer.concat([Buffer.from('28b52ffd0020', 'hex'), raw, ...repeated])
}
