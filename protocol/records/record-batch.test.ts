import { expect } from 'chai'
import fc from 'fast-check'
import { buildBatch } from './batch-builder.ts'
import { batchesOf, decrementSequence, incrementSequence, RecordBatch } from './record-batch.ts'

const batch = (options = {}) =>
  new RecordBatch(
    buildBatch(
      [
        { key: 'k', value: 'v', timestamp: 1000 },
        { value: null, timestamp: 2000 },
      ],
      options,
    ),
  )

describe('RecordBatch', () => {
  it('shows what was written into the header', () => {
    const written = batch({
      baseOffset: 2 ** 40 + 5,
      partitionLeaderEpoch: 7,
      producerId: 2 ** 35,
      producerEpoch: 3,
      baseSequence: 2 ** 31 - 1,
      transactional: true,
    })
    expect(written).to.include({ baseOffset: 2 ** 40 + 5, lastOffset: 2 ** 40 + 6, nextOffset: 2 ** 40 + 7, magic: 2 })
    expect(written).to.include({ partitionLeaderEpoch: 7, producerId: 2 ** 35, producerEpoch: 3, hasProducerId: true })
    expect(written).to.include({ baseSequence: 2 ** 31 - 1, lastSequence: 0, count: 2, lastOffsetDelta: 1 })
    expect(written).to.include({ baseTimestamp: 1000, maxTimestamp: 2000, timestampType: 'CreateTime' })
    expect(written).to.include({ isTransactional: true, isControl: false, isCompressed: false, isLegacy: false })
    expect(written.sizeBytes).to.equal(written.bytes.length)
    expect(written.deleteHorizonMs).to.equal(undefined)
    expect(written.hasValidCrc()).to.equal(true)
  })

  it('shows that producer, sequence and epoch are absent', () => {
    const written = batch()
    expect(written).to.include({ producerId: -1, producerEpoch: -1, baseSequence: -1, lastSequence: -1 })
    expect(written).to.include({ partitionLeaderEpoch: -1, hasProducerId: false })
  })

  it('takes another offset and leader epoch without a new checksum', () => {
    const written = batch()
    const crc = written.crc
    written.baseOffset = 2 ** 53 - 2
    written.partitionLeaderEpoch = 12
    expect(written).to.include({ baseOffset: 2 ** 53 - 2, partitionLeaderEpoch: 12, crc })
    expect(written.hasValidCrc()).to.equal(true)
  })

  it('takes the log append time with a new checksum', () => {
    const written = batch({ transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 })
    const crc = written.crc
    written.setMaxTimestamp('LogAppendTime', 5000)
    expect(written).to.include({ timestampType: 'LogAppendTime', maxTimestamp: 5000, isTransactional: true })
    expect(written.crc).to.not.equal(crc)
    expect(written.hasValidCrc()).to.equal(true)
    written.setMaxTimestamp('CreateTime', 2000)
    expect(written).to.include({ timestampType: 'CreateTime', crc })
  })

  it('does not read the records where the maximum timestamp is what it was', () => {
    const written = batch()
    written.bytes[written.bytes.length - 1]! ^= 1
    const crc = written.crc
    written.setMaxTimestamp('CreateTime', 2000)
    expect(written.crc).to.equal(crc)
    expect(written.hasValidCrc()).to.equal(false)
  })

  it('finds any flipped bit behind the checksum', () => {
    const bytes = batch().bytes
    fc.assert(
      fc.property(fc.integer({ min: 21 * 8, max: bytes.length * 8 - 1 }), (bit) => {
        const flipped = Buffer.from(bytes)
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        expect(new RecordBatch(flipped).hasValidCrc()).to.equal(false)
      }),
    )
  })

  it('shows the delete horizon that compaction wrote', () => {
    expect(batch({ deleteHorizonMs: 123 }).deleteHorizonMs).to.equal(123)
  })

  it('saturates numbers that no offset or timestamp can be', () => {
    const bytes = batch().bytes
    bytes.fill(0xff, 35, 43)
    bytes[35] = 0x7f
    expect(new RecordBatch(bytes).maxTimestamp).to.equal(Number.MAX_SAFE_INTEGER)
    bytes[35] = 0x80
    expect(new RecordBatch(bytes).maxTimestamp).to.equal(-Number.MAX_SAFE_INTEGER)
  })
})

describe('batchesOf', () => {
  const one = buildBatch([{ value: 'a' }])
  const two = buildBatch([{ value: 'bb' }], { baseOffset: 1 })

  it('finds batches that lie one after the other', () => {
    const scan = batchesOf(Buffer.concat([one, two]))
    expect(scan.batches.map((found) => found.baseOffset)).to.deep.equal([0, 1])
    expect(scan).to.include({ endPosition: one.length + two.length, corruption: undefined })
  })

  it('stops before a cut batch, wherever the cut is', () => {
    const both = Buffer.concat([one, two])
    for (let cut = one.length; cut < both.length; cut++) {
      const scan = batchesOf(both, 0, cut)
      expect(scan.batches).to.have.length(1)
      expect(scan).to.include({ endPosition: one.length, corruption: undefined })
    }
  })

  it('stops at an impossible length or magic and says so', () => {
    const short = Buffer.from(two)
    short.writeInt32BE(13, 8)
    expect(batchesOf(Buffer.concat([one, short])).corruption).to.match(/13 is less than the minimum record overhead/)
    const negative = Buffer.from(two)
    negative.writeInt32BE(-1, 8)
    expect(batchesOf(negative).corruption).to.match(/-1 is less than/)
    const magic = Buffer.from(two)
    magic[16] = 3
    expect(batchesOf(Buffer.concat([one, magic]))).to.deep.include({
      endPosition: one.length,
      corruption: 'Invalid magic found in record: 3',
    })
    const tooShortForV2 = Buffer.from(two)
    tooShortForV2.writeInt32BE(48, 8)
    expect(batchesOf(tooShortForV2).corruption).to.match(/smaller than the minimum allowed overhead/)
  })

  it('ends on any bytes, and never beyond them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const scan = batchesOf(Buffer.concat([one, bytes]))
        expect(scan.endPosition).to.be.within(one.length, one.length + bytes.length)
      }),
    )
  })
})

describe('sequence arithmetic', () => {
  it('wraps at 2^31', () => {
    expect(incrementSequence(5, 3)).to.equal(8)
    expect(incrementSequence(2 ** 31 - 1, 1)).to.equal(0)
    expect(incrementSequence(2 ** 31 - 2, 5)).to.equal(3)
    expect(decrementSequence(3, 5)).to.equal(2 ** 31 - 2)
    expect(decrementSequence(5, 5)).to.equal(0)
  })
})
