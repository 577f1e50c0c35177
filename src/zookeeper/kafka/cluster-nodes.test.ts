import { expect } from 'chai'
import { World } from './kafka-nodes-world.fixture.ts'

const controller = (world: World) => (world.json('/controller') as { brokerid: number } | undefined)?.brokerid

/** What happened to nodes that match, from now on. */
function watched(world: World, pattern: RegExp): () => string[] {
  const from = world.tree.history.length
  return () => world.tree.history.slice(from).filter((line) => pattern.test(line))
}

describe('/brokers/ids', () => {
  it('has each broker with its address and rack', async () => {
    const world = await World.start()
    await world.register(2, 'b')
    expect(world.json('/brokers/ids/1')).not.to.have.property('rack')
    expect(world.json('/brokers/ids/2')).to.deep.include({
      endpoints: ['PLAINTEXT://broker2:9092'],
      host: 'broker2',
      port: 9092,
      rack: 'b',
    })
  })

  it('changes for a broker that comes, goes or comes again, and not for others', async () => {
    const world = await World.start()
    const changes = watched(world, /brokers\/ids/)
    await world.register(2)
    await world.fence(2)
    await world.register(2)
    await world.register(2)
    expect(changes()).to.deep.equal([
      'put /brokers/ids/2',
      'remove /brokers/ids/2',
      'put /brokers/ids/2',
      'remove /brokers/ids/2',
      'put /brokers/ids/2',
    ])
  })

  it('has the time at which a broker came', async () => {
    const world = await World.start()
    const time = (nodeId: number) => Number((world.json(`/brokers/ids/${nodeId}`) as { timestamp: string }).timestamp)
    const startedMs = time(1)
    await world.memory.host.advance(5000)
    await world.register(2)
    expect(time(1)).to.equal(startedMs)
    expect(time(2)).to.be.within(startedMs + 5000, startedMs + 6000)
  })
})

describe('/controller', () => {
  it('names another broker while the controller’s is dead, and none while all are', async () => {
    const world = await World.start()
    await world.register(2)
    const epoch = world.tree.text('/controller_epoch')
    const changes = watched(world, /controller|ids/)
    await world.fence(1)
    expect(controller(world)).to.equal(2)
    await world.fence(2)
    expect(controller(world)).to.equal(undefined)
    await world.register(2)
    expect(controller(world)).to.equal(2)
    await world.register(1)
    expect(controller(world)).to.equal(1)
    expect(changes().filter((line) => line.includes('/controller'))).to.deep.equal([
      'remove /controller',
      'put /controller',
      'remove /controller',
      'put /controller',
      'remove /controller',
      'put /controller',
    ])
    expect(changes().slice(0, 3)).to.deep.equal(['remove /brokers/ids/1', 'remove /controller', 'put /controller'])
    expect(world.tree.ephemerals.has('/controller')).to.equal(true)
    expect(world.tree.text('/controller_epoch')).to.equal(epoch)
  })

  it('stays as it is while other brokers come and go', async () => {
    const world = await World.start()
    const changes = watched(world, /controller/)
    await world.register(2)
    await world.fence(2)
    expect(changes()).to.deep.equal([])
  })

  it('is made again when a client deletes it', async () => {
    const world = await World.start()
    await world.register(2)
    await world.fence(1)
    const changes = watched(world, /controller/)
    expect(await world.change({ kind: 'delete', path: '/controller' })).to.equal(undefined)
    expect(changes()).to.deep.equal(['remove /controller', 'put /controller'])
    expect(controller(world)).to.equal(2)
  })
})
