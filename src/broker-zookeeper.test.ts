import { expect } from 'chai'
import { RunningBroker } from './running-broker.fixture.ts'

const settings = { 'zookeeper.connect': 'localhost:2181', 'offsets.topic.num.partitions': '1' }
const SEQUENTIAL = 2
const EPHEMERAL = 1

describe('a broker with its ZooKeeper endpoint', () => {
  let broker: RunningBroker

  beforeEach(async () => {
    broker = await new RunningBroker().start(settings)
  })

  async function restart(): Promise<void> {
    await broker.stop()
    await broker.start(settings)
  }

  it('creates, shows and deletes a topic as an old tool asks for it', async () => {
    const client = await broker.connectZooKeeper()
    const config = '{"version":1,"config":{"retention.ms":"1000"}}'
    expect(await client.create('/config/topics/t', config)).to.equal('/config/topics/t')
    expect(await client.create('/brokers/topics/t', '{"version":1,"partitions":{"0":[1]}}')).to.equal(
      '/brokers/topics/t',
    )
    expect(await broker.topics()).to.include('t')
    expect(await broker.setting(2, 't', 'retention.ms')).to.equal('1000')
    expect(await client.get('/brokers/topics/t/partitions/0/state')).to.contain('"leader":1')
    expect(await client.create('/brokers/topics/t', '{"partitions":{"0":[1]}}')).to.equal('NODEEXISTS')
    expect(await client.create('/admin/delete_topics/t')).to.equal('/admin/delete_topics/t')
    expect(await broker.topics()).not.to.include('t')
    expect(await client.exists('/brokers/topics/t')).to.equal('NONODE')
    expect(await client.exists('/config/topics/t')).to.equal('NONODE')
  })

  it('does not bring back the settings of a topic that is gone', async () => {
    const client = await broker.connectZooKeeper()
    await client.create('/config/topics/t', '{"version":1,"config":{"retention.ms":"1000"}}')
    await client.create('/brokers/topics/t', '{"version":1,"partitions":{"0":[1]}}')
    await restart()
    const again = await broker.connectZooKeeper()
    expect(await again.create('/admin/delete_topics/t')).to.equal('/admin/delete_topics/t')
    expect(await again.exists('/config/topics/t')).to.equal('NONODE')
    await restart()
    expect(await (await broker.connectZooKeeper()).exists('/config/topics/t')).to.equal('NONODE')
  })

  it('tells of topics that come by Kafka’s protocol', async () => {
    const client = await broker.connectZooKeeper()
    expect(await client.children('/brokers/topics', true)).to.deep.equal([])
    await broker.create('t')
    await broker.passes(1)
    expect(client.events).to.deep.equal(['childrenChanged /brokers/topics'])
    expect(await client.children('/brokers/topics')).to.deep.equal(['t'])
  })

  it('keeps nodes of clients over a restart, but no session and no ephemeral node', async () => {
    const client = await broker.connectZooKeeper()
    expect(await client.create('/consumers/g', null)).to.equal('/consumers/g')
    expect(await client.create('/consumers/g/offsets', '17')).to.equal('/consumers/g/offsets')
    expect(await client.create('/consumers/g/owner', 'me', EPHEMERAL)).to.equal('/consumers/g/owner')
    expect(await client.create('/consumers/g/n', 'x', SEQUENTIAL)).to.equal('/consumers/g/n0000000002')
    expect(await client.remove('/consumers/g/n0000000002')).to.equal('OK')
    const before = await client.exists('/consumers/g/offsets')
    await restart()
    const again = await broker.connectZooKeeper()
    expect(await again.children('/consumers/g')).to.deep.equal(['offsets'])
    expect(await again.get('/consumers/g/offsets')).to.equal('17')
    expect(await again.exists('/consumers/g/offsets')).to.deep.equal(before)
    expect(await again.create('/consumers/g/n', 'x', SEQUENTIAL)).to.equal('/consumers/g/n0000000003')
    expect(again.session.sessionId).not.to.equal(client.session.sessionId)
  })

  it('gives no zxid twice, over restarts', async () => {
    const stat = async () => {
      const client = await broker.connectZooKeeper()
      const made = await client.create('/consumers/n', 'x', SEQUENTIAL | EPHEMERAL)
      return (await client.exists(made as string)) as { czxid: number }
    }
    const first = await stat()
    await restart()
    expect((await stat()).czxid).to.be.greaterThan(first.czxid)
  })

  it('stores nodes in an internal topic, which old tools do not see', async () => {
    const client = await broker.connectZooKeeper()
    expect(await broker.topics()).to.deep.equal([])
    await client.create('/consumers/g', 'x', EPHEMERAL)
    expect(await broker.topics()).to.deep.equal([])
    await client.create('/consumers/h', 'x')
    expect(await broker.topics()).to.deep.equal(['__zookeeper_nodes'])
    expect(await client.children('/brokers/topics')).to.deep.equal([])
    expect(await broker.setting(2, '__zookeeper_nodes', 'cleanup.policy')).to.equal('compact')
  })

  it('serves Kafka’s tree below a chroot', async () => {
    await broker.stop()
    await broker.start({ ...settings, 'zookeeper.connect': 'localhost:2181/a/kafka' })
    const client = await broker.connectZooKeeper()
    expect(await client.children('/a/kafka/brokers/ids')).to.deep.equal(['1'])
    const path = '/a/kafka/brokers/topics/t'
    expect(await client.create(path, '{"partitions":{"0":[1]}}')).to.equal(path)
    expect(await broker.topics()).to.deep.equal(['t'])
    expect(await client.create('/brokers', 'mine')).to.equal('/brokers')
  })

  it('says which writes it refuses', async () => {
    const client = await broker.connectZooKeeper()
    expect(await client.create('/kafka-acl/Topic', '{}')).to.equal('NOAUTH')
    expect(await client.remove('/brokers/ids/1')).to.equal('NOAUTH')
    expect(broker.complaints).to.deep.equal([
      'refused to create /kafka-acl/Topic for a ZooKeeper client: Ottla has no ACLs yet, so it stores none',
      'refused to delete /brokers/ids/1 for a ZooKeeper client: the broker keeps this node itself: no tool of Kafka should delete /brokers/ids/1',
    ])
  })

  it('drops clients whose nodes it cannot store, and serves them again when it can', async () => {
    const client = await broker.connectZooKeeper()
    expect(await client.create('/consumers/g', 'x')).to.equal('/consumers/g')
    broker.host.memory.capacityBytes = 0
    expect(await client.create('/consumers/h', 'x'.repeat(100_000))).to.equal('CLOSED')
    broker.host.memory.capacityBytes = Number.POSITIVE_INFINITY
    await broker.passes(30_000)
    const again = await broker.connectZooKeeper()
    expect(await again.children('/consumers')).to.deep.equal(['g'])
    expect(await again.create('/consumers/h', 'x')).to.equal('/consumers/h')
  })
})
