import { expect } from 'chai'
import type { BrokerChange, BrokerNodes, BrokerTree, NodeChange } from './broker-nodes.ts'
import type { ErrorName } from './error-codes.ts'
import type { Stat } from './node-state.ts'
import { opCodes } from './op-codes.ts'
import { bodies, readMulti } from './test-client.fixture.ts'
import { ZooKeeperWorld } from './zookeeper-world.fixture.ts'

/** Topics that appear as /topics/NAME; a client's create or delete there is carried out by the broker. */
class Topics implements BrokerNodes {
  tree!: BrokerTree
  readonly asked: NodeChange[] = []
  refusal: ErrorName | undefined
  beforeDone: () => Promise<void> | undefined = () => undefined
  isAttached = false

  attach(tree: BrokerTree): Promise<void> {
    this.tree = tree
    this.isAttached = true
    tree.put('/topics', Buffer.from('all'))
    tree.put('/where', ({ localAddress, localPort }) => Buffer.from(`${localAddress}:${localPort}`))
    tree.put('/id', Buffer.from('1'), { isEphemeral: true })
    return Promise.resolve()
  }

  detach(): void {
    this.isAttached = false
  }

  meaningOf(change: NodeChange): BrokerChange | ErrorName | undefined {
    this.asked.push(change)
    if (change.path.startsWith('/forbidden')) return 'NOAUTH'
    if (!change.path.startsWith('/topics/')) return undefined
    return {
      carryOut: async () => {
        await this.beforeDone()
        if (this.refusal !== undefined) return this.refusal
        if (change.kind === 'delete') this.tree.remove(change.path)
        else this.tree.put(change.path, change.data)
        return undefined
      },
    }
  }
}

describe('the state behind ZooKeeper’s clients', () => {
  let world: ZooKeeperWorld
  let topics: Topics
  beforeEach(async () => {
    topics = new Topics()
    world = await new ZooKeeperWorld().start({ nodes: topics })
  })

  it('is built when the first client asks for a session', async () => {
    expect(topics.isAttached).to.equal(false)
    await world.client()
    expect(topics.isAttached).to.equal(true)
  })

  it('the broker’s nodes are there, with data for the client that asks', async () => {
    const client = await world.client()
    expect(await client.children('/')).to.deep.equal(['id', 'topics', 'where', 'zookeeper'])
    expect(await client.get('/where')).to.equal('127.0.0.1:2181')
    expect(((await client.exists('/where')) as Stat).dataLength).to.equal(14)
    expect(((await client.exists('/id')) as Stat).ephemeralOwner).to.not.equal(0n)
    expect(await client.create('/id/x')).to.equal('NOCHILDRENFOREPHEMERALS')
  })

  it('what the broker carries out shows when it is answered, and is not stored', async () => {
    const client = await world.client()
    await client.children('/topics', true)
    expect(await client.create('/topics/t', 'one')).to.equal('/topics/t')
    expect(client.events).to.deep.equal(['childrenChanged /topics'])
    expect(await client.get('/topics/t')).to.equal('one')
    expect(world.store.paths).to.deep.equal([])
  })

  it('a sequential path reaches the broker with its number', async () => {
    const client = await world.client()
    expect(await client.create('/topics/t-', '', 2)).to.equal('/topics/t-0000000000')
    expect(topics.asked.at(-1)).to.deep.include({ kind: 'create', path: '/topics/t-0000000000' })
  })

  it('what the broker refuses does not happen', async () => {
    const client = await world.client()
    topics.refusal = 'NOAUTH'
    expect(await client.create('/topics/t')).to.equal('NOAUTH')
    expect(await client.create('/forbidden')).to.equal('NOAUTH')
    expect(await client.children('/topics')).to.deep.equal([])
  })

  it('an answered node that is gone again has a Stat all the same', async () => {
    const client = await world.client()
    topics.beforeDone = async () => {
      topics.beforeDone = () => undefined
    }
    topics.meaningOf = () => ({ carryOut: () => Promise.resolve(undefined) })
    const { error, body } = await client.call(opCodes.create2, bodies.create('/topics/x', ''))
    expect([error, body.string()]).to.deep.equal(['OK', '/topics/x'])
    expect(body.long()).to.be.greaterThan(0)
  })

  it('clients change no node of the broker that has no meaning, nor its list', async () => {
    const client = await world.client()
    expect(await client.set('/where', 'x')).to.equal('NOAUTH')
    expect(await client.remove('/where')).to.equal('NOAUTH')
    const acl = [{ perms: 1, scheme: 'world', id: 'anyone' }]
    expect((await client.call(opCodes.setAcl, bodies.setAcl('/where', acl))).error).to.equal('UNIMPLEMENTED')
  })

  it('a change for the broker is the only one of a multi, since a crash could come between it and another', async () => {
    const client = await world.client()
    const mixed = [
      [bodies.create('/own', 'a'), bodies.create('/topics/t', 'b')],
      [bodies.create('/topics/t', 'b'), bodies.create('/own', 'a')],
      [bodies.create('/topics/t', 'b'), bodies.create('/topics/u', 'b')],
    ] as const
    for (const [first, second] of mixed) {
      const { body } = await client.call(opCodes.multi, bodies.multi([opCodes.create, first], [opCodes.create, second]))
      expect(readMulti(body).map(({ error }) => error)).to.deep.equal([0, -8])
    }
    expect(world.complaints).to.deep.equal([
      'a ZooKeeper client’s multi was refused: what the broker carries out must be its only change',
    ])
    expect(await client.exists('/own')).to.equal('NONODE')
    expect(await client.exists('/topics/t')).to.equal('NONODE')
    const checked = bodies.multi(
      [opCodes.check, bodies.pathAndVersion('/topics', 0)],
      [opCodes.create, bodies.create('/topics/t', 'b')],
    )
    const { body } = await client.call(opCodes.multi, checked)
    expect(readMulti(body).map(({ path }) => path)).to.deep.equal([undefined, '/topics/t'])
    expect(await client.get('/topics/t')).to.equal('b')
  })

  it('a multi does nothing if the broker refuses its part', async () => {
    const client = await world.client()
    topics.refusal = 'NODEEXISTS'
    const multi = bodies.multi([opCodes.check, bodies.pathAndVersion('/', -1)], [1, bodies.create('/topics/t', 'b')])
    const { body } = await client.call(opCodes.multi, multi)
    expect(readMulti(body).map(({ error }) => error)).to.deep.equal([0, -110])
    expect(await client.exists('/topics/t')).to.equal('NONODE')
  })

  it('nothing is seen before it is stored', async () => {
    const [writer, reader] = [await world.client(), await world.client()]
    let store!: () => void
    world.store.beforeAppend = () => new Promise((resolve) => (store = resolve))
    const created = writer.raw.call(opCodes.create, bodies.create('/n', 'x'))
    await world.host.advance(100)
    expect(await reader.exists('/n')).to.equal('NONODE')
    store()
    expect((await world.host.settle(created)).error).to.equal('OK')
    expect(await reader.get('/n')).to.equal('x')
  })

  it('a change of the broker waits for one that is being stored', async () => {
    const client = await world.client()
    let store!: () => void
    world.store.beforeAppend = () => new Promise((resolve) => (store = resolve))
    const created = client.raw.call(opCodes.create, bodies.create('/n', 'x'))
    await world.host.advance(100)
    topics.tree.put('/n', Buffer.from('of the broker'))
    expect(topics.tree.has('/n')).to.equal(false)
    world.store.beforeAppend = () => undefined
    store()
    await world.host.settle(created)
    expect(await client.get('/n')).to.equal('of the broker')
    await world.host.advance(100)
    expect(world.store.paths).to.not.include('/n')
  })

  it('clients’ nodes below a node that the broker removes are gone from the store', async () => {
    const client = await world.client()
    await client.create('/topics/t')
    topics.meaningOf = () => undefined
    expect(await client.create('/topics/t/own')).to.equal('/topics/t/own')
    expect(world.store.paths).to.deep.equal(['/topics/t/own'])
    topics.tree.remove('/topics/t')
    await world.host.advance(100)
    expect(world.store.paths).to.deep.equal([])
    expect(await client.exists('/topics/t')).to.equal('NONODE')
  })

  it('a lost append drops all clients; the next ones see what is stored', async () => {
    const client = await world.client()
    await client.create('/kept', 'a')
    world.store.beforeAppend = () => Promise.reject(new Error('no space'))
    expect(await client.create('/lost', 'b')).to.equal('CLOSED')
    expect(world.complaints).to.deep.equal([
      'ZooKeeper nodes could not be stored: ZooKeeper clients must connect anew: no space',
    ])
    expect(topics.isAttached).to.equal(false)
    world.store.beforeAppend = () => undefined
    const next = await world.client()
    expect(await next.children('/'))
      .to.include('kept')
      .and.not.include('lost')
  })

  it('a chroot holds the broker’s nodes', async () => {
    const below = await new ZooKeeperWorld().start({ nodes: topics, chroot: '/a/b' })
    const client = await below.client()
    expect(await client.children('/')).to.deep.equal(['a', 'zookeeper'])
    expect(await client.create('/a/b/topics/t', 'x')).to.equal('/a/b/topics/t')
    expect(topics.asked.at(-1)).to.deep.include({ path: '/topics/t' })
    expect(await client.create('/topics')).to.equal('/topics')
    expect(await client.get('/a/b/topics')).to.equal('all')
  })
})

describe('stored nodes', () => {
  async function restarted(before: ZooKeeperWorld, nodes?: BrokerNodes): Promise<ZooKeeperWorld> {
    await before.host.settle(before.endpoint.stop())
    return new ZooKeeperWorld(before.host, before.store).start({ nodes, firstZxid: 1000 })
  }

  it('come back as they were, ephemeral ones do not', async () => {
    const first = await new ZooKeeperWorld().start()
    const client = await first.client()
    await client.create('/a', 'x')
    await client.create('/a/b', null)
    await client.set('/a', 'y')
    await client.create('/a/e', '', 1)
    const stat = (await client.exists('/a/b')) as Stat
    const second = await (await restarted(first)).client()
    expect(await second.get('/a')).to.equal('y')
    expect(await second.get('/a/b')).to.equal(null)
    expect(await second.children('/a')).to.deep.equal(['b'])
    expect(await second.exists('/a/b')).to.deep.equal(stat)
  })

  it('do not come back once they are deleted', async () => {
    const first = await new ZooKeeperWorld().start()
    const client = await first.client()
    for (const path of ['/a', '/b', '/b/c']) await client.create(path)
    await client.remove('/a')
    await client.call(opCodes.multi, bodies.multi([opCodes.delete, bodies.pathAndVersion('/b/c')]))
    const second = await (await restarted(first)).client()
    expect(await second.children('/')).to.deep.equal(['b', 'zookeeper'])
    expect(await second.children('/b')).to.deep.equal([])
  })

  it('a sequence goes on after a restart, though its nodes are gone', async () => {
    const first = await new ZooKeeperWorld().start()
    const client = await first.client()
    await client.create('/a')
    for (let number = 0; number < 3; number++) await client.create('/a/s-', '', 2)
    await client.remove('/a/s-0000000002')
    const second = await (await restarted(first)).client()
    expect(await second.create('/a/s-', '', 2)).to.equal('/a/s-0000000003')
  })

  it('zxids go on rising', async () => {
    const first = await new ZooKeeperWorld().start()
    await (await first.client()).create('/a')
    const second = await (await restarted(first)).client()
    await second.create('/b')
    expect(((await second.exists('/b')) as Stat).czxid).to.be.greaterThan(1000)
  })

  it('are dropped where the broker has a node now, and where the parent is gone', async () => {
    const first = await new ZooKeeperWorld().start()
    const client = await first.client()
    await client.create('/topics', 'of a client')
    await client.create('/topics/own')
    first.store.changes.push({ path: '/nowhere/x', node: first.store.changes[1]!.node })
    const second = await restarted(first, new Topics())
    expect(await (await second.client()).get('/topics')).to.equal('all')
    expect(await (await second.client()).children('/topics')).to.deep.equal(['own'])
    expect(second.store.paths).to.deep.equal(['/', '/topics/own'])
    expect(second.complaints).to.deep.equal(['2 stored ZooKeeper nodes have no place and are dropped'])
  })

  it('a failing store refuses clients until it works', async () => {
    const world = await new ZooKeeperWorld().start()
    const load = world.store.load.bind(world.store)
    world.store.load = () => Promise.reject(new Error('cannot read'))
    const client = await world.dial()
    expect(await world.host.settle(client.connect())).to.equal(undefined)
    expect(world.complaints[0]).to.match(/cannot read/)
    world.store.load = load
    expect(await (await world.client()).children('/')).to.deep.equal(['zookeeper'])
  })
})
