import { expect } from 'chai'
import { ReadableEnd } from './readable-end.ts'

describe('the readable end of a log', () => {
  it('has the log forget transactions whose markers can be read, and no others', () => {
    const forgotten: number[] = []
    const log = {
      flushedEndOffset: 3,
      firstUnstableOffset: () => undefined,
      forgetTransactionsBelow: (offset: number) => void forgotten.push(offset),
    }
    const end = new ReadableEnd(log)
    log.flushedEndOffset = 5
    end.flushed(1)
    end.hold(true)
    log.flushedEndOffset = 7
    end.flushed(1)
    expect(forgotten).to.deep.equal([3, 5])
    end.hold(false)
    expect(forgotten).to.deep.equal([3, 5, 7])
  })
})
