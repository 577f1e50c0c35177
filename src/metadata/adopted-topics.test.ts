import { expect } from 'chai'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { adoptedTopics } from './adopted-topics.ts'

const directories = [{ path: '/data', directoryId: 'd' }]

describe('topics of a directory without metadata', () => {
  const host = new SimulatedHost(1)
  const partition = (name: string, files: Record<string, string> = {}) => {
    host.files.makeDirectory(`/data/${name}`)
    for (const [file, content] of Object.entries(files)) host.files.replaceWhole(`/data/${name}/${file}`, content)
  }
  before(() => {
    partition('orders-0', { 'leader-epoch-checkpoint': '0\n2\n0 0\n5 100\n' })
    partition('orders-2')
    partition('with-dash-0', { 'partition.metadata': 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAw' })
    partition('__consumer_offsets-0')
    partition('__cluster_metadata-0')
    partition('orders-1.0123456789abcdef0123456789abcdef-delete')
    host.files.replaceWhole('/data/file-1', 'not a directory')
  })

  it('are found by the names of their directories, deleted ones and files left out', () => {
    const topics = adoptedTopics(host, { nodeId: 1, directories })
    expect(topics.map(({ name, partitions }) => [name, partitions.length]).sort()).to.deep.equal([
      ['__consumer_offsets', 1],
      ['orders', 3],
      ['with-dash', 1],
    ])
  })

  it('keep their ids where they have one, and get a later leader epoch than any so far', () => {
    const topics = new Map(adoptedTopics(host, { nodeId: 1, directories }).map((topic) => [topic.name, topic]))
    expect(topics.get('with-dash')?.id).to.equal('AAAAAAAAAAAAAAAAAAAAAw')
    expect(topics.get('orders')?.partitions.map(({ leaderEpoch }) => leaderEpoch)).to.deep.equal([6, 0, 0])
    expect(topics.get('orders')?.partitions[1]).to.deep.include({ leader: 1, isr: [1], directories: ['d'] })
    expect(topics.get('__consumer_offsets')?.internal).to.equal(true)
  })
})
