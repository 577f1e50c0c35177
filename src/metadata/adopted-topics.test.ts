import { expect } from 'chai'
import { findPartitions } from '../../storage/found-partitions.ts'
import { within } from '../../storage/host/faulty-files.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { ConfigStore } from '../config/config-store.ts'
import { readStaticConfig, type StaticConfig } from '../config/static-config.ts'
import { type AdoptedTopic, adoptedTopics, adoptionLine, lastLeaderEpoch } from './adopted-topics.ts'

const SEGMENT = '00000000000000000000.log'
const settings = new ConfigStore(readStaticConfig(new Map()) as StaticConfig, 1).broker

/** Topics adopted from a directory with these files, by name. */
function adopted(directory: Record<string, string>): Map<string, AdoptedTopic> {
  const host = new SimulatedHost(1)
  for (const [path, content] of Object.entries(directory)) {
    host.files.makeDirectory(`/data/${path}`.slice(0, `/data/${path}`.lastIndexOf('/')))
    host.files.replaceWhole(`/data/${path}`, content)
  }
  const found = findPartitions(host.files, ['/data'])
  const adopter = { nodeId: 1, directories: [{ path: '/data', directoryId: 'd' }], settings }
  return new Map(adoptedTopics(host, found, adopter).map((topic) => [topic.image.name, topic]))
}

const topics = () =>
  adopted({
    [`orders-0/${SEGMENT}`]: '',
    'orders-0/leader-epoch-checkpoint': '0\n2\n0 0\n5 100\n',
    [`orders-2/${SEGMENT}`]: '',
    [`with-dash-0/${SEGMENT}`]: '',
    'with-dash-0/partition.metadata': 'version: 0\ntopic_id: B9tNdH1zRsmI8JTueZP1SA',
    [`copied-0/${SEGMENT}`]: '',
    'copied-0/partition.metadata': 'version: 0\ntopic_id: B9tNdH1zRsmI8JTueZP1SA',
    [`registry-0/${SEGMENT}`]: '',
    [`store-changelog-0/${SEGMENT}`]: '',
    [`__consumer_offsets-0/${SEGMENT}`]: '',
    [`__share_group_state-0/${SEGMENT}`]: '',
    [`__cluster_metadata-0/${SEGMENT}`]: '',
    [`orders-1.0123456789abcdef0123456789abcdef-delete/${SEGMENT}`]: '',
    [`backup-20261128/${SEGMENT}`]: '',
    [`two words-0/${SEGMENT}`]: '',
    'notes-1/readme': '',
    'file-1': 'not a directory',
    'cleaner-offset-checkpoint': '0\n2\n__consumer_offsets 0 12\nregistry 0 7\n',
  })

const configsOf = (topic: AdoptedTopic | undefined) => Object.fromEntries(topic?.configs ?? [])

describe('topics of a directory without metadata', () => {
  it('are found by the names of their directories; deleted ones, files and other directories are left out', () => {
    expect([...topics()].map(([name, { image }]) => [name, image.partitions.length]).sort()).to.deep.equal([
      ['__consumer_offsets', 1],
      ['__share_group_state', 1],
      ['copied', 1],
      ['orders', 3],
      ['registry', 1],
      ['store-changelog', 1],
      ['with-dash', 1],
    ])
  })

  it('keep their own ids, and get a leader epoch above all earlier ones', () => {
    const found = topics()
    const [withDash, copied] = ['with-dash', 'copied'].map((name) => found.get(name)?.image.id)
    expect([withDash, copied]).to.include('B9tNdH1zRsmI8JTueZP1SA')
    expect(withDash).to.not.equal(copied)
    const orders = found.get('orders')?.image
    expect(orders?.partitions.map(({ leaderEpoch }) => leaderEpoch)).to.deep.equal([6, 0, 0])
    expect(orders?.partitions[1]).to.deep.include({ leader: 1, isr: [1], directories: ['d'] })
    expect(found.get('__consumer_offsets')?.image.internal).to.equal(true)
  })

  it('have the id that most of their directories name', () => {
    const ids = ['GRDXq5MtQ--S0eqKSVAx0g', 'B9tNdH1zRsmI8JTueZP1SA', 'B9tNdH1zRsmI8JTueZP1SA']
    const directories = ids.flatMap((id, i) => [
      [`orders-${i}/${SEGMENT}`, ''],
      [`orders-${i}/partition.metadata`, `version: 0\ntopic_id: ${id}`],
    ])
    expect(adopted(Object.fromEntries(directories)).get('orders')?.image.id).to.equal(ids[1])
  })

  it('keep all their records, unless there is proof of their settings', () => {
    const found = topics()
    expect(configsOf(found.get('orders'))).to.deep.equal({ 'cleanup.policy': '' })
    expect(configsOf(found.get('store-changelog'))).to.deep.equal({ 'cleanup.policy': '' })
    expect(configsOf(found.get('registry'))).to.deep.equal({ 'cleanup.policy': 'compact' })
    expect(configsOf(found.get('__consumer_offsets'))).to.include({ 'cleanup.policy': 'compact' })
    expect(configsOf(found.get('__share_group_state'))).to.include({ 'cleanup.policy': 'delete', 'retention.ms': '-1' })
  })

  it('a damaged cleaner checkpoint counts as empty', () => {
    const found = adopted({ [`registry-0/${SEGMENT}`]: '', 'cleaner-offset-checkpoint': '0\n2\nregistry 0 7\n' })
    expect(configsOf(found.get('registry'))).to.deep.equal({ 'cleanup.policy': '' })
  })

  it('get a log line each, with the settings assumed and the command to change them', () => {
    const lines = new Map([...topics()].map(([name, topic]) => [name, adoptionLine(topic, 'localhost:9092')]))
    expect(lines.get('orders')).to.equal(
      'adopted topic orders (3 partitions) from its directories, which do not contain its settings: cleanup.policy= is assumed, ' +
        'so that nothing is deleted or compacted, because its former policy is unknown; to change it: kafka-configs.sh ' +
        '--bootstrap-server localhost:9092 --alter --entity-type topics --entity-name orders --add-config ' +
        'cleanup.policy=compact (or cleanup.policy=delete)',
    )
    expect(lines.get('registry')).to.include(
      'cleanup.policy=compact is assumed, because cleaner-offset-checkpoint shows that it was compacted',
    )
    expect(lines.get('__consumer_offsets')).to.include(
      'so it gets the settings of a new __consumer_offsets: cleanup.policy=compact',
    )
  })
})

describe('the last leader epoch of a partition', () => {
  it('is that of its checkpoint, and -1 if the disk cannot read it', () => {
    const { files } = new SimulatedHost(1)
    files.makeDirectory('/data/a-0')
    files.replaceWhole('/data/a-0/leader-epoch-checkpoint', '0\n2\n0 0\n7 30\n')
    expect(lastLeaderEpoch(files, '/data/a-0')).to.equal(7)
    files.pathFaults = [{ concerns: within('/data/a-0'), effect: 'unreadable' }]
    expect(lastLeaderEpoch(files, '/data/a-0')).to.equal(-1)
  })
})
