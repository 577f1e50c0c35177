import { expect } from 'chai'
import { ReadableEnd } from './readable-end.ts'

describe('the readable end of a log', () => {
  it('has the log forget transactions whose markers can be read, and no others', () => {
    const forgotten: number[] = []
    const log = {
      flushedEnd: { offset: 3, appendedBytes: 0 },
      firstUnstable: undefined,
      forgetTransactionsBelow: (offset: number) => void forgotten.push(offset),
    }
    const end = new ReadableEnd(log)
    log.flushedEnd = { offset: 5, appendedBytes: 1 }
    end.flushed()
    end.hold(true)
    log.flushedEnd = { offset: 7, appendedBytes: 2 }
    end.flushed()
    expect(forgotten).to.deep.equal([3, 5])
    end.hold(false)
    expect(forgotten).to.deep.equal([3, 5, 7])
  })
})
