import { expect } from 'chai'
import { ZooKeeperWorld } from './zookeeper-world.fixture.ts'

describe('quotas of ZooKeeper', () => {
  it('tell how many nodes and bytes there are at and below a path', async () => {
    const client = await (await new ZooKeeperWorld().start()).client()
    await client.create('/a', 'four')
    await client.create('/a/b', null)
    await client.create('/a/b/c', 'xy')
    await client.create('/ab', 'another')
    await client.create('/zookeeper/quota/a', '')
    await client.create('/zookeeper/quota/a/zookeeper_limits', 'count=5,bytes=-1')
    await client.create('/zookeeper/quota/a/zookeeper_stats', 'count=0,bytes=0')
    expect(await client.get('/zookeeper/quota/a/zookeeper_stats')).to.equal('count=3,bytes=6')
    await client.remove('/a/b/c')
    expect(await client.get('/zookeeper/quota/a/zookeeper_stats')).to.equal('count=2,bytes=4')
    expect(await client.get('/zookeeper/quota/a/zookeeper_limits')).to.equal('count=5,bytes=-1')
  })
})
