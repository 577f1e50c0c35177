import { expect } from 'chai'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { type TurnMember, TurnShare, TurnShares } from './turn-shares.ts'

const KB = 1024

/** Connections with waiting requests. Started requests are recorded as `turn:name`. */
class Rig {
  readonly host = new SimulatedHost(1)
  readonly shares = new TurnShares(this.host.timers)
  readonly taken: string[] = []
  turn = 0

  client(name: string, bytes: number, count: number): TurnMember & { take: () => void; left: number } {
    const member = {
      share: new TurnShare(),
      left: count,
      take: () => {
        while (member.left > 0 && this.shares.tryStart(member, bytes)) {
          member.left--
          this.taken.push(`${this.turn}:${name}`)
        }
      },
      onNextTurn: () => member.take(),
    }
    return member
  }

  async nextTurn(): Promise<void> {
    this.turn++
    await this.host.advance(0)
  }

  inTurn(turn: number): string {
    const names = this.taken.filter((each) => each.startsWith(`${turn}:`)).map((each) => each.split(':')[1])
    return names.join('')
  }
}

describe('a turn of the event loop', () => {
  let rig: Rig
  beforeEach(() => {
    rig = new Rig()
    // Run one turn at a time: each end of a turn is one event of the simulated host.
    const { timers } = rig.host
    const ends: (() => void)[] = []
    Object.assign(timers, { atTurnEnd: (callback: () => void) => ends.push(callback) })
    rig.nextTurn = async () => {
      rig.turn++
      for (const end of ends.splice(0)) end()
    }
  })

  it('starts 64 requests of a connection, and the others in later turns', async () => {
    const client = rig.client('a', 100, 150)
    client.take()
    expect(rig.inTurn(0)).to.have.length(64)
    await rig.nextTurn()
    await rig.nextTurn()
    expect(client.left).to.equal(0)
    expect(rig.inTurn(2)).to.have.length(150 - 128)
  })

  it('starts half a megabyte of a connection', async () => {
    const client = rig.client('a', 64 * KB, 10)
    client.take()
    expect(rig.inTurn(0)).to.have.length(8)
    await rig.nextTurn()
    expect(client.left).to.equal(0)
  })

  it('starts one request of any size, then connections that had none', async () => {
    const [large, other] = [rig.client('L', 100_000 * KB, 2), rig.client('o', 64 * KB, 1)]
    large.take()
    other.take()
    expect(rig.inTurn(0)).to.equal('L')
    await rig.nextTurn()
    expect(rig.inTurn(1)).to.equal('o')
    await rig.nextTurn()
    expect(rig.inTurn(2)).to.equal('L')
  })

  it('starts a megabyte of all connections, and small requests beyond that', async () => {
    const bulk = ['a', 'b', 'c', 'd'].map((name) => rig.client(name, 100 * KB, 20))
    for (const client of bulk) client.take()
    expect(rig.inTurn(0)).to.equal('aaaaabbbbb')
    const small = rig.client('s', 200, 1)
    small.take()
    expect(small.left).to.equal(0)
  })

  it('takes turns among connections that want more than there is', async () => {
    const bulk = ['a', 'b', 'c', 'd'].map((name) => rig.client(name, 100 * KB, 1000))
    for (const client of bulk) client.take()
    for (let turn = 1; turn <= 8; turn++) await rig.nextTurn()
    const counts = bulk.map(({ left }) => 1000 - left)
    expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(10)
  })

  it('starts 256 requests of all connections', async () => {
    const many = Array.from({ length: 300 }, () => rig.client('s', 100, 1))
    for (const each of many) each.take()
    expect(rig.inTurn(0)).to.have.length(256)
    await rig.nextTurn()
    expect(rig.inTurn(1)).to.have.length(44)
  })

  it('reads half a megabyte of a connection', async () => {
    const client = rig.client('a', 100, 0)
    expect(rig.shares.read(client, 500 * KB)).to.equal(true)
    expect(rig.shares.read(client, 12 * KB)).to.equal(false)
    await rig.nextTurn()
    expect(rig.shares.read(client, 500 * KB)).to.equal(true)
  })

  it('forgets closed connections', async () => {
    const client = rig.client('a', 100, 100)
    client.take()
    rig.shares.forget(client)
    await rig.nextTurn()
    expect(client.left).to.equal(36)
  })
})
