import { expect } from 'chai'
import { type LegacyOffsetsLog, legacyOffsets } from './legacy-offsets.ts'

const nowMs = 9000

/** Segments with base offsets 0, 10 and 20, last modified at 1000, 2000 and 3000. The log ends at 25. */
function log({ isEmpty = false, logStartOffset = 0 } = {}): LegacyOffsetsLog {
  const segment = (baseOffset: number, at: number, empty = false) => ({
    offset: Math.max(baseOffset, logStartOffset),
    isEmpty: empty,
    modifiedMs: () => at,
  })
  const segments = [segment(20, 3000, isEmpty), segment(10, 2000), segment(0, 1000)]
  return { logStartOffset, logEndOffset: isEmpty ? 20 : 25, segmentStarts: () => segments }
}

/** Of steps that pause between segments. */
function result<T>(steps: Iterator<unknown, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

describe('offsets of ListOffsets v0', () => {
  const ask = (timestamp: number, maxNumOffsets = 10, changes = {}, readableEnd = 25) =>
    result(legacyOffsets(log(changes), { timestamp, maxNumOffsets }, { readableEnd, nowMs }))

  for (const [what, timestamp, expected] of [
    ['the end', -1, [25, 20, 10, 0]],
    ['the start', -2, [0]],
    ['a time between two segments', 2500, [10, 0]],
    ['the very time of a write', 2000, [10, 0]],
    ['the time of the last write', 3000, [20, 10, 0]],
    ['now', nowMs, [25, 20, 10, 0]],
    ['a time before all segments', 500, []],
  ] as const) {
    it(`${what}: ${expected.join(', ') || 'none'}`, () => {
      expect(ask(timestamp)).to.deep.equal(expected)
    })
  }

  it('are at most as many as asked for', () => {
    expect(ask(-1, 2)).to.deep.equal([25, 20])
    expect(ask(3000, 1)).to.deep.equal([20])
    expect(ask(-1, 0)).to.deep.equal([])
    expect(ask(-1, -1)).to.equal(undefined)
  })

  it('leave out the log end if the newest segment is empty', () => {
    expect(ask(-1, 10, { isEmpty: true })).to.deep.equal([20, 10, 0])
  })

  it('start at the log start', () => {
    expect(ask(-1, 10, { logStartOffset: 15 })).to.deep.equal([25, 20, 15, 15])
    expect(ask(-2, 10, { logStartOffset: 15 })).to.deep.equal([15])
  })

  it('end at the last readable offset', () => {
    expect(ask(-1, 10, {}, 22)).to.deep.equal([22, 20, 10, 0])
    expect(ask(-1, 10, {}, 15)).to.deep.equal([15, 10, 0])
    expect(ask(-1, 1, {}, 22)).to.deep.equal([22])
  })
})
