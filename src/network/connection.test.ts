import { expect } from 'chai'
import { BufferPool } from '../../protocol/buffer-pool.ts'
import { invariant } from '../../protocol/invariant.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { openLimits } from '../../storage/open-limits.ts'
import type { Logger } from '../observe/logger.ts'
import type { Exchange } from '../request/exchange.ts'
import { BytesInFlight } from './bytes-in-flight.ts'
import type { ListenerLimits } from './connection-quotas.ts'
import { type ConnectionLimits, Connections } from './connections.ts'
import { QueuedRequests } from './queued-requests.ts'
import { SimulatedTransport } from './simulated-transport.ts'

const PORT = 9092
const INSIDE_PORT = 9093
const CONTROLLER_PORT = 9094

class Rig {
  readonly host = new SimulatedHost(1)
  readonly transport = new SimulatedTransport(this.host.timers)
  readonly budget: BytesInFlight
  /** Called for each request that is dispatched. */
  onDispatch: (exchange: Exchange) => void = () => {}
  readonly exchanges: Exchange[] = []
  readonly warnings: string[] = []
  readonly queued = new QueuedRequests(3)
  limits: ConnectionLimits
  /** By listener. */
  listenerLimits: Record<string, Partial<ListenerLimits>> = {}
  readonly connections: Connections

  constructor(
    limits: Partial<ConnectionLimits> = {},
    budget = new BytesInFlight(1000),
    openLimit = Number.POSITIVE_INFINITY,
    all = new Set<Connections>(),
  ) {
    this.budget = budget
    this.host.files.openLimit = openLimit
    this.limits = {
      maxConnections: 10,
      maxConnectionCreationRate: 2 ** 31 - 1,
      maxConnectionsPerIp: 10,
      maxConnectionsPerIpOverrides: '',
      socketListenBacklogSize: 3,
      quotaWindowNum: 3,
      quotaWindowSizeSeconds: 1,
      connectionsMaxIdleMs: 60_000,
      socketRequestMaxBytes: 1 << 20,
      ...limits,
    }
    const logger: Logger = { error() {}, warn: (_, message) => this.warnings.push(message), info() {}, debug() {} }
    this.connections = new Connections({
      host: this.host,
      logger,
      pool: new BufferPool(),
      budget: this.budget,
      queued: this.queued,
      limits: () => this.limits,
      listenerLimits: (listener) => ({ ...this.limits, ...this.listenerLimits[listener] }),
      protectedListener: 'INSIDE',
      controllerListeners: new Set(['CONTROLLER']),
      lookUp: (host) => this.transport.lookUp(host),
      all,
      dispatch: (exchange) => {
        this.exchanges.push(exchange)
        this.onDispatch(exchange)
      },
    })
  }

  async listen() {
    await this.transport.listen({ host: '', port: PORT, backlog: 10 }, (peer) =>
      this.connections.accept('PLAINTEXT', peer),
    )
    await this.transport.listen({ host: '', port: INSIDE_PORT, backlog: 10 }, (peer) =>
      this.connections.accept('INSIDE', peer),
    )
    await this.transport.listen({ host: '', port: CONTROLLER_PORT, backlog: 10 }, (peer) =>
      this.connections.accept('CONTROLLER', peer),
    )
    return this
  }

  connect(port = PORT) {
    const received: Buffer[] = []
    const state = { closed: false }
    const connection = this.transport.connect(port, {
      onBytes: (chunk) => received.push(chunk),
      onClose: () => {
        state.closed = true
      },
    })
    return {
      connection,
      state,
      get received() {
        return Buffer.concat(received).toString()
      },
    }
  }

  /** Text of the request dispatched at index. */
  request(index: number): string {
    return this.exchanges[index]!.frame.bytes.toString()
  }

  reply(index: number, text: string): void {
    this.exchanges[index]!.reply({ slices: [Buffer.from(text)], length: text.length })
  }

  run(): Promise<void> {
    return this.host.advance(1)
  }
}

function frame(text: string): Buffer {
  const bytes = Buffer.from(`....${text}`)
  bytes.writeInt32BE(text.length)
  return bytes
}

describe('a connection', () => {
  it('that meets a bug is closed alone; a broken invariant ends the process', async () => {
    const rig = await new Rig().listen()
    const [first, second] = [rig.connect(), rig.connect()]
    rig.onDispatch = () => {
      throw new TypeError('a bug')
    }
    first.connection.send(frame('one'))
    await rig.run()
    expect([first.state.closed, second.state.closed]).to.deep.equal([true, false])
    expect(rig.host.fatalReason).to.equal(undefined)
    rig.onDispatch = () => rig.reply(1, 'TWO')
    second.connection.send(frame('two'))
    await rig.run()
    expect(second.received).to.equal('TWO')
    rig.onDispatch = () => invariant(false, 'broken')
    second.connection.send(frame('three'))
    await rig.run().catch(() => 'thrown on')
    expect(rig.host.fatalReason?.message).to.equal('broken')
  })

  it('starts its requests one by one, each when the previous one is answered', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.send(Buffer.concat([frame('one'), frame('two')]))
    await rig.run()
    expect(rig.exchanges).to.have.length(1)
    rig.reply(0, 'ONE')
    await rig.run()
    expect(rig.request(1)).to.equal('two')
    expect(client.received).to.equal('ONE')
  })

  it('starts the next request when the order of the previous one is fixed, and still replies in order', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.send(Buffer.concat([frame('one'), frame('two'), frame('three')]))
    await rig.run()
    rig.exchanges[0]!.orderFixed()
    rig.exchanges[1]!.orderFixed()
    rig.reply(2, '3')
    rig.reply(1, '2')
    await rig.run()
    expect(client.received).to.equal('')
    rig.reply(0, '1')
    await rig.run()
    expect(client.received).to.equal('123')
  })

  it('leaves part of each turn to others, however much it sends', async () => {
    const rig = await new Rig({ socketRequestMaxBytes: 1 << 20 }, new BytesInFlight(1 << 30)).listen()
    const sizes: number[] = []
    rig.onDispatch = (exchange) => {
      sizes.push(exchange.frame.bytes.length)
      exchange.reply(undefined)
    }
    const [bulk, small] = [rig.connect(), rig.connect()]
    for (let i = 0; i < 40; i++) bulk.connection.send(frame('b'.repeat(100 * 1024)))
    small.connection.send(frame('small'))
    await rig.run()
    expect(sizes).to.have.length(41)
    expect(sizes.indexOf(5)).to.be.lessThan(12)
  })

  it('assembles a frame from single bytes', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    for (const byte of frame('slow')) client.connection.send(Buffer.from([byte]))
    await rig.run()
    expect(rig.request(0)).to.equal('slow')
  })

  it('sends nothing for an exchange without a reply, and goes on', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.send(Buffer.concat([frame('one'), frame('two')]))
    await rig.run()
    rig.exchanges[0]!.reply(undefined)
    rig.reply(1, '2')
    await rig.run()
    expect(client.received).to.equal('2')
  })

  it('replies to requests before a malformed one, and then closes', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.send(Buffer.concat([frame('one'), frame('bad'), frame('never')]))
    await rig.run()
    rig.exchanges[0]!.orderFixed()
    rig.exchanges[1]!.fail('nonsense')
    await rig.run()
    expect(client.state.closed).to.equal(false)
    rig.reply(0, 'ONE')
    await rig.run()
    expect(client.received).to.equal('ONE')
    expect(client.state.closed).to.equal(true)
    expect(rig.exchanges).to.have.length(2)
    expect(rig.warnings).to.have.length(1)
    expect(rig.warnings[0]).to.contain('nonsense')
    expect(rig.budget.usedBytes).to.equal(0)
  })

  it('replies to requests before a frame above the limit', async () => {
    const rig = await new Rig({ socketRequestMaxBytes: 100 }).listen()
    const client = rig.connect()
    client.connection.send(Buffer.concat([frame('one'), frame('two'), Buffer.from([0x7f, 0, 0, 0, 1])]))
    await rig.run()
    rig.exchanges[0]!.orderFixed()
    rig.reply(1, '2')
    await rig.run()
    expect(client.state.closed).to.equal(false)
    rig.reply(0, '1')
    await rig.run()
    expect(client.received).to.equal('12')
    expect(client.state.closed).to.equal(true)
    expect(rig.warnings).to.have.length(1)
    expect(rig.budget.usedBytes).to.equal(0)
  })

  it('closes after a request without a reply if a frame above the limit follows', async () => {
    const rig = await new Rig({ socketRequestMaxBytes: 100 }).listen()
    const client = rig.connect()
    client.connection.send(Buffer.concat([frame('one'), Buffer.from([0x7f, 0, 0, 0, 1])]))
    await rig.run()
    rig.exchanges[0]!.orderFixed()
    rig.exchanges[0]!.reply(undefined)
    expect(client.state.closed).to.equal(true)
  })

  it('that closes once its client has received its replies does not wait for ever', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.stalled = true
    client.connection.send(Buffer.concat([frame('one'), frame('bad')]))
    await rig.run()
    rig.reply(0, 'ONE')
    rig.exchanges[1]!.fail('nonsense')
    await rig.run()
    expect(client.state.closed).to.equal(false)
    await rig.host.advance(120_000)
    expect(client.state.closed).to.equal(true)
    expect(rig.connections.count).to.equal(0)
    expect(rig.warnings).to.have.length(1)
    expect(rig.budget.usedBytes).to.equal(0)
  })

  it('is closed with one warning for a frame above the limit, and others continue', async () => {
    const rig = await new Rig({ socketRequestMaxBytes: 100 }).listen()
    const [bad, good] = [rig.connect(), rig.connect()]
    bad.connection.send(Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3]))
    good.connection.send(frame('fine'))
    await rig.run()
    expect(bad.state.closed).to.equal(true)
    expect(rig.warnings).to.have.length(1)
    expect(rig.request(0)).to.equal('fine')
    expect(rig.connections.count).to.equal(1)
  })

  it('tells an HTTP client what this is', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.send(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    await rig.run()
    expect(client.received).to.match(/^HTTP\/1\.1 400 /)
    expect(client.state.closed).to.equal(true)
    expect(rig.warnings[0]).to.contain('speaks HTTP on the plaintext listener PLAINTEXT')
    expect(rig.connections.count).to.equal(0)
  })

  it('logs a TLS client, even if its bytes arrive one by one', async () => {
    const rig = await new Rig({ socketRequestMaxBytes: 0x7fffffff }).listen()
    const client = rig.connect()
    for (const byte of [0x16, 0x03, 0x01, 0x02, 0x00]) client.connection.send(Buffer.from([byte]))
    await rig.run()
    expect(rig.warnings).to.have.length(1)
    expect(rig.warnings[0]).to.contain('client 127.0.0.1:50000 speaks TLS')
    expect(client.state.closed).to.equal(true)
  })

  it('tells a waiting handler once that its client has disconnected', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.send(frame('wait'))
    await rig.run()
    let told = 0
    rig.exchanges[0]!.onAbandoned(() => told++)
    client.connection.close()
    expect(told).to.equal(1)
    rig.exchanges[0]!.reply(undefined)
    expect(rig.budget.usedBytes).to.equal(0)
  })

  it('releases all memory when it closes in the middle of requests and replies', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.send(Buffer.concat([frame('one'), frame('two'), frame('cut').subarray(0, 6)]))
    await rig.run()
    expect(rig.budget.usedBytes).to.be.greaterThan(0)
    client.connection.close()
    let released = 0
    rig.exchanges[0]!.reply({ slices: [Buffer.from('late')], length: 4 }, () => released++)
    expect(released).to.equal(1)
    expect(rig.budget.usedBytes).to.equal(0)
    expect(rig.connections.count).to.equal(0)
  })

  it('releases a failed exchange whose client has disconnected', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.send(frame('one'))
    await rig.run()
    client.connection.close()
    rig.exchanges[0]!.fail('nobody hears it')
    expect(rig.budget.usedBytes).to.equal(0)
    expect(rig.warnings).to.deep.equal([])
  })

  it('stops reading while the client does not receive replies, and resumes afterwards', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.stalled = true
    client.connection.send(frame('big'))
    await rig.run()
    rig.reply(0, 'x'.repeat(2 << 20))
    client.connection.send(frame('more'))
    await rig.run()
    expect(rig.exchanges).to.have.length(1)
    expect(client.connection.isRead).to.equal(false)
    client.connection.stalled = false
    await rig.run()
    expect(rig.request(1)).to.equal('more')
    expect(client.connection.isRead).to.equal(true)
  })

  it('stops reading when the budget is used up, and resumes when another connection is answered', async () => {
    const rig = await new Rig().listen()
    const [first, second] = [rig.connect(), rig.connect()]
    first.connection.send(frame('x'.repeat(1000)))
    await rig.run()
    second.connection.send(frame('y'))
    second.connection.send(frame('z'))
    await rig.run()
    expect(second.connection.isRead).to.equal(false)
    rig.reply(0, 'done')
    await rig.run()
    expect(second.connection.isRead).to.equal(true)
    expect(rig.request(1)).to.equal('y')
  })

  it('is not read while it holds a quarter of the budget, and others are', async () => {
    const rig = await new Rig().listen()
    const [greedy, other] = [rig.connect(), rig.connect()]
    for (const text of ['a', 'b', 'c']) greedy.connection.send(frame(text.repeat(120)))
    await rig.run()
    expect(greedy.connection.isRead).to.equal(false)
    other.connection.send(frame('y'))
    await rig.run()
    expect(other.connection.isRead).to.equal(true)
    expect(rig.request(1)).to.equal('y')
    rig.reply(0, 'done')
    await rig.run()
    expect(greedy.connection.isRead).to.equal(true)
  })

  it('is closed when idle for too long, but not while a request is in progress', async () => {
    const rig = await new Rig({ connectionsMaxIdleMs: 1000 }).listen()
    const [idle, working] = [rig.connect(), rig.connect()]
    working.connection.send(frame('wait'))
    await rig.host.advance(1500)
    expect(idle.state.closed).to.equal(true)
    expect(working.state.closed).to.equal(false)
    rig.reply(0, 'done')
    await rig.host.advance(1500)
    expect(working.state.closed).to.equal(true)
  })

  it('waits unread beyond max.connections until another one ends', async () => {
    const rig = await new Rig({ maxConnections: 1 }).listen()
    const first = rig.connect()
    const others = ['one', 'two'].map((text) => {
      const client = rig.connect()
      client.connection.send(frame(text))
      return client
    })
    await rig.run()
    expect(others.map(({ state, connection }) => state.closed || connection.isRead)).to.deep.equal([false, false])
    expect(rig.warnings).to.deep.equal([
      'max.connections=1 is reached: more connections get no answer until others end',
    ])
    first.connection.close()
    await rig.run()
    expect(rig.exchanges.map(({ frame: { bytes } }) => bytes.toString())).to.deep.equal(['one'])
    others[0]!.connection.close()
    await rig.run()
    expect(rig.request(1)).to.equal('two')
    rig.connect()
    expect(rig.warnings).to.have.length(2)
  })

  it('is forgotten if it ends while it waits for max.connections', async () => {
    const rig = await new Rig({ maxConnections: 1, socketListenBacklogSize: 1 }).listen()
    const first = rig.connect()
    rig.connect().connection.close()
    const second = rig.connect()
    second.connection.send(frame('two'))
    const refused = rig.connect()
    expect(refused.state.closed).to.equal(true)
    expect(rig.warnings.at(-1)).to.contain(
      'max.connections=1 is reached, and socket.listen.backlog.size=1 connections are waiting',
    )
    first.connection.close()
    await rig.run()
    expect(rig.request(0)).to.equal('two')
  })

  it('waits until max.connections is raised', async () => {
    const rig = await new Rig({ maxConnections: 1 }).listen()
    rig.connect()
    rig.connect().connection.send(frame('two'))
    rig.limits = { ...rig.limits, maxConnections: 2 }
    await rig.connections.refresh()
    await rig.run()
    expect(rig.request(0)).to.equal('two')
  })

  it('is closed if it was used least recently when max.connections is lowered', async () => {
    const rig = await new Rig({ maxConnections: 3 }).listen()
    const clients = [rig.connect(), rig.connect(), rig.connect()]
    for (const index of [2, 0, 1]) {
      clients[index]!.connection.send(frame('wait'))
      await rig.run()
    }
    rig.limits = { ...rig.limits, maxConnections: 2 }
    await rig.connections.refresh()
    expect(clients.map(({ state }) => state.closed)).to.deep.equal([false, false, true])
    expect(rig.warnings).to.deep.equal([
      'closed the connection of 127.0.0.1:50000: max.connections=2 is exceeded, and it was used least recently',
    ])
  })

  it('between brokers does not wait: the least recently used one of another listener is closed', async () => {
    const rig = await new Rig({ maxConnections: 2 }).listen()
    const [first, second] = [rig.connect(), rig.connect()]
    await rig.run()
    first.connection.send(frame('one'))
    const waiting = rig.connect()
    await rig.run()
    rig.connect(INSIDE_PORT).connection.send(frame('between brokers'))
    await rig.run()
    expect(rig.request(1)).to.equal('between brokers')
    expect([first, second, waiting].map(({ state }) => state.closed)).to.deep.equal([false, true, false])
    expect(waiting.connection.isRead).to.equal(false)
  })

  it('between brokers waits for max.connections of its own listener', async () => {
    const rig = await new Rig({ maxConnections: 1 }).listen()
    const first = rig.connect(INSIDE_PORT)
    const second = rig.connect(INSIDE_PORT)
    expect([second.state.closed, second.connection.isRead]).to.deep.equal([false, false])
    first.connection.close()
    await rig.run()
    expect(second.connection.isRead).to.equal(true)
  })

  it('between brokers does not wait for max.connection.creation.rate of the broker', async () => {
    const rig = await new Rig({ maxConnectionCreationRate: 1, socketListenBacklogSize: 10 }).listen()
    rig.listenerLimits = { INSIDE: { maxConnectionCreationRate: 1000 } }
    for (const [port, immediate] of [
      [PORT, 2],
      [INSIDE_PORT, 5],
    ] as const) {
      const connections = Array.from({ length: 5 }, () => rig.connect(port).connection)
      expect(connections.filter(({ isRead }) => isRead)).to.have.length(immediate)
    }
  })

  it('to the controller neither waits for max.connections of the broker nor counts', async () => {
    const rig = await new Rig({ maxConnections: 1 }).listen()
    const [controller, client] = [rig.connect(CONTROLLER_PORT), rig.connect()]
    await rig.run()
    expect([controller.connection.isRead, client.connection.isRead]).to.deep.equal([true, true])
    const [secondController, secondClient] = [rig.connect(CONTROLLER_PORT), rig.connect()]
    expect([secondController.connection.isRead, secondClient.connection.isRead]).to.deep.equal([false, false])
    client.connection.close()
    await rig.run()
    expect([secondController.connection.isRead, secondClient.connection.isRead]).to.deep.equal([false, true])
  })

  it('to the controller is counted by itself for max.connections.per.ip', async () => {
    const rig = await new Rig({ maxConnectionsPerIp: 1 }).listen()
    const clients = [CONTROLLER_PORT, PORT, INSIDE_PORT, CONTROLLER_PORT].map((port) => rig.connect(port))
    await rig.run()
    expect(clients.map(({ state }) => state.closed)).to.deep.equal([false, false, true, true])
  })

  it('waits beyond max.connections of its listener', async () => {
    const rig = await new Rig().listen()
    rig.listenerLimits = { PLAINTEXT: { maxConnections: 1 } }
    const first = rig.connect()
    const second = rig.connect()
    expect([second.state.closed, second.connection.isRead]).to.deep.equal([false, false])
    expect(rig.warnings[0]).to.contain('max.connections=1 of the listener PLAINTEXT is reached')
    first.connection.close()
    expect(second.connection.isRead).to.equal(true)
  })

  for (const [where, limits, own] of [
    ['the broker', { maxConnectionCreationRate: 1 }, {}],
    ['its listener', {}, { maxConnectionCreationRate: 1 }],
  ] as const)
    it(`waits unread if max.connection.creation.rate of ${where} is reached`, async () => {
      const rig = await new Rig(limits).listen()
      rig.listenerLimits = { PLAINTEXT: own }
      // Two one-second windows in addition to the current one.
      const clients = Array.from({ length: 4 }, () => rig.connect())
      for (const [index, { connection }] of clients.entries()) connection.send(frame(String(index)))
      await rig.run()
      expect(rig.exchanges).to.have.length(2)
      expect(clients.map(({ connection }) => connection.isRead)).to.deep.equal([true, true, false, false])
      await rig.host.advance(1000)
      expect(rig.exchanges).to.have.length(3)
      await rig.host.advance(1000)
      expect([0, 1, 2, 3].map((index) => rig.request(index))).to.deep.equal(['0', '1', '2', '3'])
      expect(rig.warnings).to.deep.equal([])
    })

  it('is refused if socket.listen.backlog.size connections wait already', async () => {
    const rig = await new Rig({ maxConnectionCreationRate: 1, socketListenBacklogSize: 1 }).listen()
    const clients = Array.from({ length: 4 }, () => rig.connect())
    expect(clients.map(({ state }) => state.closed)).to.deep.equal([false, false, false, true])
    expect(rig.warnings[0]).to.contain('max.connection.creation.rate=1 is reached, and socket.listen.backlog.size=1')
    clients[2]!.connection.close()
    await rig.host.advance(1000)
    expect(rig.connections.count).to.equal(2)
  })

  it('that waits counts among the open files of the process', async () => {
    const rig = new Rig({ maxConnectionCreationRate: 1, socketListenBacklogSize: 100 }, undefined, 16)
    await rig.listen()
    const room = openLimits(16).connections
    const clients = Array.from({ length: room + 1 }, () => rig.connect())
    expect(clients.map(({ state }) => state.closed)).to.deep.equal([...Array(room).fill(false), true])
    expect(rig.warnings[0]).to.contain('the limit of 16 open files')
  })

  it('counts among the open files of the process, whichever broker it is at', async () => {
    const all = new Set<Connections>()
    const [one, other] = [new Rig({}, undefined, 16, all), new Rig({}, undefined, 16, all)]
    for (const rig of [one, other]) await rig.listen()
    const room = openLimits(16).connections
    for (let count = 0; count < room; count++) one.connect()
    const tooMany = other.connect()
    expect(tooMany.state.closed).to.equal(true)
    one.connections.closeAll()
    expect([...all]).to.deep.equal([other.connections])
    expect(other.connect().state.closed).to.equal(false)
  })

  it('that waits is closed by closeAll', async () => {
    const rig = await new Rig({ maxConnectionCreationRate: 1 }).listen()
    const clients = Array.from({ length: 4 }, () => rig.connect())
    rig.connections.closeAll()
    expect(clients.every(({ state }) => state.closed)).to.equal(true)
    await rig.host.advance(5000)
    expect(rig.connections.count).to.equal(0)
  })

  it('is not read while queued.max.requests is reached, unless it has no counted request', async () => {
    const rig = await new Rig().listen()
    const greedy = rig.connect()
    // The first request blocks the others. It does not count, since it may wait for another client.
    greedy.connection.send(Buffer.concat(['fetch', 'a', 'b', 'c'].map(frame)))
    await rig.run()
    expect(rig.queued.count).to.equal(3)
    expect(greedy.connection.isRead).to.equal(false)
    const modest = rig.connect()
    modest.connection.send(frame('produce'))
    await rig.run()
    expect(rig.request(1)).to.equal('produce')
    rig.reply(0, 'woken by it')
    await rig.run()
    expect(greedy.connection.isRead).to.equal(true)
    expect(rig.queued.count).to.equal(2)
  })

  it('that may not be read lets another one, which it may be waiting for, finish its frame', async () => {
    const rig = await new Rig().listen()
    const joining = rig.connect()
    const large = frame('x'.repeat(2000))
    joining.connection.send(Buffer.concat([...['join', 'a', 'b'].map(frame), large.subarray(0, 1200)]))
    await rig.run()
    expect(joining.connection.isRead).to.equal(true)
    const third = rig.connect()
    third.connection.send(Buffer.concat(['c', 'd'].map(frame)))
    await rig.run()
    joining.connection.send(large.subarray(1200, 1300))
    await rig.run()
    expect(joining.connection.isRead).to.equal(false)
    const other = rig.connect()
    other.connection.send(large.subarray(0, 10))
    await rig.run()
    expect(other.connection.isRead).to.equal(true)
  })

  it('counts requests with a fixed order in queued.max.requests until they are answered or it closes', async () => {
    const rig = await new Rig().listen()
    const client = rig.connect()
    client.connection.send(Buffer.concat(['a', 'b', 'c', 'd'].map(frame)))
    await rig.run()
    for (const index of [0, 1, 2]) rig.exchanges[index]!.orderFixed()
    expect(rig.queued.count).to.equal(3)
    rig.reply(0, 'A')
    await rig.run()
    expect(rig.queued.count).to.equal(2)
    client.connection.close()
    expect(rig.queued.count).to.equal(0)
  })

  it('is closed by closeAll', async () => {
    const rig = await new Rig().listen()
    const clients = [rig.connect(), rig.connect()]
    rig.connections.closeAll()
    expect(clients.every(({ state }) => state.closed)).to.equal(true)
    expect(rig.connections.count).to.equal(0)
  })
})
