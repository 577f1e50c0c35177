import { expect } from 'chai'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { silentLogger } from '../observe/logger.ts'
import { limits } from './limits.ts'
import { MemoryNodeStore } from './memory-node-store.fixture.ts'
import { ZooKeeperServer } from './server.ts'
import { negotiatedTimeoutMs, Sessions } from './sessions.ts'

describe('sessions', () => {
  it('get a timeout of 2 to 20 ticks', () => {
    expect([-1, 6000, 7000, 60_000, 1e9].map(negotiatedTimeoutMs)).to.deep.equal([6000, 6000, 7000, 60_000, 60_000])
  })

  it('expire at the end of a tick after their timeout, unless touched', async () => {
    const host = new SimulatedHost(1)
    const expired: bigint[] = []
    const sessions = new Sessions(host, ({ id }) => expired.push(id))
    const [long, short, kept] = [sessions.open(30_000), sessions.open(6000), sessions.open(6000)]
    await host.advance(5000)
    sessions.touch(kept)
    await host.advance(4500)
    expect(expired).to.deep.equal([short.id])
    await host.advance(5000)
    expect(expired).to.deep.equal([short.id, kept.id])
    await host.advance(30_000)
    expect(expired).to.deep.equal([short.id, kept.id, long.id])
  })

  it('are so many and no more', async () => {
    const host = new SimulatedHost(1)
    const server = new ZooKeeperServer({ host, logger: silentLogger, store: new MemoryNodeStore() })
    await host.settle(server.load())
    for (let count = 0; count < limits.sessions; count++) expect(await server.openSession(6000)).to.not.equal(undefined)
    expect(await server.openSession(6000)).to.equal(undefined)
    await host.advance(12_000)
    expect(server.sessions.count).to.equal(0)
    expect(await server.openSession(6000)).to.not.equal(undefined)
  })
})
