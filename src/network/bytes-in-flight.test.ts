import { expect } from 'chai'
import { BytesInFlight } from './bytes-in-flight.ts'

class Reader {
  resumed = 0
  resume() {
    this.resumed++
  }
}

describe('the budget of bytes in flight', () => {
  it('lets all connections read below the limit', () => {
    const budget = new BytesInFlight(100)
    budget.addRequest(99)
    expect(budget.mayRead(new Reader(), false)).to.equal(true)
  })

  it('stops readers at the limit and resumes them below it', () => {
    const budget = new BytesInFlight(100)
    const reader = new Reader()
    budget.addRequest(100)
    expect(budget.mayRead(reader, false)).to.equal(false)
    budget.removeRequest(1)
    expect(reader.resumed).to.equal(1)
  })

  it('lets one reader finish its frame, and the next one after it', () => {
    const budget = new BytesInFlight(100)
    const [first, second] = [new Reader(), new Reader()]
    budget.addRequest(150)
    expect(budget.mayRead(first, true)).to.equal(true)
    expect(budget.mayRead(second, true)).to.equal(false)
    budget.frameRead(first)
    expect(second.resumed).to.equal(1)
    expect(budget.mayRead(second, true)).to.equal(true)
  })

  it('passes the privilege on when its holder closes', () => {
    const budget = new BytesInFlight(1)
    const [first, second] = [new Reader(), new Reader()]
    budget.addRequest(1)
    budget.mayRead(first, true)
    budget.mayRead(second, true)
    budget.forget(first)
    expect(second.resumed).to.equal(1)
  })

  it('leaves responses the bytes that requests and other responses do not use', () => {
    const budget = new BytesInFlight(100)
    budget.addRequest(30)
    budget.addResponse(60)
    expect(budget.availableBytes).to.equal(10)
    budget.addResponse(60)
    expect(budget.availableBytes).to.equal(0)
    budget.removeResponse(120)
    expect(budget.availableBytes).to.equal(70)
  })

  it('does not stop requests because of slow consumers', () => {
    const budget = new BytesInFlight(100)
    budget.addResponse(1000)
    expect(budget.mayRead(new Reader(), false)).to.equal(true)
  })
})
