import { expect } from 'chai'
import { DataPath } from '../../apis/data-path.fixture.ts'
import type { PartitionImage } from '../../metadata/metadata-image.ts'
import type { StoredChange, StoredNode } from '../node-store.ts'
import { InternalNodeStore, type InternalNodeStoreParts } from './internal-node-store.ts'

function node(data: string | null, changes: Partial<StoredNode> = {}): StoredNode {
  return {
    data: data === null ? null : Buffer.from(data),
    acl: [{ perms: 31, scheme: 'world', id: 'anyone' }],
    czxid: 2 ** 40,
    mzxid: 2 ** 40 + 1,
    pzxid: 2 ** 40 + 2,
    ctimeMs: 1_700_000_000_000,
    mtimeMs: 1_700_000_000_001,
    version: 1,
    cversion: 2,
    aversion: 3,
    ...changes,
  }
}

function leaderIn({ services }: DataPath): InternalNodeStoreParts['leaderFor'] {
  return (topic, partition) => services.partitions.leaderFor(topic, partition)
}

describe('nodes of clients in the internal topic', () => {
  function opened(partition: Partial<PartitionImage> = {}) {
    const path = new DataPath([])
    path.metadata.addTopic('__zookeeper_nodes', 1, partition)
    const parts = {
      ...path.services,
      timers: path.host.timers,
      leaderFor: leaderIn(path),
      nowMs: () => path.host.clock.nowMs(),
    }
    return { host: path.host, store: new InternalNodeStore(parts), again: () => new InternalNodeStore(parts) }
  }

  async function loaded({ host, again }: ReturnType<typeof opened>): Promise<StoredChange[]> {
    const found: StoredChange[] = []
    await host.settle(again().load((change) => found.push(change)))
    return found
  }

  it('come back as they were stored, the last content of a path last', async () => {
    const world = opened()
    const long = `/${'x'.repeat(100_000)}`
    const changes = [
      { path: '/consumers/g', node: node(null) },
      { path: '/é', node: node('first') },
      { path: '/é', node: node('', { acl: [] }) },
      { path: '/consumers/g', node: null },
      { path: long, node: node('second', { acl: [{ perms: 1, scheme: 'digest', id: 'y'.repeat(50_000) }] }) },
    ]
    await world.host.settle(world.store.append(changes.slice(0, 4)))
    await world.host.settle(world.store.append(changes.slice(4)))
    expect(await loaded(world)).to.deep.equal(changes)
  })

  it('are none where the topic was never made', async () => {
    const path = new DataPath([])
    const store = new InternalNodeStore({
      ...path.services,
      timers: path.host.timers,
      leaderFor: leaderIn(path),
      nowMs: () => 0,
    })
    await store.load(() => expect.fail('nothing is stored'))
  })

  it('are not taken for stored where the broker does not lead their partition', async () => {
    const world = opened({ leader: 2 })
    let failure: unknown
    const keep = (error: unknown) => {
      failure = error
    }
    await world.host.settle(world.store.append([{ path: '/a', node: node('x') }]).catch(keep))
    expect((failure as Error).name).to.equal('AppendRefused')
  })
})
