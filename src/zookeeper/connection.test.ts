import { expect } from 'chai'
import type { SimulatedConnection } from '../network/simulated-transport.ts'
import { JuteWriter } from './jute.ts'
import { limits } from './limits.ts'
import { opCodes } from './op-codes.ts'
import { bodies, type Connected, TestClient } from './test-client.fixture.ts'
import { ZooKeeperWorld } from './zookeeper-world.fixture.ts'

describe('a connection of a ZooKeeper client', () => {
  let world: ZooKeeperWorld
  beforeEach(async () => {
    world = await new ZooKeeperWorld().start()
  })

  /** A client with a session, and its connection. */
  async function connected(): Promise<{ client: TestClient; connection: SimulatedConnection; session: Connected }> {
    let connection!: SimulatedConnection
    const client = await TestClient.dial((each) => {
      connection = world.transport.connect(2181, each)
      return { send: (bytes) => connection.send(bytes), close: () => connection.close() }
    })
    const session = await world.host.settle(client.connect())
    return { client, connection, session: session! }
  }

  it('is closed if it asks for no session within ten seconds', async () => {
    const client = await world.dial()
    await world.host.advance(9000)
    expect(client.isClosed).to.equal(false)
    await world.host.advance(2000)
    expect(client.isClosed).to.equal(true)
  })

  it('stays open with a session, and ends when the session expires', async () => {
    const { client } = await connected()
    await world.host.advance(29_000)
    expect(client.isClosed).to.equal(false)
    await world.host.advance(5000)
    expect(client.isClosed).to.equal(true)
  })

  it('a ping keeps the session', async () => {
    const { client } = await connected()
    for (let count = 0; count < 10; count++) {
      await world.host.advance(20_000)
      expect((await world.host.settle(client.call(opCodes.ping, undefined, -2))).error).to.equal('OK')
    }
  })

  it('a session of a former run has expired, whatever zxid its client has seen', async () => {
    const client = await world.dial()
    const answer = client.connect({ sessionId: 77n, lastZxid: 1e12 })
    expect((await world.host.settle(answer))?.sessionId).to.equal(0n)
  })

  it('a wrong password does not disturb the session', async () => {
    const { client, session } = await connected()
    const thief = await world.dial()
    const answer = await world.host.settle(thief.connect({ sessionId: session.sessionId }))
    expect(answer).to.include({ sessionId: 0n, timeoutMs: 0 })
    expect((await world.host.settle(client.call(opCodes.ping, undefined, -2))).error).to.equal('OK')
  })

  it('is not read while many requests wait, and answers all of them in order', async () => {
    const { client, connection } = await connected()
    let store!: () => void
    world.store.beforeAppend = () =>
      new Promise((resolve) => {
        store = resolve
      })
    const first = client.call(opCodes.create, bodies.create('/a', ''))
    const rest = Array.from({ length: 5 * limits.outstandingRequests }, () =>
      client.call(opCodes.exists, bodies.pathAndWatch('/a')),
    )
    await world.host.advance(100)
    expect(connection.isRead).to.equal(false)
    store()
    const answers = await world.host.settle(Promise.all([first, ...rest]))
    expect(answers.map(({ xid }) => xid)).to.deep.equal(answers.map((_, index) => index + 1))
    expect(new Set(answers.map(({ error }) => error))).to.deep.equal(new Set(['OK']))
    expect(connection.isRead).to.equal(true)
  })

  it('is not read while its client takes no answers', async () => {
    const { client, connection } = await connected()
    await world.host.settle(client.call(opCodes.create, bodies.create('/large', 'x'.repeat(500_000))))
    connection.stalled = true
    const answers = Array.from({ length: 50 }, () => client.call(opCodes.getData, bodies.pathAndWatch('/large')))
    await world.host.advance(1000)
    expect(connection.isRead).to.equal(false)
    expect((connection as unknown as { unsentBytes: number }).unsentBytes).to.be.below(2 * limits.unsentBytes)
    connection.stalled = false
    const errors = (await world.host.settle(Promise.all(answers))).map(({ error }) => error)
    expect(new Set(errors)).to.deep.equal(new Set(['OK']))
  })

  it('requests that came before the client left are carried out', async () => {
    const { client } = await connected()
    void client.call(opCodes.create, bodies.create('/a', ''))
    void client.call(opCodes.create, bodies.create('/b', ''))
    await world.host.advance(0)
    client.close()
    await world.host.advance(100)
    expect(await (await world.client()).children('/')).to.deep.equal(['a', 'b', 'zookeeper'])
  })

  it('nothing behind the end of its session is carried out', async () => {
    const { client } = await connected()
    const ended = client.call(opCodes.closeSession)
    const behind = client.call(opCodes.create, bodies.create('/behind', ''))
    await world.host.advance(100)
    expect((await ended).error).to.equal('OK')
    expect((await behind).error).to.equal('CLOSED')
    expect(await (await world.client()).exists('/behind')).to.equal('NONODE')
  })

  it('watches end with it', async () => {
    const { client, session } = await connected()
    await world.host.settle(client.call(opCodes.exists, bodies.pathAndWatch('/a', true)))
    client.close()
    const back = await world.dial()
    await world.host.settle(back.connect(session))
    await (await world.client()).create('/a')
    await world.host.advance(100)
    expect(back.events).to.deep.equal([])
  })

  it('a frame above 1 MB closes it, one of 1 MB does not', async () => {
    const { client } = await connected()
    const longest = limits.frameBytes - 8 - bodies.create('/a', '').length
    const created = client.call(opCodes.create, bodies.create('/a', 'x'.repeat(longest)))
    expect((await world.host.settle(created)).error).to.equal('OK')
    const larger = client.call(opCodes.create, bodies.create('/b', 'x'.repeat(longest + 1)))
    expect((await world.host.settle(larger)).error).to.equal('CLOSED')
    expect(world.complaints).to.deep.equal(['a ZooKeeper client was dropped: its frame has an invalid size'])
  })

  it('the words of an unloaded endpoint are answered', async () => {
    expect(await world.host.settle((await world.dial()).word('ruok'))).to.equal('imok')
    expect(await world.host.settle((await world.dial()).word('srvr'))).to.match(/^Mode: standalone$/m)
  })

  it('a word is no word once there is a session', async () => {
    const { client } = await connected()
    client.raw(Buffer.from('ruok'))
    await world.host.settle(client.closed)
  })
})

describe('limits of a ZooKeeper endpoint', () => {
  let world: ZooKeeperWorld
  beforeEach(async () => {
    world = await new ZooKeeperWorld().start()
  })

  it('connections', async () => {
    const clients: TestClient[] = []
    for (let count = 0; count <= limits.connections; count++) clients.push(await world.dial())
    expect(clients.filter(({ isClosed }) => isClosed)).to.deep.equal([clients.at(-1)])
    expect(world.complaints).to.deep.equal([
      `ZooKeeper clients are refused: there are ${limits.connections} connections`,
    ])
    clients[0]!.close()
    expect((await world.client()).session.sessionId).to.not.equal(0n)
  })

  it('watches of a connection', async () => {
    const client = await world.client()
    const half = limits.watchesOfConnection / 2
    const paths = (from: number) => Array.from({ length: half }, (_, index) => `/${from + index}`)
    const set = (from: number) => client.call(opCodes.setWatches, bodies.setWatches(0, [], paths(from), []))
    expect((await set(0)).error).to.equal('OK')
    expect((await set(half)).error).to.equal('OK')
    expect(await client.exists('/one-more', true)).to.equal('SYSTEMERROR')
    expect(await client.exists('/zookeeper', true)).to.equal('SYSTEMERROR')
    expect(await client.exists('/5', true)).to.equal('NONODE')
    expect(world.complaints).to.deep.equal(['ZooKeeper clients’ watches are refused: there are too many'])
    expect(await (await world.client()).exists('/one-more', true)).to.equal('NONODE')
  })

  it('bytes of nodes', async () => {
    const client = await world.client()
    await client.create('/n', '')
    const data = 'x'.repeat(1_000_000)
    const count = Math.floor(limits.clientNodeBytes / data.length)
    for (let number = 0; number < count; number++) await client.create(`/n/${number}`, data)
    expect(await client.create('/n/more', data)).to.equal('SYSTEMERROR')
    expect(await client.set('/n', data)).to.equal('SYSTEMERROR')
    expect(world.complaints).to.have.lengthOf(1)
    expect(await client.create('/n/small')).to.equal('/n/small')
    expect(await client.remove('/n/0')).to.equal('OK')
    expect(await client.create('/n/more', data)).to.equal('/n/more')
  })

  it('an answer that no client takes', async () => {
    const client = await world.client()
    await client.create('/n', '')
    const name = 'x'.repeat(100_000)
    for (let number = 0; number < 42; number++) await client.create(`/n/${number}${name}`)
    expect(await client.children('/n')).to.equal('SYSTEMERROR')
    expect(await client.remove(`/n/0${name}`)).to.equal('OK')
    expect(await client.children('/n')).to.have.lengthOf(41)
  })

  it('proofs of identity', async () => {
    const client = await world.client()
    const prove = async (auth: string) => (await client.call(opCodes.auth, bodies.auth('digest', auth), -4)).error
    for (let count = 1; count < limits.authIds; count++) expect(await prove(`user:${count}`)).to.equal('OK')
    expect(await prove('user:1')).to.equal('OK')
    expect(await prove('user:x')).to.equal('AUTHFAILED')
    await world.host.settle(client.raw.closed)
  })

  it('events to a client that does not read', async () => {
    let connection!: SimulatedConnection
    const slow = await TestClient.dial((each) => {
      connection = world.transport.connect(2181, each)
      return { send: (bytes) => connection.send(bytes), close: () => connection.close() }
    })
    await world.host.settle(slow.connect())
    const path = `/${'x'.repeat(900_000)}`
    connection.stalled = true
    for (let number = 0; number < 100 && !slow.isClosed; number++) {
      const paths = new JuteWriter().long(0).int(1).string(`${path}${number}`).int(0).int(0).bytes()
      void slow.call(opCodes.setWatches, paths)
      await world.host.advance(10)
    }
    // Its own requests stop being read long before.
    expect((connection as unknown as { unsentBytes: number }).unsentBytes).to.be.below(limits.unsentEventBytes)
  })
})
