import { expect } from 'chai'
import { QueuedRequests } from './queued-requests.ts'

describe('requests that are queued', () => {
  it('stop a reader that has some of them, until there is room', () => {
    const queued = new QueuedRequests(2)
    let resumed = 0
    const reader = { resume: () => resumed++ }
    queued.add(2)
    expect(queued.mayRead(reader, 1)).to.equal(false)
    queued.add(1)
    queued.add(-1)
    expect(resumed).to.equal(0)
    queued.add(-1)
    expect(resumed).to.equal(1)
    expect(queued.mayRead(reader, 1)).to.equal(true)
  })

  it('never stop a reader that has none of them', () => {
    const queued = new QueuedRequests(1)
    queued.add(5)
    expect(queued.mayRead({ resume() {} }, 0)).to.equal(true)
  })

  it('do not resume a closed reader', () => {
    const queued = new QueuedRequests(1)
    const gone = { resume: () => expect.fail('it was resumed') }
    queued.add(1)
    expect(queued.mayRead(gone, 1)).to.equal(false)
    queued.forget(gone)
    queued.add(-1)
  })
})
