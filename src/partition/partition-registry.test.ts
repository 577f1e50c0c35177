import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { InvariantError } from '../../protocol/invariant.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { ConfigStore } from '../config/config-store.ts'
import { readStaticConfig, type StaticConfig } from '../config/static-config.ts'
import { FetchPurgatory } from '../fetch/fetch-purgatory.ts'
import { MemoryMetadata } from '../metadata/memory-metadata.fixture.ts'
import type { Logger } from '../observe/logger.ts'
import { MemoryLogStore } from './memory-log-store.fixture.ts'
import { PartitionRegistry } from './partition-registry.ts'

class Rig {
  readonly metadata = new MemoryMetadata()
  readonly logs = new MemoryLogStore()
  readonly warnings: string[] = []
  readonly errors: string[] = []
  readonly purgatory = new FetchPurgatory(new SimulatedHost(1).timers)
  readonly configs = new ConfigStore(readStaticConfig(new Map()) as StaticConfig, 1)
  readonly registry: PartitionRegistry

  constructor() {
    this.metadata.onChange((image, change) => this.configs.apply(image.configs, change.configsChanged))
    const logger: Logger = {
      error: (_, message) => this.errors.push(message),
      warn: (_, message) => this.warnings.push(message),
      info() {},
      debug() {},
    }
    const { logs, metadata, purgatory, configs } = this
    const settings = (topic: string) => configs.topic(topic)
    this.registry = new PartitionRegistry({
      nodeId: 1,
      host: new SimulatedHost(),
      logs,
      metadata,
      settings,
      watcher: purgatory,
      logger,
    })
  }

  get names(): string[] {
    return [...this.logs.logs.keys()]
  }

  outcome(topic: string, partition: number): string {
    const found = this.registry.leaderFor(topic, partition)
    return isRejection(found) ? found.error : 'led'
  }

  partition(topic: string, index = 0) {
    const found = this.registry.leaderFor(topic, index)
    if (isRejection(found)) throw new Error(found.error)
    return found
  }
}

describe('the partition registry', () => {
  it('leaves logs alone of which it does not know the topic, but for those that any topic could take for its own', () => {
    const rig = new Rig()
    rig.logs.create('known', 0, 'B9tNdH1zRsmI8JTueZP1SA')
    rig.logs.create('torn', 0, ZERO_UUID)
    rig.registry.start()
    expect(rig.names).to.deep.equal(['known-0'])
    expect(rig.warnings).to.have.length(2)
  })

  it('makes a log that the disk refused when it is next asked for, and lets a topic go whatever the disk says', () => {
    const rig = new Rig()
    rig.registry.start()
    rig.logs.failure = Object.assign(new Error('EIO: write'), { code: 'EIO' })
    const topic = rig.metadata.addTopic('topic')
    expect(rig.outcome('topic', 0)).to.equal('KAFKA_STORAGE_ERROR')
    rig.logs.failure = undefined
    expect(rig.outcome('topic', 0)).to.equal('led')
    rig.logs.failure = Object.assign(new Error('EIO: rename'), { code: 'EIO' })
    rig.metadata.deleteTopic(topic)
    expect(rig.outcome('topic', 0)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(rig.errors.at(-1)).to.equal('topic-0 cannot be deleted: EIO: rename')
  })

  it('makes the logs that the metadata asks of this broker, at the start and later', () => {
    const rig = new Rig()
    rig.metadata.addTopic('before', 2)
    rig.metadata.addTopic('elsewhere', 1, { replicas: [2], leader: 2 })
    rig.registry.start()
    const topic = rig.metadata.addTopic('after')
    expect(rig.names).to.deep.equal(['before-0', 'before-1', 'after-0'])
    rig.metadata.putTopic({ ...topic, partitions: [...topic.partitions, topic.partitions[0]!] })
    expect(rig.names).to.include('after-1')
  })

  it('warns about logs of no topic and leaves them alone', () => {
    const rig = new Rig()
    rig.logs.create('lost', 0, 'LAAAAAAAAAAAAAAAAAAAAA')
    rig.registry.start()
    expect(rig.names).to.deep.equal(['lost-0'])
    expect(rig.warnings[0]).to.contain('lost-0')
  })

  it('never serves the log of an older topic of the same name', async () => {
    const rig = new Rig()
    const stale = rig.logs.create('t', 0, 'LAAAAAAAAAAAAAAAAAAAAA')
    stale.logEndOffset = stale.flushedEndOffset = 5
    rig.metadata.addTopic('t')
    rig.registry.start()
    expect(rig.partition('t').highWatermark).to.equal(0)
  })

  it('rejects what is unknown and what another broker leads', () => {
    const rig = new Rig()
    rig.registry.start()
    rig.metadata.addTopic('t')
    rig.metadata.addTopic('other', 1, { leader: 2, replicas: [1, 2] })
    rig.metadata.addTopic('nobody', 1, { leader: -1 })
    expect(rig.outcome('t', 0)).to.equal('led')
    for (const index of [1, -1]) expect(rig.outcome('t', index)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(rig.outcome('x', 0)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(rig.outcome('other', 0)).to.equal('NOT_LEADER_OR_FOLLOWER')
    expect(rig.outcome('nobody', 0)).to.equal('NOT_LEADER_OR_FOLLOWER')
  })

  it('answers KAFKA_STORAGE_ERROR where a log cannot be opened, and says why once; a broken invariant is thrown on', () => {
    const rig = new Rig()
    rig.metadata.addTopic('t')
    rig.registry.start()
    const fail = (error: Error) => {
      rig.logs.create = () => {
        throw error
      }
    }
    fail(Object.assign(new Error('EIO: broken'), { code: 'EIO' }))
    for (let i = 0; i < 3; i++) expect(rig.outcome('t', 0)).to.equal('KAFKA_STORAGE_ERROR')
    expect(rig.errors).to.deep.equal(['t-0 cannot be opened: EIO: broken'])
    fail(new Error('a bug'))
    expect(rig.outcome('t', 0)).to.equal('KAFKA_STORAGE_ERROR')
    fail(new InvariantError('broken'))
    expect(() => rig.outcome('t', 0)).to.throw('broken')
  })

  it('forgets a deleted topic, its log, and wakes who waits for it', () => {
    const rig = new Rig()
    rig.registry.start()
    const topic = rig.metadata.addTopic('t')
    const reasons: string[] = []
    const complete = (reason: string) => reasons.push(reason)
    rig.purgatory.park({ roomBytes: new Map([[rig.partition('t'), 1]]), waitMs: 1000, missingBytes: 1, complete })
    rig.metadata.deleteTopic(topic)
    expect(rig.names).to.deep.equal([])
    expect(reasons).to.deep.equal(['changed'])
    expect(rig.outcome('t', 0)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('follows a new leader epoch, and gives up what another broker leads now', () => {
    const rig = new Rig()
    rig.registry.start()
    const topic = rig.metadata.addTopic('t')
    const partition = rig.partition('t')
    expect(partition.log.latestEpoch).to.equal(0)
    const [image] = topic.partitions
    rig.metadata.putTopic({ ...topic, partitions: [{ ...image!, leaderEpoch: 3 }] })
    expect(rig.partition('t')).to.equal(partition)
    expect([partition.leaderEpoch, partition.log.latestEpoch]).to.deep.equal([3, 3])
    rig.metadata.putTopic({ ...topic, partitions: [{ ...image!, leaderEpoch: 4, leader: 2 }] })
    expect(rig.outcome('t', 0)).to.equal('NOT_LEADER_OR_FOLLOWER')
  })

  it('passes new settings on to the logs of their topic', () => {
    const rig = new Rig()
    rig.registry.start()
    rig.metadata.addTopic('t')
    rig.metadata.setConfig('t', 'retention.ms', '5000')
    expect(rig.logs.configured.map(({ topic, config }) => [topic, config.retentionMs])).to.deep.equal([['t', 5000]])
    rig.metadata.setConfig('gone', 'retention.ms', '5000')
    expect(rig.logs.configured).to.have.length(1)
  })
})
