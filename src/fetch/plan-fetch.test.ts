import { expect } from 'chai'
import { reject } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { WantedPartition } from './fetch-request.ts'
import { planFetch, type ReadablePartition } from './plan-fetch.ts'

function wanted(changes: Partial<WantedPartition>): WantedPartition {
  return {
    topic: 't',
    topicId: ZERO_UUID,
    partition: 0,
    fetchOffset: 20,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    maxBytes: 1000,
    ...changes,
  }
}

/** Offsets 10 to 50; epoch 2 starts at 10, epoch 5 at 30. The current leader epoch is 5. */
const partition: ReadablePartition = {
  checkEpoch: (epoch) =>
    epoch === -1 || epoch === 5 ? undefined : reject(epoch < 5 ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH'),
  logStartOffset: 10,
  logEndOffset: 50,
  highWatermark: 45,
  lastStableOffset: 40,
  endOffsetForEpoch(epoch) {
    if (epoch > 5 || epoch < 2) return undefined
    return epoch === 5 ? { leaderEpoch: 5, endOffset: 50 } : { leaderEpoch: 2, endOffset: 30 }
  },
}

function errorOf(changes: Partial<WantedPartition>): string {
  const plan = planFetch(partition, wanted(changes), 'highWatermark')
  return plan.kind === 'rejected' ? plan.rejection.error : plan.kind
}

describe('the plan of a fetch', () => {
  it('reads up to the last offset that the reader may see', () => {
    const ends = (['logEnd', 'highWatermark', 'lastStableOffset'] as const).map((visibility) => {
      const plan = planFetch(partition, wanted({}), visibility)
      return plan.kind === 'read' ? plan.upToOffset : plan.kind
    })
    expect(ends).to.deep.equal([50, 45, 40])
  })

  for (const [fetchOffset, outcome] of [
    [9, 'OFFSET_OUT_OF_RANGE'],
    [10, 'read'],
    [45, 'read'],
    [50, 'read'],
    [51, 'OFFSET_OUT_OF_RANGE'],
  ] as const) {
    it(`answers offset ${fetchOffset} of 10 to 50 with ${outcome}`, () => {
      expect(errorOf({ fetchOffset })).to.equal(outcome)
    })
  }

  it('fences a client that knows an older or a newer leader, before it looks at offsets', () => {
    expect(errorOf({ currentLeaderEpoch: 4, fetchOffset: 99 })).to.equal('FENCED_LEADER_EPOCH')
    expect(errorOf({ currentLeaderEpoch: 6, fetchOffset: 99 })).to.equal('UNKNOWN_LEADER_EPOCH')
    expect(errorOf({ currentLeaderEpoch: 5 })).to.equal('read')
  })

  it('answers where a client that read too much of an old epoch diverges', () => {
    const plan = planFetch(partition, wanted({ lastFetchedEpoch: 2, fetchOffset: 35 }), 'highWatermark')
    expect(plan).to.include({ kind: 'diverging', epoch: 2, endOffset: 30 })
  })

  it('answers the largest known epoch below an unknown one', () => {
    const plan = planFetch(partition, wanted({ lastFetchedEpoch: 4, fetchOffset: 25 }), 'highWatermark')
    expect(plan).to.include({ kind: 'diverging', epoch: 2, endOffset: 30 })
  })

  it('reads on if the last fetched epoch agrees', () => {
    expect(errorOf({ lastFetchedEpoch: 2, fetchOffset: 30 })).to.equal('read')
    expect(errorOf({ lastFetchedEpoch: 5, fetchOffset: 40 })).to.equal('read')
  })

  it('rejects an unknown epoch, and an offset below the start with any epoch', () => {
    expect(errorOf({ lastFetchedEpoch: 9 })).to.equal('OFFSET_OUT_OF_RANGE')
    expect(errorOf({ lastFetchedEpoch: 2, fetchOffset: 5 })).to.equal('OFFSET_OUT_OF_RANGE')
  })
})
