import { expect } from 'chai'
import { newTopic } from '../../metadata/metadata-store.fixture.ts'
import { World } from './kafka-nodes-world.fixture.ts'

const REASSIGN = '/admin/reassign_partitions'
const ELECT = '/admin/preferred_replica_election'

const to = (replicas: number[], topic = 't', partition = 0) => ({ topic, partition, replicas })
const asked = (...partitions: object[]) => ({ version: 1, partitions })

/** Brokers 1, 2 and 3, and topic t with these replicas. */
async function threeBrokers(...replicas: number[][]): Promise<World> {
  const world = await World.start()
  await world.register(2)
  await world.register(3)
  const assignments = new Map(replicas.entries())
  await world.memory.create(newTopic('t', { partitionCount: -1, replicationFactor: -1, assignments }))
  return world
}

const partition = (world: World, index = 0) => world.image.topicsByName.get('t')!.partitions[index]!

describe('a write to /admin/reassign_partitions', () => {
  it('moves replicas', async () => {
    const world = await threeBrokers([1])
    expect(await world.write('create', REASSIGN, asked(to([2, 3])))).to.equal(undefined)
    await world.passes()
    expect(partition(world)).to.deep.include({ leader: 2, replicas: [2, 3], isr: [2, 3] })
    expect(world.json('/brokers/topics/t')).to.deep.include({ partitions: { 0: [2, 3] } })
    expect(world.json('/brokers/topics/t/partitions/0/state')).to.include({ leader: 2 })
    expect(world.lines).to.deep.equal([])
  })

  it('leaves the node there until the replicas are in sync, and the topic shows it before', async () => {
    const world = await threeBrokers([1], [1])
    expect(await world.write('create', REASSIGN, asked(to([2]), to([1], 't', 1)))).to.equal(undefined)
    expect(world.json(REASSIGN)).to.deep.equal(asked(to([2])))
    expect(world.json('/brokers/topics/t')).to.deep.include({ adding_replicas: { 0: [2] } })
    await world.passes()
    expect(world.tree.has(REASSIGN)).to.equal(false)
    expect(world.tree.history.slice(-3)).to.deep.equal([
      'put /brokers/topics/t',
      'put /brokers/topics/t/partitions/0/state',
      `remove ${REASSIGN}`,
    ])
  })

  it('leaves out what does not exist, what would be on a dead broker, and what is no assignment', async () => {
    const world = await threeBrokers([1], [1], [1])
    await world.fence(3)
    const wishes = asked(to([2], 'u'), to([2], 't', 7), to([3]), to([4, 3]), to([2], 't', 1), to([], 't', 2))
    expect(await world.write('create', REASSIGN, wishes)).to.equal(undefined)
    await world.passes()
    expect([0, 1, 2].map((index) => partition(world, index).replicas)).to.deep.equal([[1], [2], [1]])
    expect(world.lines).to.deep.equal([
      `${REASSIGN}: t-0 is not reassigned: it has brokers that are not alive: 4, 3`,
      `${REASSIGN}: u-0 is not reassigned: there is no such partition`,
      `${REASSIGN}: t-7 is not reassigned: there is no such partition`,
      `${REASSIGN}: t-2 is not reassigned: INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes an empty replica list.`,
    ])
    expect(world.tree.has(REASSIGN)).to.equal(false)
  })

  it('may move replicas that stay on a dead broker', async () => {
    const world = await threeBrokers([1, 3])
    await world.fence(3)
    expect(await world.write('create', REASSIGN, asked(to([2, 3])))).to.equal(undefined)
    await world.passes()
    expect(partition(world)).to.deep.include({ leader: 2, replicas: [2, 3], isr: [2] })
    expect(world.lines).to.deep.equal([])
  })

  it('is there and gone again if nothing is to be done', async () => {
    const world = await threeBrokers([1])
    expect(await world.write('create', REASSIGN, asked(to([1])))).to.equal(undefined)
    expect(world.tree.history.slice(-2)).to.deep.equal([`put ${REASSIGN}`, `remove ${REASSIGN}`])
    expect(world.lines).to.deep.equal([])
  })

  it('is refused if it is malformed', async () => {
    const world = await threeBrokers([1])
    expect(await world.write('create', REASSIGN, '[]')).to.equal('BADARGUMENTS')
    expect(await world.write('create', REASSIGN, asked({ topic: 't', partition: 0 }))).to.equal('BADARGUMENTS')
    expect(world.tree.children('/admin')).to.deep.equal(['delete_topics'])
  })

  it('cancels nothing by removing the node', async () => {
    const world = await threeBrokers([1])
    expect(await world.write('create', REASSIGN, asked(to([2])))).to.equal(undefined)
    expect(await world.change({ kind: 'delete', path: REASSIGN })).to.equal(undefined)
    expect(world.tree.has(REASSIGN)).to.equal(false)
    await world.passes()
    expect(partition(world).replicas).to.deep.equal([2])
  })
})

describe('a write to /admin/preferred_replica_election', () => {
  async function ledBy(leader: number, ...replicas: number[][]): Promise<World> {
    const world = await threeBrokers(...replicas)
    const { host, store, change } = world.memory
    for (const index of replicas.keys())
      await host.settle(store.moveLeader({ topic: 't', partition: index, leader }, change))
    return world
  }

  it('makes the first replicas leaders', async () => {
    const world = await ledBy(2, [1, 2], [3, 2])
    const [t0, t1] = [to([], 't', 0), to([], 't', 1)]
    expect(await world.write('create', ELECT, asked(t0, t1, t0))).to.equal(undefined)
    expect([0, 1].map((index) => partition(world, index).leader)).to.deep.equal([1, 3])
    expect(world.json('/brokers/topics/t/partitions/1/state')).to.include({ leader: 3, leader_epoch: 2 })
    expect(world.tree.history.slice(-4)).to.deep.equal([
      `put ${ELECT}`,
      'put /brokers/topics/t/partitions/0/state',
      'put /brokers/topics/t/partitions/1/state',
      `remove ${ELECT}`,
    ])
    expect(world.lines).to.deep.equal([])
  })

  it('says who cannot lead, and nothing about who leads already', async () => {
    const world = await ledBy(2, [3, 2], [1, 2])
    await world.fence(3)
    const wishes = asked(to([]), to([], 't', 1), to([], 't', 9), to([], 'u'))
    expect(await world.write('create', ELECT, wishes)).to.equal(undefined)
    expect(await world.write('create', ELECT, asked(to([], 't', 1)))).to.equal(undefined)
    expect(world.lines).to.deep.equal([
      `${ELECT}: the preferred leader of t-0 is not elected: PREFERRED_LEADER_NOT_AVAILABLE: The preferred leader was not available.`,
      `${ELECT}: the preferred leader of t-9 is not elected: there is no such partition`,
      `${ELECT}: the preferred leader of u-0 is not elected: there is no such partition`,
    ])
    expect(world.tree.has(ELECT)).to.equal(false)
  })

  it('is refused if it is malformed, or the disk fails', async () => {
    const world = await ledBy(2, [1, 2])
    expect(await world.write('create', ELECT, '[]')).to.equal('BADARGUMENTS')
    const { files } = world.memory.host
    files.rates = { ...files.rates, writeError: 1 }
    expect(await world.write('create', ELECT, asked(to([])))).to.equal('BADARGUMENTS')
    expect(world.lines.at(-1)).to.contain('KAFKA_STORAGE_ERROR')
    expect(world.tree.has(ELECT)).to.equal(false)
  })
})
