import { expect } from 'chai'
import { RunningBrokers } from './running-brokers.fixture.ts'

const settings = { 'zookeeper.connect': 'localhost:2181', 'broker.racks': 'a,b,c' }

describe('three brokers with a ZooKeeper endpoint', () => {
  let brokers: RunningBrokers

  beforeEach(async () => {
    brokers = await new RunningBrokers(3, settings).start()
  })
  afterEach(() => brokers.stop())

  const kill = (nodeId: number) => brokers.settle(brokers.cluster.brokers.kill(nodeId))
  const start = (nodeId: number) => brokers.settle(brokers.cluster.brokers.start(nodeId))

  it('show each with its address and rack', async () => {
    const client = await brokers.connectZooKeeper()
    expect(await client.children('/brokers/ids')).to.deep.equal(['1', '2', '3'])
    const third = JSON.parse((await client.get('/brokers/ids/3'))!)
    expect(third).to.include({ port: 9094, rack: 'c' })
    expect(third.endpoints).to.deep.equal([`PLAINTEXT://${third.host}:9094`])
  })

  it('tell of a broker that goes and comes, and of the others nothing', async () => {
    const client = await brokers.connectZooKeeper()
    const before = await client.exists('/brokers/ids/2')
    for (const path of ['/brokers/ids/1', '/brokers/ids/2', '/brokers/ids/3', '/controller'])
      await client.get(path, true)
    await client.children('/brokers/ids', true)
    await kill(1)
    await brokers.passes()
    expect(client.events).to.deep.equal([
      'deleted /brokers/ids/1',
      'childrenChanged /brokers/ids',
      'deleted /controller',
    ])
    expect(await client.exists('/brokers/ids/2')).to.deep.equal(before)
    expect((await brokers.brokersSeenBy(2)).controllerId).to.equal(2)
    expect(await client.get('/controller')).to.contain('"brokerid":2,')
    await start(1)
    expect(await client.children('/brokers/ids')).to.deep.equal(['1', '2', '3'])
    expect(await client.get('/controller')).to.contain('"brokerid":1,')
  })

  it('have the leader and the in-sync replicas of a partition', async () => {
    await brokers.create('t', [[1, 2, 3]])
    const client = await brokers.connectZooKeeper()
    const state = async () => JSON.parse((await client.get('/brokers/topics/t/partitions/0/state'))!)
    expect(await state()).to.deep.include({ leader: 1, leader_epoch: 0, isr: [1, 2, 3] })
    await kill(1)
    expect(await state()).to.deep.include({ leader: 2, leader_epoch: 1, isr: [2, 3] })
    expect(await brokers.describe('t')).to.equal('leader 2, replicas 1 2 3, isr 2 3')
  })

  it('take settings for one broker, whether it runs or not', async () => {
    const client = await brokers.connectZooKeeper()
    const config = (threads: string) => JSON.stringify({ version: 1, config: { 'log.cleaner.threads': threads } })
    const threads = (nodeId: number) => brokers.cluster.brokers.running.get(nodeId)!.configs.broker.logCleanerThreads
    expect(await client.create('/config/brokers/2', config('2'))).to.equal('/config/brokers/2')
    expect([1, 2, 3].map(threads)).to.deep.equal([1, 2, 1])
    // A broker changes its number of threads by half or double at most: from 2 to 4.
    expect(await client.set('/config/brokers/2', config('4'))).to.include({ version: 1 })
    expect(await client.set('/config/brokers/2', config('9'))).to.equal('BADARGUMENTS')
    await kill(3)
    expect(await client.create('/config/brokers/3', config('2'))).to.equal('/config/brokers/3')
    await start(3)
    expect([1, 2, 3].map(threads)).to.deep.equal([1, 4, 2])
    await kill(3)
    expect(await client.set('/config/brokers/3', config('many'))).to.include({ version: 1 })
    await start(3)
    expect([1, 2, 3].map(threads)).to.deep.equal([1, 4, 1])
    expect(brokers.complaints.at(-1)).to.contain(
      'log.cleaner.threads=many, a dynamic setting of broker 3, is not in force',
    )
    expect(await client.set('/config/brokers/3', config('2'))).to.include({ version: 2 })
    expect(await client.remove('/config/brokers/3')).to.equal('OK')
    expect([1, 2, 3].map(threads)).to.deep.equal([1, 4, 1])
    expect(await client.create('/config/brokers/4', config('2'))).to.equal('BADARGUMENTS')
  })

  it('reassign partitions and elect preferred leaders', async () => {
    await brokers.create('t', [[1, 2]])
    await brokers.produce(1, 't', 'kept')
    const client = await brokers.connectZooKeeper()
    const partitions = [{ topic: 't', partition: 0, replicas: [3, 2] }]
    const reassignment = JSON.stringify({ version: 1, partitions })
    expect(await client.create('/admin/reassign_partitions', reassignment)).to.equal('/admin/reassign_partitions')
    await brokers.passes()
    expect(await client.exists('/admin/reassign_partitions')).to.equal('NONODE')
    expect(await brokers.describe('t')).to.equal('leader 3, replicas 3 2, isr 2 3')
    expect(await brokers.consume(3, 't')).to.equal(1)
    await kill(3)
    await start(3)
    await brokers.passes()
    expect(await brokers.describe('t')).to.equal('leader 2, replicas 3 2, isr 2 3')
    const election = JSON.stringify({ version: 1, partitions: [{ topic: 't', partition: 0 }] })
    expect(await client.create('/admin/preferred_replica_election', election)).to.equal(
      '/admin/preferred_replica_election',
    )
    expect(await brokers.describe('t')).to.equal('leader 3, replicas 3 2, isr 2 3')
    expect(brokers.complaints).to.deep.equal([])
  })

  for (const afterMs of [0, 2])
    it(`keep the session and the nodes of a client that writes ${afterMs} ms after a broker is killed`, async () => {
      const client = await brokers.connectZooKeeper()
      expect(await client.create('/consumers/g', 'x')).to.equal('/consumers/g')
      const leader = () => brokers.cluster.metadata.image.topicsByName.get('__zookeeper_nodes')!.partitions[0]!.leader
      const first = leader()
      const killed = brokers.cluster.brokers.kill(first)
      await brokers.host.advance(afterMs)
      expect(await client.create('/consumers/h', 'y')).to.equal('/consumers/h')
      await brokers.settle(killed)
      expect(leader()).not.to.equal(first)
      expect(await client.children('/consumers')).to.deep.equal(['g', 'h'])
    })
})
