import { expect } from 'chai'
import { BATCHES_TO_RETAIN, firstOffsetOf, ProducerEntry } from './producer-entry.ts'

/** An entry with batches of three records; first sequences and first offsets by pairs. */
function entryOf(...batches: readonly (readonly [sequence: number, offset: number])[]): ProducerEntry {
  const entry = new ProducerEntry(1)
  for (const [sequence, offset] of batches)
    entry.addBatch(0, { lastSequence: sequence + 2, lastOffset: offset + 2, offsetDelta: 2, timestampMs: 0 })
  return entry
}

function foundAt(entry: ProducerEntry, sequence: number): number | undefined {
  const found = entry.findDuplicate(0, sequence, sequence + 2)
  return found && firstOffsetOf(found)
}

describe('the last batches of a producer', () => {
  it('are found by their sequence numbers, as many as may be in flight', () => {
    const entry = entryOf([0, 10], [3, 20], [6, 30], [9, 40], [12, 50], [15, 60])
    expect([3, 6, 9, 12, 15].map((sequence) => foundAt(entry, sequence))).to.deep.equal([20, 30, 40, 50, 60])
    expect(entry.batches).to.have.length(BATCHES_TO_RETAIN)
    expect(foundAt(entry, 0)).to.equal(undefined)
    expect(foundAt(entry, 4)).to.equal(undefined)
    expect(entry.findDuplicate(1, 3, 5)).to.equal(undefined)
  })

  it('may contain a removed one beside that sent again, which is the one that is there', () => {
    expect(foundAt(entryOf([29, 50], [25, 55], [28, 58], [29, 59]), 29)).to.equal(59)
  })
})
