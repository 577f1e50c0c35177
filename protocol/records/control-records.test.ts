import { expect } from 'chai'
import {
  buildEndTransactionBatch,
  buildLeaderChangeBatch,
  controlRecordType,
  readEndTransactionMarker,
} from './control-records.ts'
import { RecordBatch } from './record-batch.ts'
import { RecordFault, readRecords } from './record-reader.ts'

function onlyRecord(bytes: Buffer) {
  const read = readRecords(new RecordBatch(bytes))
  if (read instanceof RecordFault) throw new Error(read.message)
  expect(read).to.have.length(1)
  return read[0]!
}

describe('control records', () => {
  for (const type of ['COMMIT', 'ABORT'] as const) {
    it(`an end of transaction of type ${type} reads as it was written`, () => {
      const options = { producerId: 9, producerEpoch: 4, timestampMs: 55, baseOffset: 3, partitionLeaderEpoch: 2 }
      const bytes = buildEndTransactionBatch({ type, coordinatorEpoch: 77 }, options)
      const batch = new RecordBatch(bytes)
      expect(batch).to.include({
        isControl: true,
        isTransactional: true,
        producerId: 9,
        producerEpoch: 4,
        baseSequence: -1,
      })
      expect(batch).to.include({ baseOffset: 3, partitionLeaderEpoch: 2, maxTimestamp: 55, count: 1 })
      const { key, value } = onlyRecord(bytes)
      expect(readEndTransactionMarker(key, value)).to.deep.equal({ type, coordinatorEpoch: 77 })
    })
  }

  it('a leader change is a control batch of no producer', () => {
    const bytes = buildLeaderChangeBatch({ leaderId: 1, voters: [1], grantingVoters: [1] }, { timestampMs: 5 })
    expect(new RecordBatch(bytes)).to.include({ isControl: true, isTransactional: false, producerId: -1 })
    const { key, value } = onlyRecord(bytes)
    expect(controlRecordType(key)).to.equal('LEADER_CHANGE')
    expect(value!.toString('hex')).to.equal('0000' + '00000001' + '020000000100' + '020000000100' + '00')
    expect(readEndTransactionMarker(key, value)).to.equal(undefined)
  })

  it('a type newer than ours is unknown, a broken key is none', () => {
    expect(controlRecordType(Buffer.from('00000063', 'hex'))).to.equal('UNKNOWN')
    expect(controlRecordType(Buffer.from('ffff0001', 'hex'))).to.equal(undefined)
    expect(controlRecordType(Buffer.from('0000', 'hex'))).to.equal(undefined)
    expect(controlRecordType(null)).to.equal(undefined)
  })

  it('a marker with too short a value is none', () => {
    expect(readEndTransactionMarker(Buffer.from('00000001', 'hex'), Buffer.alloc(5))).to.equal(undefined)
  })
})
