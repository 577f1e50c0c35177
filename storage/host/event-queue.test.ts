import { expect } from 'chai'
import fc from 'fast-check'
import { EventQueue, type QueuedEvent } from './event-queue.ts'

describe('EventQueue', () => {
  it('gives events by time, then rank, then creation, without those cancelled', () => {
    const event = fc.record({ atMs: fc.nat(5), rank: fc.nat(3), isCancelled: fc.boolean() })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (made) => {
        const events = made.map((each, sequence) => ({ ...each, sequence }))
        const queue = new EventQueue<QueuedEvent>()
        for (const each of events) queue.add(each)
        const order = events
          .filter(({ isCancelled }) => !isCancelled)
          .sort((a, b) => a.atMs - b.atMs || a.rank - b.rank || a.sequence - b.sequence)
        expect(drained(queue)).to.deep.equal(order)
      }),
    )
  })

  it('takes new events between others', () => {
    const queue = new EventQueue<QueuedEvent>()
    const at = (atMs: number) => ({ atMs, rank: 0, sequence: atMs, isCancelled: false })
    for (const atMs of [5, 1, 3]) queue.add(at(atMs))
    queue.removeEarliest()
    queue.add(at(4))
    expect(drained(queue).map(({ atMs }) => atMs)).to.deep.equal([3, 4, 5])
  })
})

function drained(queue: EventQueue<QueuedEvent>): QueuedEvent[] {
  const events: QueuedEvent[] = []
  for (let next = queue.earliest(); next !== undefined; next = queue.earliest()) {
    events.push(next)
    queue.removeEarliest()
  }
  return events
}
