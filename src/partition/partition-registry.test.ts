import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { InvariantError } from '../../protocol/invariant.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { TurnSlices } from '../../storage/host/turn-slices.ts'
import { ConfigStore } from '../config/config-store.ts'
import { readStaticConfig, type StaticConfig } from '../config/static-config.ts'
import { FetchPurgatory } from '../fetch/fetch-purgatory.ts'
import { HostedReplicas } from '../metadata/hosted-replicas.ts'
import { MemoryMetadata } from '../metadata/memory-metadata.fixture.ts'
import type { PartitionImage } from '../metadata/metadata-image.ts'
import type { Logger } from '../observe/logger.ts'
import { MemoryLogStore } from './memory-log-store.fixture.ts'
import type { Partition } from './partition.ts'
import { PartitionLogs } from './partition-logs.ts'
import { PartitionRegistry } from './partition-registry.ts'

/** A batch with one record for each value. */
function batchOf(values: readonly string[]): Buffer {
  return buildBatch(values.map((value) => ({ key: null, value, timestamp: 1000 })))
}

class Rig {
  readonly metadata = new MemoryMetadata()
  readonly logs = new MemoryLogStore()
  readonly warnings: string[] = []
  readonly errors: string[] = []
  readonly purgatory = new FetchPurgatory(new SimulatedHost(1).timers)
  readonly configs = new ConfigStore(readStaticConfig(new Map()) as StaticConfig, 1)
  readonly host = new SimulatedHost()
  readonly partitionLogs: PartitionLogs
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
    const { host } = this
    const slices = new TurnSlices(host)
    this.partitionLogs = new PartitionLogs({
      hosted: new HostedReplicas(1, []),
      host,
      slices,
      logs,
      metadata,
      settings,
      logger,
    })
    const shared = { logs: this.partitionLogs, metadata, settings }
    this.registry = new PartitionRegistry({ nodeId: 1, ...shared, watcher: purgatory })
  }

  async start(): Promise<this> {
    this.registry.start()
    await this.partitionLogs.start()
    return this
  }

  get names(): string[] {
    return [...this.logs.logs.keys()]
  }

  async outcome(topic: string, partition: number): Promise<string> {
    const found = await this.registry.leaderFor(topic, partition)
    return isRejection(found) ? found.error : 'led'
  }

  async partition(topic: string, index = 0): Promise<Partition> {
    const found = await this.registry.leaderFor(topic, index)
    if (isRejection(found)) throw new Error(found.error)
    return found
  }
}

describe('the partition registry', () => {
  it('creates and deletes the logs of a large topic in several turns, and a requested one at once', async () => {
    const { host, metadata, registry, partitionLogs, logs } = await new Rig().start()
    const topic = metadata.addTopic('wide', 5000)
    const made = () => [...logs.logs.keys()]
    expect(made().length).to.be.within(1, 2000)
    expect(isRejection(registry.leaderFor('wide', 4999))).to.equal(false)
    expect(made()).to.include('wide-4999')
    await host.advance(0)
    expect(made()).to.have.length(5000)
    metadata.deleteTopic(topic)
    expect(made().length).to.be.within(3000, 4999)
    expect(registry.leaderFor('wide', 4999)).to.include({ error: 'UNKNOWN_TOPIC_OR_PARTITION' })
    await host.settle(partitionLogs.stop())
    expect(made()).to.deep.equal([])
  })

  it('deletes the log of a deleted topic before it creates one of the same name', async () => {
    const { host, metadata, registry, logs } = await new Rig().start()
    const old = metadata.addTopic('again', 5000)
    await host.advance(0)
    metadata.deleteTopic(old)
    const again = metadata.addTopic('again', 5000)
    const partition = await registry.leaderFor('again', 4999)
    expect(partition).to.include({ topicId: again.id })
    await host.advance(0)
    expect(registry.leaderFor('again', 4999)).to.equal(partition)
    expect(logs.logs.get('again-4999')?.topicId).to.equal(again.id)
  })

  it('creates no log for a topic that is deleted first', async () => {
    const { host, metadata, logs } = await new Rig().start()
    metadata.deleteTopic(metadata.addTopic('brief', 5000))
    await host.advance(0)
    expect([...logs.logs.keys()]).to.deep.equal([])
  })

  it('sets aside logs that the metadata does not place on this broker, each with its reason', async () => {
    const rig = new Rig()
    const id = 'B9tNdH1zRsmI8JTueZP1SA'
    const known = rig.metadata.addTopic('known', 2)
    rig.metadata.addTopic('elsewhere', 1, { replicas: [2], leader: 2 })
    for (const partition of [0, 1, 2]) rig.logs.make('known', partition, known.id)
    rig.logs.make('gone', 0, id)
    rig.logs.make('torn', 0, ZERO_UUID)
    rig.logs.make('elsewhere', 0, id)
    await rig.start()
    expect(rig.names).to.deep.equal(['known-0', 'known-1'])
    expect(rig.logs.setAsides).to.deep.equal([
      'known-2 is a partition that topic known does not have on this broker',
      `gone-0 is a partition with the topic id ${id} of a topic that is not in the metadata`,
      'torn-0 is a partition without a topic id of a topic that is not in the metadata',
      'elsewhere-0 is a partition that topic elsewhere does not have on this broker',
    ])
    expect(rig.warnings).to.deep.equal([])
  })

  it('logs which partitions have no files and elects them again; new partitions are no loss', async () => {
    const rig = new Rig()
    const topic = rig.metadata.addTopic('t', 3, { directories: ['d'] })
    rig.logs.make('t', 1, topic.id)
    await rig.start()
    expect(rig.names).to.deep.equal(['t-1', 't-0', 't-2'])
    expect(rig.warnings).to.have.length(1)
    expect(rig.warnings[0]).to.include('t-0, t-2 had no files in any data directory and start empty')
    const lost = { topicId: topic.id, directoryId: 'd', isLost: true }
    expect(rig.metadata.assigned).to.deep.equal([
      { ...lost, partition: 0 },
      { ...lost, partition: 2 },
    ])
    rig.metadata.addTopic('later', 1, { directories: ['d'] })
    expect([rig.warnings.length, rig.metadata.assigned.length]).to.deep.equal([1, 2])
  })

  it('records the data directory of each partition, at the start and when it is created', async () => {
    const rig = new Rig()
    const moved = rig.metadata.addTopic('moved', 1, { directories: ['elsewhere'] })
    rig.logs.make('moved', 0, moved.id)
    await rig.start()
    const made = rig.metadata.addTopic('made', 1, { directories: [ZERO_UUID] })
    await rig.host.advance(0)
    expect(rig.metadata.assigned).to.deep.equal(
      [moved, made].map(({ id }) => ({ topicId: id, partition: 0, directoryId: 'd', isLost: false })),
    )
  })

  it('creates a log that the disk refused on its next use, and deletes a topic whatever the disk does', async () => {
    const rig = new Rig()
    await rig.start()
    rig.logs.failure = Object.assign(new Error('EIO: write'), { code: 'EIO' })
    const topic = rig.metadata.addTopic('topic')
    expect(await rig.outcome('topic', 0)).to.equal('KAFKA_STORAGE_ERROR')
    rig.logs.failure = undefined
    expect(await rig.outcome('topic', 0)).to.equal('led')
    rig.logs.failure = Object.assign(new Error('EIO: rename'), { code: 'EIO' })
    rig.metadata.deleteTopic(topic)
    expect(await rig.outcome('topic', 0)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(rig.errors.at(-1)).to.equal('topic-0 cannot be deleted: EIO: rename')
  })

  it('creates the logs that the metadata places on this broker, at the start and later', async () => {
    const rig = new Rig()
    rig.metadata.addTopic('before', 2)
    rig.metadata.addTopic('elsewhere', 1, { replicas: [2], leader: 2 })
    await rig.start()
    const topic = rig.metadata.addTopic('after')
    expect(rig.names).to.deep.equal(['before-0', 'before-1', 'after-0'])
    rig.metadata.putTopic({ ...topic, partitions: [...topic.partitions, topic.partitions[0]!] })
    expect(rig.names).to.include('after-1')
  })

  it('never serves the log of an older topic of the same name', async () => {
    const rig = new Rig()
    const stale = rig.logs.make('t', 0, 'LAAAAAAAAAAAAAAAAAAAAA')
    stale.logEndOffset = stale.flushedEndOffset = 5
    rig.metadata.addTopic('t')
    await rig.start()
    expect((await rig.partition('t')).highWatermark).to.equal(0)
  })

  it('rejects unknown partitions and those that another broker leads', async () => {
    const rig = new Rig()
    await rig.start()
    rig.metadata.addTopic('t')
    rig.metadata.addTopic('other', 1, { leader: 2, replicas: [1, 2] })
    rig.metadata.addTopic('nobody', 1, { leader: -1 })
    expect(await rig.outcome('t', 0)).to.equal('led')
    for (const index of [1, -1]) expect(await rig.outcome('t', index)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await rig.outcome('x', 0)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await rig.outcome('other', 0)).to.equal('NOT_LEADER_OR_FOLLOWER')
    expect(await rig.outcome('nobody', 0)).to.equal('NOT_LEADER_OR_FOLLOWER')
  })

  it('answers KAFKA_STORAGE_ERROR if a log cannot be opened, and logs why once; a broken invariant is rethrown', async () => {
    const rig = new Rig()
    rig.metadata.addTopic('t')
    await rig.start()
    const fail = (error: Error) => {
      rig.logs.create = () => Promise.reject(error)
    }
    fail(Object.assign(new Error('EIO: broken'), { code: 'EIO' }))
    for (let i = 0; i < 3; i++) expect(await rig.outcome('t', 0)).to.equal('KAFKA_STORAGE_ERROR')
    expect(rig.errors).to.deep.equal(['t-0 cannot be opened: EIO: broken'])
    fail(new Error('a bug'))
    expect(await rig.outcome('t', 0)).to.equal('KAFKA_STORAGE_ERROR')
    fail(new InvariantError('broken'))
    const broken = await rig.outcome('t', 0).catch((error: Error) => error.message)
    expect(broken).to.equal('broken')
  })

  it('removes a deleted topic and its log, and wakes waiting fetches', async () => {
    const rig = new Rig()
    await rig.start()
    const topic = rig.metadata.addTopic('t')
    const reasons: string[] = []
    const complete = (reason: string) => reasons.push(reason)
    rig.purgatory.park({
      roomBytes: new Map([[await rig.partition('t'), 1]]),
      waitMs: 1000,
      missingBytes: 1,
      visibility: 'highWatermark',
      complete,
    })
    rig.metadata.deleteTopic(topic)
    expect(rig.names).to.deep.equal([])
    expect(reasons).to.deep.equal(['changed'])
    expect(await rig.outcome('t', 0)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('follows a new leader epoch, and drops a partition that another broker leads now', async () => {
    const rig = new Rig()
    await rig.start()
    const topic = rig.metadata.addTopic('t')
    const partition = await rig.partition('t')
    expect(partition.log.latestEpoch).to.equal(0)
    const [image] = topic.partitions
    rig.metadata.putTopic({ ...topic, partitions: [{ ...image!, leaderEpoch: 3 }] })
    expect(await rig.partition('t')).to.equal(partition)
    expect([partition.leaderEpoch, partition.log.latestEpoch]).to.deep.equal([3, 3])
    rig.metadata.putTopic({ ...topic, partitions: [{ ...image!, leaderEpoch: 4, leader: 2 }] })
    expect(await rig.outcome('t', 0)).to.equal('NOT_LEADER_OR_FOLLOWER')
  })

  it('passes new settings on to the logs of their topic', async () => {
    const rig = new Rig()
    await rig.start()
    rig.metadata.addTopic('t')
    rig.metadata.setConfig('t', 'retention.ms', '5000')
    expect(rig.logs.configured.map(({ topic, config }) => [topic, config.retentionMs])).to.deep.equal([['t', 5000]])
    rig.metadata.setConfig('gone', 'retention.ms', '5000')
    expect(rig.logs.configured).to.have.length(1)
  })

  it('applies min.insync.replicas to what can be read, also when it changes', async () => {
    const rig = await new Rig().start()
    rig.metadata.addTopic('t', 1, { replicas: [1, 2], isr: [1] })
    const partition = await rig.partition('t')
    const append = { origin: 'client', acks: 1, leaderEpoch: 0, nowMs: 0 } as const
    await partition.append(batchOf(['a']), append)
    expect(partition.highWatermark).to.equal(1)
    rig.metadata.setConfig('t', 'min.insync.replicas', '2')
    await rig.host.advance(0)
    await partition.append(batchOf(['b']), append)
    expect(partition.highWatermark).to.equal(1)
    rig.metadata.setConfig('t', 'min.insync.replicas', '1')
    await rig.host.advance(0)
    expect(partition.highWatermark).to.equal(2)
  })

  describe('of a broker that has a replica, but does not lead,', () => {
    const replicated = { replicas: [1, 2], isr: [1, 2], leader: 2, leaderEpoch: 5 }
    const client = { origin: 'client', acks: 1, leaderEpoch: 5, nowMs: 0 } as const

    async function follower() {
      const rig = await new Rig().start()
      const topic = rig.metadata.addTopic('t', 1, replicated)
      const found = await rig.registry.replicaFor('t', 0)
      if (isRejection(found)) throw new Error(found.error)
      const change = (next: Partial<PartitionImage>) =>
        rig.metadata.putTopic({ ...topic, partitions: [{ ...topic.partitions[0]!, ...next }] })
      return { rig, partition: found, change }
    }

    /** Fetches that wait at the partition once they are parked, and why they ended. */
    function fetches(rig: Rig, partition: Partition) {
      const reasons: string[] = []
      const complete = (reason: string) => reasons.push(reason)
      const roomBytes = new Map([[partition, 1]])
      return {
        reasons,
        park: () =>
          rig.purgatory.park({ roomBytes, waitMs: 1000, missingBytes: 1, visibility: 'highWatermark', complete }),
      }
    }

    it('serves reads, and nothing that needs the leader', async () => {
      const { rig, partition } = await follower()
      expect(rig.registry.replicaFor('t', 0)).to.equal(partition)
      expect(rig.registry.leaderFor('t', 0)).to.include({ error: 'NOT_LEADER_OR_FOLLOWER' })
      expect(await partition.append(batchOf(['v']), client)).to.include({ error: 'NOT_LEADER_OR_FOLLOWER' })
      expect(partition.log.latestEpoch, 'its leader assigns epochs').to.equal(undefined)
    })

    for (const isOpen of [false, true]) {
      it(`checks the client's epoch before the leader, ${isOpen ? 'open' : 'not open'}`, async () => {
        const rig = isOpen ? (await follower()).rig : await new Rig().start()
        if (!isOpen) rig.metadata.addTopic('t', 1, replicated)
        rig.metadata.addTopic('elsewhere', 1, { ...replicated, replicas: [2, 3] })
        for (const [topic, epoch, error] of [
          ['t', 4, 'FENCED_LEADER_EPOCH'],
          ['t', 5, 'NOT_LEADER_OR_FOLLOWER'],
          ['t', 6, 'UNKNOWN_LEADER_EPOCH'],
          ['elsewhere', 4, 'NOT_LEADER_OR_FOLLOWER'],
        ] as const) {
          expect(rig.registry.leaderFor(topic, 0, epoch), `${topic} ${epoch}`).to.include({ error })
        }
        expect(rig.registry.replicaFor('elsewhere', 0)).to.include({ error: 'NOT_LEADER_OR_FOLLOWER' })
      })
    }

    it('stays the same partition when the leader changes, and tells those who wait', async () => {
      const { rig, partition, change } = await follower()
      const { reasons, park } = fetches(rig, partition)
      park()
      change({ leader: 1, leaderEpoch: 6 })
      expect(rig.registry.leaderFor('t', 0)).to.equal(partition)
      expect(partition.log.latestEpoch).to.equal(6)
      expect(await partition.append(batchOf(['v']), client)).to.include({ baseOffset: 0 })
      park()
      change({ leader: 2, leaderEpoch: 7 })
      expect(reasons).to.deep.equal(['changed', 'changed'])
      expect(await partition.append(batchOf(['v']), client)).to.include({ error: 'NOT_LEADER_OR_FOLLOWER' })
      expect(rig.registry.replicaFor('t', 0)).to.equal(partition)
    })

    it('is told of what another broker appends, until its replica moves away', async () => {
      const { rig, partition, change } = await follower()
      const { reasons, park } = fetches(rig, partition)
      park()
      await partition.log.append(batchOf(['v']), client)
      park()
      change({ replicas: [2, 3] })
      expect(reasons).to.deep.equal(['data', 'changed'])
      park()
      await partition.log.append(batchOf(['v']), client)
      expect(reasons).to.have.length(2)
      expect(rig.registry.replicaFor('t', 0)).to.include({ error: 'NOT_LEADER_OR_FOLLOWER' })
    })
  })

  describe('while a log is opened, which takes time,', () => {
    /** A topic whose log is being opened. `opened` lets it go on. */
    async function opening(changes: Partial<PartitionImage> = {}) {
      const rig = await new Rig().start()
      const { metadata } = rig
      let opened = () => {}
      const gate = new Promise<void>((resolve) => (opened = resolve))
      let opens = 0
      rig.logs.opening = () => {
        opens++
        return gate
      }
      const topic = metadata.addTopic('t', 1, changes)
      const change = (next: Partial<PartitionImage>) =>
        metadata.putTopic({ ...topic, partitions: [{ ...topic.partitions[0]!, ...next }] })
      return { ...rig, rig, topic, change, opened: () => opened(), opens: () => opens }
    }

    it('all who ask get the same partition, and later ones at once', async () => {
      const { rig, opened, logs, opens } = await opening()
      const asked = [rig.partition('t'), rig.partition('t')]
      opened()
      const [first, second] = await Promise.all(asked)
      expect(second).to.equal(first)
      expect(opens(), 'when the topic was created').to.equal(1)
      expect(rig.registry.leaderFor('t', 0)).to.equal(first)
      const reasons: string[] = []
      const complete = (reason: string) => reasons.push(reason)
      rig.purgatory.park({
        roomBytes: new Map([[first!, 1000]]),
        waitMs: 1000,
        missingBytes: 100,
        visibility: 'highWatermark',
        complete,
      })
      await logs.logOf('t', 0)!.append(batchOf(['v']), { origin: 'client', leaderEpoch: 0, nowMs: 0 })
      expect(batchOf(['v']).length, 'one event is too little').to.be.within(50, 99)
      expect(reasons).to.deep.equal([])
    })

    it('its topic may be deleted: nothing of it is left', async () => {
      const { rig, topic, metadata, opened, partitionLogs } = await opening()
      const asked = rig.outcome('t', 0)
      metadata.deleteTopic(topic)
      expect(await rig.outcome('t', 0)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
      let isStopped = false
      const stopped = partitionLogs.stop().then(() => (isStopped = true))
      await rig.host.advance(10)
      expect(isStopped).to.equal(false)
      opened()
      expect(await asked).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
      await rig.host.settle(stopped)
      expect(rig.names).to.deep.equal([])
    })

    it('its topic may be made again: the old log is deleted before the new one is created', async () => {
      const { rig, topic, metadata, opened, logs } = await opening()
      const ofOld = rig.outcome('t', 0)
      metadata.deleteTopic(topic)
      const again = metadata.addTopic('t')
      const ofNew = rig.partition('t')
      opened()
      expect(await ofOld).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
      const partition = await ofNew
      expect(partition.topicId).to.equal(again.id)
      expect(logs.logs.get('t-0')).to.include({ topicId: again.id, log: partition.log })
      expect(rig.registry.leaderFor('t', 0)).to.equal(partition)
    })

    it('another broker may become the leader', async () => {
      const { rig, change, opened } = await opening()
      const asked = rig.outcome('t', 0)
      change({ leader: 2, leaderEpoch: 1 })
      opened()
      expect(await asked).to.equal('NOT_LEADER_OR_FOLLOWER')
      expect(rig.registry.leaderFor('t', 0)).to.include({ error: 'NOT_LEADER_OR_FOLLOWER' })
    })

    it('its replica may move to another broker', async () => {
      const { rig, change, opened } = await opening()
      const asked = rig.outcome('t', 0)
      change({ leader: 2, leaderEpoch: 1, replicas: [2] })
      opened()
      expect(await asked).to.equal('NOT_LEADER_OR_FOLLOWER')
      await rig.host.advance(0)
      expect(rig.logs.logOf('t', 0)?.latestEpoch).to.equal(undefined)
      change({ replicas: [1, 2], leader: 2 })
      expect(rig.registry.replicaFor('t', 0), 'not opened before').to.be.instanceOf(Promise)
    })

    it('its leader epoch may change', async () => {
      const { rig, change, opened } = await opening()
      const asked = rig.partition('t')
      change({ leaderEpoch: 7 })
      opened()
      expect((await asked).log.latestEpoch).to.equal(7)
    })

    it('its directory may fail', async () => {
      const { rig, logs, opened } = await opening()
      const asked = rig.outcome('t', 0)
      logs.offline.add('t-0')
      opened()
      expect(await asked).to.equal('KAFKA_STORAGE_ERROR')
    })

    it('the disk may refuse, and the next use tries again', async () => {
      const { rig, logs, opened } = await opening()
      logs.failure = Object.assign(new Error('EIO: broken'), { code: 'EIO' })
      const asked = rig.outcome('t', 0)
      opened()
      expect(await asked).to.equal('KAFKA_STORAGE_ERROR')
      logs.failure = undefined
      expect(await rig.outcome('t', 0)).to.equal('led')
      expect(rig.errors).to.deep.equal(['t-0 cannot be opened: EIO: broken'])
    })

    it('the registry may be stopped: no partition is left behind', async () => {
      const { rig, opened, logs } = await opening()
      const asked = rig.outcome('t', 0)
      rig.registry.stop()
      opened()
      expect(await asked).to.not.equal('led')
      expect(logs.logOf('t', 0)?.latestEpoch).to.equal(undefined)
    })
  })

  it('is told of new settings once they are in force for it, also if it came late', async () => {
    const rig = await new Rig().start()
    let retentionMs: string | undefined
    rig.metadata.addTopic('t')
    const told: (string | undefined)[] = []
    const settingsChanged = (topic: string) => told.push(topic, retentionMs)
    rig.partitionLogs.addUser({ topicDeleted() {}, topicChanged() {}, settingsChanged })
    rig.metadata.onChange(({ configs }) => {
      retentionMs = [...configs.values()][0]?.get('retention.ms')
    })
    rig.metadata.setConfig('t', 'retention.ms', '5000')
    await rig.host.advance(0)
    expect(told).to.deep.equal(['t', '5000'])
  })

  it('is told of a deletion before the logs are deleted, and of a change after they are created', async () => {
    const rig = await new Rig().start()
    const told: string[] = []
    const tell = (what: string) => () => void told.push(`${what}: ${rig.names.join()}`)
    const leave = rig.partitionLogs.addUser({
      topicDeleted: tell('deleted'),
      topicChanged: tell('changed'),
      settingsChanged: tell('settings'),
    })
    rig.metadata.deleteTopic(rig.metadata.addTopic('t'))
    expect(told).to.deep.equal(['changed: t-0', 'deleted: t-0'])
    leave()
    rig.metadata.addTopic('u')
    expect(told).to.have.length(2)
  })

  it('keeps other users of the logs, and the logs, up to date if one fails', async () => {
    const rig = new Rig()
    const fail = () => {
      throw new Error('broken')
    }
    rig.partitionLogs.addUser({ topicDeleted: fail, topicChanged: fail, settingsChanged: fail })
    await rig.start()
    const topic = rig.metadata.addTopic('t')
    const partition = await rig.partition('t')
    rig.metadata.putTopic({ ...topic, partitions: [{ ...topic.partitions[0]!, leaderEpoch: 3 }] })
    expect(partition.leaderEpoch).to.equal(3)
    rig.metadata.deleteTopic(topic)
    expect(await rig.outcome('t', 0)).to.equal('UNKNOWN_TOPIC_OR_PARTITION')
    expect(rig.names).to.deep.equal([])
    expect(rig.errors).to.deep.equal(Array(3).fill('a change of topic t could not be applied'))
  })

  it('retires its partitions when it stops, and follows no more changes; the logs stay for other brokers', async () => {
    const rig = await new Rig().start()
    const topic = rig.metadata.addTopic('t')
    const partition = await rig.partition('t')
    rig.registry.stop()
    expect(await rig.outcome('t', 0)).to.equal('NOT_LEADER_OR_FOLLOWER')
    const append = { origin: 'client', acks: 1, leaderEpoch: 0, nowMs: 0 } as const
    expect(await partition.append(batchOf(['v']), append)).to.include({ error: 'NOT_LEADER_OR_FOLLOWER' })
    rig.metadata.putTopic({ ...topic, partitions: [{ ...topic.partitions[0]!, leaderEpoch: 3 }] })
    expect(partition.leaderEpoch).to.equal(0)
    expect(rig.names).to.deep.equal(['t-0'])
  })
})
