import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { invariant } from '../../protocol/invariant.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { TurnSlices } from '../../storage/host/turn-slices.ts'
import { newTopic, StoreOnMemory } from './metadata-store.fixture.ts'
import type { MetadataChange } from './metadata-store.ts'

/** True for a segment started after a snapshot. */
const isLaterSegment = (name: string) => name.endsWith('.log') && !/^0+\.log$/.test(name)
const segment = '/data/__cluster_metadata-0/00000000000000000000.log'

describe('LogBackedMetadataStore', () => {
  it('a created topic exists when the answer is sent, and after the next start', async () => {
    const first = await StoreOnMemory.start()
    const [created] = await first.create(newTopic('a.b', { partitionCount: 3, configs: new Map([['flush.ms', '5']]) }))
    if (created === undefined || isRejection(created)) throw new Error('refused')
    expect(created.replicationFactor).to.equal(1)
    expect(first.store.image.topicsByName.get('a.b')).to.deep.equal(created.topic)
    expect(first.configs.topic('a.b').flushMs).to.equal(5)
    await first.host.settle(first.store.stop())

    const second = await StoreOnMemory.start(first.host)
    expect(second.store.image.topicsByName.get('a.b')).to.deep.equal(created.topic)
    expect(second.store.image.topicsById.get(created.topic.id)).to.deep.equal(created.topic)
    expect(second.configs.topic('a.b').flushMs).to.equal(5)
    expect(second.store.image.controllerEpoch).to.equal(first.store.image.controllerEpoch + 1)
    expect(second.store.image.brokers.get(1)).to.include({ fenced: false, epoch: second.store.image.endOffset - 1 })
  })

  it('a first start whose first change was not whole is one again', async () => {
    const first = await StoreOnMemory.start()
    const { features, configs } = first.store.image
    expect(features).to.not.be.empty
    await first.host.settle(first.store.stop())
    const { files } = first.host
    const [election, bootstrap] = batchesOf(files.readWhole(segment)!).batches
    files.open(segment, 'r+').truncate(election!.sizeBytes + bootstrap!.sizeBytes - 1)
    const { image } = (await StoreOnMemory.start(first.host)).store
    expect([image.features, image.configs]).to.deep.equal([features, configs])
  })

  it('a deleted topic and its settings are gone when the answer is sent; a new one of its name has another id', async () => {
    const { host, store, change, configs, create } = await withTopic()
    const before = store.image.topicsByName.get('t')
    await host.settle(store.deleteTopics([before?.id as string], change))
    expect(store.image.topicsByName.size).to.equal(0)
    expect(store.image.topicsById.size).to.equal(0)
    expect(configs.topic('t').flushMs).to.not.equal(5)
    await create(newTopic('t'))
    expect(store.image.topicsByName.get('t')?.id).to.not.equal(before?.id)
  })

  it('listeners are called in order, before a change is answered', async () => {
    const { store, host, change } = await StoreOnMemory.start()
    const heard: string[] = []
    store.onChange((image, { topicsChanged }: MetadataChange) =>
      heard.push(`${topicsChanged.map((topic) => topic.name)} of ${image.topicsByName.size}`),
    )
    const answers = ['x', 'y'].map(async (name) => {
      await store.createTopics([newTopic(name)], change)
      heard.push(`answered ${name}`)
    })
    await host.settle(Promise.all(answers))
    expect(heard).to.deep.equal(['x of 1', 'y of 2', 'answered x', 'answered y'])
  })

  it('two requests of one turn cannot both create a topic', async () => {
    const { store, host, change } = await StoreOnMemory.start()
    const [first, second] = await host.settle(
      Promise.all([store.createTopics([newTopic('t')], change), store.createTopics([newTopic('t')], change)]),
    )
    expect(isRejection(first?.[0])).to.equal(false)
    expect(second?.[0]).to.include({ error: 'TOPIC_ALREADY_EXISTS' })
  })

  const many = (count: number) => Array.from({ length: count }, (_, index) => newTopic(`topic-${index}`))

  it('a change decided over several turns is atomic, and blocks later ones', async () => {
    const { store, host, change } = await StoreOnMemory.start()
    const sizes = new Set<number>()
    store.onChange(({ topicsByName }) => sizes.add(topicsByName.size))
    const large = store.createTopics(many(2000), change)
    const small = store.createTopics([newTopic('topic-1999')], change)
    const id = store.allocateProducerIds(1000, 0)
    const [made, [refused]] = await host.settle(Promise.all([large, small, id]))
    expect(made.some(isRejection)).to.equal(false)
    expect(refused).to.include({ error: 'TOPIC_ALREADY_EXISTS' })
    expect([...sizes]).to.deep.equal([2000])
    expect(store.image.nextProducerId).to.equal(1000)
  })

  it('a change whose client disconnects before the decision has no effect', async () => {
    const { store, host, change } = await StoreOnMemory.start()
    const slices = new TurnSlices(host)
    const leaves = { next: () => slices.next()?.then(() => Promise.reject(new Error('left'))) }
    const left = store.createTopics(many(2000), { ...change, slices: leaves }).catch((error: Error) => error.message)
    const other = store.createTopics([newTopic('other')], change)
    expect(await host.settle(Promise.all([left, other.then(() => 'made')]))).to.deep.equal(['left', 'made'])
    expect([...store.image.topicsByName.keys()]).to.deep.equal(['other'])
  })

  it('a write that fails during a decision makes it decide again', async () => {
    const { store, host, change } = await StoreOnMemory.start()
    host.files.rates = { ...host.files.rates, writeError: 1 }
    const lost = store.createTopics([newTopic('topic-7')], change)
    let steps = 0
    const pause = () => new Promise<void>((resolve) => host.timers.after(10, resolve))
    const slow = { next: () => (++steps % 1000 === 0 ? pause() : undefined) }
    const large = store.createTopics(many(2000), { ...change, slices: slow })
    await host.settle(lost)
    expect(steps).to.be.lessThan(2000)
    host.files.rates = { ...host.files.rates, writeError: 0 }
    expect((await host.settle(large)).some(isRejection)).to.equal(false)
    expect(store.image.topicsByName.size).to.equal(2000)
  })

  it('a change of more than 10,000 records is refused, as in Kafka', async () => {
    const { store, host, change } = await StoreOnMemory.start()
    const refused = await host.settle(store.createTopics(many(5001), change))
    expect(new Set(refused.map((each) => isRejection(each) && each.message))).to.deep.equal(
      new Set(['Unable to perform excessively large batch operation.']),
    )
    const [wide] = await host.settle(store.createTopics([newTopic('wide', { partitionCount: 10_000 })], change))
    expect(wide).to.include({ error: 'POLICY_VIOLATION' })
    expect(store.image.topicsByName.size).to.equal(0)
  })

  it('validateOnly changes nothing', async () => {
    const opened = await StoreOnMemory.start()
    const { store } = opened
    const [answer] = await opened.create(newTopic('t', { validateOnly: true }))
    expect(isRejection(answer)).to.equal(false)
    expect(store.image.topicsByName.size).to.equal(0)
  })

  it('a failed write is discarded, and the next one works', async () => {
    const opened = await StoreOnMemory.start()
    const { host, store } = opened
    const { endOffset } = store.image
    host.files.rates = { ...host.files.rates, writeError: 1 }
    expect((await opened.create(newTopic('lost')))[0]).to.include({ error: 'KAFKA_STORAGE_ERROR' })
    expect(store.image.topicsByName.has('lost')).to.equal(false)
    host.files.rates = { ...host.files.rates, writeError: 0 }
    await opened.create(newTopic('kept'))
    await host.settle(store.stop())
    const again = await StoreOnMemory.start(host)
    expect([...again.store.image.topicsByName.keys()]).to.deep.equal(['kept'])
    expect(again.store.image.endOffset).to.be.greaterThan(endOffset)
  })

  it('kraft.version 1 puts the voter into the log, where later starts and snapshots have it', async () => {
    const small = { 'metadata.log.max.record.bytes.between.snapshots': '20000' }
    const first = await StoreOnMemory.start(undefined, small)
    const { host, change } = first
    const quorumOf = ({ store }: StoreOnMemory) => [store.kraftVersion, store.voterDirectoryId]
    const levels = new Map([['kraft.version', 1]])
    host.files.rates = { ...host.files.rates, writeError: 1 }
    expect(await host.settle(first.store.setFeatures(levels, change).catch(() => 'not written'))).to.equal(
      'not written',
    )
    host.files.rates = { ...host.files.rates, writeError: 0 }
    await first.create(newTopic('t'))
    expect(quorumOf(first)).to.deep.equal([0, ZERO_UUID])
    await host.settle(first.store.setFeatures(levels, change))
    expect(quorumOf(first)).to.deep.equal([1, 'directoryOneAAAAAAAAAA'])
    await host.settle(first.store.stop())
    const second = await StoreOnMemory.start(host, small)
    expect(quorumOf(second)).to.deep.equal([1, 'directoryOneAAAAAAAAAA'])
    expect(second.store.image.features.has('kraft.version')).to.equal(false)
    for (let i = 0; i < 40; i++) await second.create(newTopic(`t${i}`, { partitionCount: 10 }))
    await host.settle(second.store.stop())
    expect(host.files.list('/data/__cluster_metadata-0').join()).to.contain('.checkpoint')
    expect(quorumOf(await StoreOnMemory.start(host, small))).to.deep.equal([1, 'directoryOneAAAAAAAAAA'])
  })

  it('a listener that throws stops neither other listeners nor later changes', async () => {
    const opened = await StoreOnMemory.start()
    const heard: string[] = []
    opened.store.onChange(() => {
      throw new Error('a bug')
    })
    opened.store.onChange((_, { topicsChanged }) => heard.push(...topicsChanged.map(({ name }) => name)))
    for (const name of ['first', 'second']) {
      expect(isRejection((await opened.create(newTopic(name)))[0])).to.equal(false)
    }
    expect(heard).to.deep.equal(['first', 'second'])
    expect(opened.host.fatalReason).to.equal(undefined)
  })

  it('a listener that breaks an invariant ends the process', async () => {
    const opened = await StoreOnMemory.start()
    opened.store.onChange(() => invariant(false, 'broken'))
    const created = opened.store.createTopics([newTopic('t')], opened.change)
    await opened.host.advance(100)
    expect(opened.host.fatalReason?.message).to.equal('broken')
    created.catch(() => 'never answered')
  })

  it('an incomplete end of the log is cut, complete changes before it stay', async () => {
    const { host, store, create } = await withTopic()
    const whole = host.files.stat(segment)?.size as number
    await create(newTopic('torn'))
    const torn = (host.files.stat(segment)?.size as number) - 3
    await host.settle(store.stop())
    host.files.open(segment, 'r+').truncate(torn)
    const again = await StoreOnMemory.start(host)
    expect([...again.store.image.topicsByName.keys()]).to.deep.equal(['t'])
    expect(host.files.stat(segment)?.size).to.be.greaterThan(whole)
  })

  describe('a batch whose base offset is wrong, which its checksum does not cover', () => {
    /** Flips a bit of the base offset of the batch at the position. */
    function flip(host: SimulatedHost, position: number): void {
      const handle = host.files.open(segment, 'r+')
      const byte = Buffer.alloc(1)
      handle.readSync(byte, position + 3)
      handle.writeSync([Buffer.of(byte[0]! ^ 2)], position + 3)
      handle.close()
    }

    it('is cut off at the end of the log: a power loss may have flipped bits', async () => {
      const { host, ends } = await stoppedAfter('last')
      flip(host, ends[0]!)
      host.files.open(segment, 'r+').truncate(ends[1]!)
      expect(await topicsAfterStart(host)).to.deep.equal(['t'])
    })

    it('is cut off with those behind it, if they go on where it should end', async () => {
      const { host, ends } = await stoppedAfter('wrong', 'last')
      flip(host, ends[0]!)
      expect(await topicsAfterStart(host)).to.deep.equal(['t'])
    })

    it('ends the start if those behind it follow it: changes before it are missing', async () => {
      const { host, ends } = await stoppedAfter('missing', 'next', 'last')
      const handle = host.files.open(segment, 'r+')
      const rest = Buffer.alloc(handle.size() - ends[1]!)
      handle.readSync(rest, ends[1]!)
      handle.writeSync([rest], ends[0]!)
      handle.truncate(ends[0]! + rest.length)
      handle.close()
      const failure = await topicsAfterStart(host).catch((error: Error) => error.message)
      expect(failure).to.match(/offset \d+ at position \d+, where \d+ is to be/)
    })

    /** ends: where the log ended before each of the topics was made, and after the last. */
    async function stoppedAfter(...topics: string[]) {
      const { host, store, create } = await withTopic()
      const endNow = () => host.files.stat(segment)!.size
      const ends = [endNow()]
      for (const topic of topics) {
        await create(newTopic(topic))
        ends.push(endNow())
      }
      await host.settle(store.stop())
      return { host, ends }
    }

    async function topicsAfterStart(host: SimulatedHost): Promise<string[]> {
      const { store } = await StoreOnMemory.start(host)
      return [...store.image.topicsByName.keys()]
    }
  })

  it('a snapshot replaces the log when it has grown, and has all of it', async () => {
    const small = { 'metadata.log.max.record.bytes.between.snapshots': '20000' }
    const first = await StoreOnMemory.start(undefined, small)
    for (let i = 0; i < 40; i++) await first.create(newTopic(`t${i}`, { partitionCount: 10 }))
    await first.host.settle(first.store.allocateProducerIds(1000, 0))
    await first.host.settle(first.store.stop())
    const files = first.host.files.list('/data/__cluster_metadata-0')
    expect(files.filter((name) => name.endsWith('.checkpoint'))).to.have.length(1)
    expect(files.filter((name) => name.endsWith('.log'))).to.have.length(1)
    const second = await StoreOnMemory.start(first.host, small)
    const state = ({ store: { image } }: StoreOnMemory) => ({
      topics: [...image.topicsByName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
      configs: [...image.configs],
      features: [...image.features],
      nextProducerId: image.nextProducerId,
    })
    expect(state(second)).to.deep.equal(state(first))
  })

  for (const operation of ['open', 'syncDirectory'] as const) {
    it(`a snapshot in which ${operation} fails loses nothing that is written later`, async () => {
      const small = { 'metadata.log.max.record.bytes.between.snapshots': '100' }
      const { host, store, create } = await StoreOnMemory.start(undefined, small).then((opened) => ({
        host: opened.host,
        store: opened.store,
        create: opened.create.bind(opened),
      }))
      const working = host.files[operation]
      const failing = (path: string, ...rest: never[]) => {
        // Only the new segment fails, not the snapshot itself.
        if (operation === 'open' ? !path.endsWith('.log') : !host.files.list(path).some(isLaterSegment))
          return (working as (...all: unknown[]) => unknown).call(host.files, path, ...rest)
        throw Object.assign(new Error('EIO'), { code: 'EIO' })
      }
      host.files[operation] = failing as never
      const during = await create(newTopic('during'))
      host.files[operation] = working as never
      const after = await create(newTopic('after'))
      expect(after.every((each) => !isRejection(each))).to.equal(true)
      await host.settle(store.stop())
      const again = await StoreOnMemory.start(host)
      const names = [...(during.some(isRejection) ? [] : ['during']), 'after']
      expect([...again.store.image.topicsByName.keys()]).to.deep.equal(names)
    })
  }

  it('changes made while a snapshot is written are kept, whenever the process ends', async () => {
    const small = { 'metadata.log.max.record.bytes.between.snapshots': '100' }
    for (let events = 0; events < 24; events += 2) {
      const { host, store, change, create } = await StoreOnMemory.start(undefined, small).then((opened) => ({
        host: opened.host,
        store: opened.store,
        change: opened.change,
        create: opened.create.bind(opened),
      }))
      await create(newTopic('before', { partitionCount: 2000 }))
      const answered: string[] = []
      for (let i = 0; i < 6; i++)
        void store.createTopics([newTopic(`during-${i}`)], change).then(() => answered.push(`during-${i}`))
      let left = events
      host.onTurn = () => {
        if (left-- === 0) host.crash()
      }
      await host.advance(50)
      host.onTurn = undefined
      const again = await StoreOnMemory.start(host, small)
      expect([...again.store.image.topicsByName.keys()]).to.include.members(['before', ...answered])
      expect(again.store.image.topicsByName.get('before')?.partitions).to.have.length(2000)
    }
  })

  it('producer ids are given out once, also over a restart', async () => {
    const first = await StoreOnMemory.start()
    const blocks = await first.host.settle(
      Promise.all([first.store.allocateProducerIds(1000, 0), first.store.allocateProducerIds(1000, 0)]),
    )
    await first.host.settle(first.store.stop())
    const second = await StoreOnMemory.start(first.host)
    expect([...blocks, await second.host.settle(second.store.allocateProducerIds(1000, 0))]).to.deep.equal([
      0, 1000, 2000,
    ])
  })

  it('after an unclean stop every partition gets its next leader epoch', async () => {
    const { host, store } = await withTopic()
    await host.settle(store.startLeaderEpochs(new Set([1]), 0))
    expect(store.image.topicsByName.get('t')?.partitions[0]).to.include({
      leader: 1,
      leaderEpoch: 1,
      partitionEpoch: 1,
    })
  })
})

async function withTopic() {
  const opened = await StoreOnMemory.start()
  await opened.create(newTopic('t', { configs: new Map([['flush.ms', '5']]) }))
  const { host, store, configs, change } = opened
  return { host, store, configs, change, create: opened.create.bind(opened) }
}
