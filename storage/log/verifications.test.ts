import { expect } from 'chai'
import { ProducerState } from './producer-state.ts'

const EXPIRATION_MS = 1000

describe('a verification', () => {
  it('is forgotten after the time that an idle producer is', () => {
    const producers = new ProducerState('topic-0')
    const begin = (nowMs: number) =>
      producers.beginVerification({ producerId: 1, producerEpoch: 0, baseSequence: 0, bumpsEpoch: false }, nowMs)
    const guard = begin(0)
    // Further batches that wait do not make it younger.
    expect(begin(500)).to.equal(guard)
    producers.removeExpired(EXPIRATION_MS - 1, EXPIRATION_MS)
    expect(begin(EXPIRATION_MS - 1)).to.equal(guard)
    producers.removeExpired(EXPIRATION_MS, EXPIRATION_MS)
    expect(begin(EXPIRATION_MS)).not.to.equal(guard)
  })
})
