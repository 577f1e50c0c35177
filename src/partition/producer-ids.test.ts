import { expect } from 'chai'
import { isRejection, reject } from '../../protocol/error-codes.ts'
import { ProducerIds } from './producer-ids.ts'

describe('producer ids', () => {
  it('come from reserved blocks, each once', async () => {
    let reserved = 5000
    const ids = new ProducerIds(async (count) => {
      reserved += count
      return reserved - count
    })
    const given = await Promise.all(Array.from({ length: 1001 }, () => ids.next(0)))
    expect(given).to.deep.equal(Array.from({ length: 1001 }, (_, i) => 5000 + i))
  })

  it('are refused while no block is available, and given again afterwards', async () => {
    let isFull = true
    const ids = new ProducerIds(async () => (isFull ? reject('KAFKA_STORAGE_ERROR') : 7000))
    const refused = await ids.next(0)
    expect(isRejection(refused) && refused.error).to.equal('COORDINATOR_LOAD_IN_PROGRESS')
    isFull = false
    expect(await ids.next(0)).to.equal(7000)
  })
})
