import { expect } from 'chai'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { FetchPurgatory } from './fetch-purgatory.ts'
import type { Visibility } from './plan-fetch.ts'

describe('the fetch purgatory', () => {
  const [a, b] = [{}, {}]
  const roomsOf = (keys: object[], bytes: number) => new Map(keys.map((key) => [key, bytes]))

  function rig() {
    const host = new SimulatedHost(1)
    const purgatory = new FetchPurgatory(host.timers)
    const reasons: string[] = []
    const park = (
      keys: object[],
      missingBytes: number,
      { waitMs = 500, room = 1000, visibility = 'highWatermark' as Visibility } = {},
    ) =>
      purgatory.park({
        roomBytes: roomsOf(keys, room),
        missingBytes,
        waitMs,
        visibility,
        complete: (why) => reasons.push(why),
      })
    return { host, purgatory, reasons, park }
  }

  it('completes a fetch once enough bytes arrived, from any partition', () => {
    const { purgatory, reasons, park } = rig()
    park([a, b], 100)
    purgatory.appended(a, 60, 60)
    expect(reasons).to.deep.equal([])
    purgatory.appended(b, 40, 40)
    expect(reasons).to.deep.equal(['data'])
    expect(purgatory.watchedCount).to.equal(0)
  })

  it('counts of each partition no more than it may add to the answer', () => {
    const { purgatory, reasons, park } = rig()
    park([a, b], 100, { room: 60 })
    for (let i = 0; i < 5; i++) purgatory.appended(a, 50, 50)
    expect(reasons).to.deep.equal([])
    purgatory.appended(b, 40, 40)
    expect(reasons).to.deep.equal(['data'])
  })

  it('counts what each reader may see: uncommitted records, or what became stable', () => {
    const { purgatory, reasons, park } = rig()
    const wakes = (bytes: number, stableBytes: number) => {
      reasons.length = 0
      purgatory.appended(a, bytes, stableBytes)
      return reasons.length
    }
    park([a], 100, { visibility: 'lastStableOffset' })
    expect(wakes(150, 0)).to.equal(0)
    expect(wakes(10, 99)).to.equal(0)
    expect(wakes(0, 1)).to.equal(1)
    for (const visibility of ['highWatermark', 'logEnd'] as const) {
      park([a], 100, { visibility })
      expect(wakes(99, 1000)).to.equal(0)
      expect(wakes(1, 0)).to.equal(1)
    }
  })

  it('completes those that cannot tell how much they may read, however little may be added', () => {
    const { purgatory, reasons, park } = rig()
    park([a, b], 1000, { room: 1, visibility: 'lastStableOffset' })
    park([a, b], 1000, { room: 1, visibility: 'highWatermark' })
    purgatory.appended(a, 10, Number.POSITIVE_INFINITY)
    expect(reasons).to.deep.equal(['changed'])
  })

  it('completes it when its time is over, once', async () => {
    const { host, purgatory, reasons, park } = rig()
    park([a], 1)
    await host.advance(499)
    expect(reasons).to.deep.equal([])
    await host.advance(1)
    purgatory.appended(a, 10, 10)
    expect(reasons).to.deep.equal(['timeout'])
  })

  it('completes all fetches that wait for the changed partition, and only them', () => {
    const { purgatory, reasons, park } = rig()
    park([a], 1000)
    park([a, b], 1000)
    park([b], 1000)
    purgatory.changed(a)
    expect(reasons).to.deep.equal(['changed', 'changed'])
    expect(purgatory.watchedCount).to.equal(1)
  })

  it('forgets a fetch that was cancelled', async () => {
    const { host, purgatory, reasons, park } = rig()
    park([a], 1)()
    purgatory.appended(a, 1, 1)
    await host.advance(1000)
    expect(reasons).to.deep.equal([])
    expect(purgatory.watchedCount).to.equal(0)
  })

  it('accepts a fetch that parks again while it is woken', () => {
    const { purgatory, park } = rig()
    let wakes = 0
    const again = () => {
      wakes++
      const parked = { roomBytes: roomsOf([a], 10), missingBytes: 1, waitMs: 500, visibility: 'logEnd' } as const
      purgatory.park({ ...parked, complete: again })
    }
    again()
    park([a], 1)
    purgatory.appended(a, 1, 1)
    expect(wakes).to.equal(2)
    purgatory.appended(a, 1, 1)
    expect(wakes).to.equal(3)
  })
})
