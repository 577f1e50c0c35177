import { expect } from 'chai'
import { batchesOf } from '../protocol/records/record-batch.ts'
import { parseEpochs } from '../storage/checkpoint-files.ts'
import { type PathEffect, within } from '../storage/host/faulty-files.ts'
import { StartError } from './config/start-error.ts'
import { BROKER, RunningBroker, TOPIC } from './running-broker.fixture.ts'

const both = { 'log.dirs': '/a,/b' }
const TOPICS = ['one', 'two', 'three', 'four']
const TEN_DAYS_MS = 10 * 86_400_000
/** Lets checkpoints and retention run; the idle connection stays open. */
const FIVE_MINUTES_MS = 300_000

/** A stopped broker with topics in two data directories. */
async function stopped(properties: Record<string, string> = both): Promise<RunningBroker> {
  const broker = await new RunningBroker().start(properties)
  for (const topic of TOPICS) {
    await broker.create(topic)
    await broker.produce(topic, 'key', topic)
  }
  await broker.stop()
  broker.complaints.length = 0
  return broker
}

const topicsIn = (broker: RunningBroker, directory: string) =>
  TOPICS.filter((topic) => broker.host.files.exists(`${directory}/${topic}-0`))

const directoryId = (broker: RunningBroker, directory: string) =>
  /directory\.id=(\S+)/.exec(String(broker.host.files.readWhole(`${directory}/meta.properties`)))?.[1]

/** The message of a refused start, which must be one line. */
async function refusal(broker: RunningBroker, properties: Record<string, string>): Promise<string> {
  try {
    await broker.start(properties)
  } catch (error) {
    expect(error).to.be.instanceOf(StartError)
    expect((error as Error).message).to.not.include('\n')
    return (error as Error).message
  }
  throw new Error(`it started: ${broker.complaints.join('\n')}`)
}

describe('several data directories', () => {
  it('one that is not mounted makes the start fail, and nothing is written in its place', async () => {
    const broker = await stopped()
    const { files } = broker.host
    const there = topicsIn(broker, '/b')
    expect([there.length, topicsIn(broker, '/a').length]).to.deep.equal([2, 2])
    const id = directoryId(broker, '/b')
    files.rename('/b', '/away')
    expect(await refusal(broker, both)).to.equal(
      `${there.map((name) => `${name}-0`).join(', ')} are in a missing data directory, with directory.id=${id} in its meta.properties: ` +
        '/b is empty: mount its disk, or add the directory to log.dirs; if it is lost for good, ' +
        'start once with unclean.leader.election.enable=true, and these partitions start empty',
    )
    expect(files.list('/b').filter((name) => name !== '.lock')).to.deep.equal([])
    files.remove('/b')
    files.rename('/away', '/b')
    await broker.start(both)
    expect(broker.complaints).to.deep.equal([])
    for (const topic of TOPICS) expect(await broker.endOffset(topic)).to.equal(1)
  })

  it('one removed from log.dirs while it has partitions makes the start fail', async () => {
    const broker = await stopped()
    expect(await refusal(broker, { 'log.dirs': '/a' })).to.match(
      /are in a missing data directory.*: add the directory to log.dirs, which has \/a with directory.id=\S{22}; if it is lost/,
    )
    await broker.start({ 'log.dirs': '/b,/a', 'metadata.log.dir': '/a' })
    expect(broker.complaints).to.deep.equal([])
  })

  it('a lost one is given up if unclean elections are allowed; if it comes back, its partitions exist twice', async () => {
    const broker = await stopped()
    const lost = topicsIn(broker, '/b')
    await broker.start({ 'log.dirs': '/a', 'unclean.leader.election.enable': 'true' })
    expect(broker.complaints).to.have.length(lost.length)
    for (const topic of TOPICS) {
      const isLost = lost.includes(topic)
      expect(await broker.endOffset(topic)).to.equal(isLost ? 0 : 1)
      const line = `${topic}-0 had no files in any data directory and starts empty`
      expect(broker.complaints.some((each) => each.includes(line))).to.equal(isLost)
    }
    await broker.stop()
    expect(await refusal(broker, both)).to.match(
      /^(\w+-0) is in two data directories, \/a\/\1 and \/b\/\1, but only one of them can be served: move the older copy away/,
    )
  })

  it('those of Kafka, whose cleaner checkpoint is empty before compaction, are accepted without a log line', async () => {
    const broker = await stopped()
    for (const directory of ['/a', '/b']) broker.host.files.replaceWhole(`${directory}/cleaner-offset-checkpoint`, '')
    await broker.start(both)
    expect(broker.complaints).to.deep.equal([])
  })

  it('one that is new on purpose is accepted without a log line', async () => {
    const broker = await stopped({ 'log.dirs': '/a' })
    await broker.start({ 'log.dirs': '/a,/new' })
    expect(await broker.create('later')).to.equal('NONE')
    expect(broker.complaints).to.deep.equal([])
    expect(broker.host.files.exists('/new/later-0')).to.equal(true)
    // The metadata has the new partition's directory.
    await broker.stop()
    expect(await refusal(broker, { 'log.dirs': '/a' })).to.match(/^later-0 is in a missing data directory/)
  })

  it('a partition moved to another one is found there, and the metadata is updated', async () => {
    const broker = await stopped()
    for (const topic of topicsIn(broker, '/b')) broker.host.files.rename(`/b/${topic}-0`, `/a/${topic}-0`)
    await broker.start(both)
    for (const topic of TOPICS) expect(await broker.endOffset(topic)).to.equal(1)
    await broker.stop()
    await broker.start({ 'log.dirs': '/a' })
    expect(broker.complaints).to.deep.equal([])
  })

  it('one that comes back in the place of another is served, and a log line says that its records may be old', async () => {
    const broker = await stopped()
    const [first, ...others] = topicsIn(broker, '/b')
    const id = directoryId(broker, '/b')
    const properties = String(broker.host.files.readWhole('/b/meta.properties'))
    broker.host.files.replaceWhole('/b/meta.properties', properties.replace(/directory\.id=.*\n/, ''))
    await broker.start(both)
    expect(broker.complaints).to.deep.equal([
      `${[first, ...others].map((name) => `${name}-0`).join(', ')} were moved from a data directory that is missing, with ` +
        `directory.id=${id}: if the copy found is an old one, newer records are lost`,
    ])
    expect(await broker.endOffset(first!)).to.equal(1)
    await broker.stop()
    broker.complaints.length = 0
    await broker.start(both)
    expect(broker.complaints).to.deep.equal([])
  })

  it('the metadata directory may not be empty, nor another one than before', async () => {
    const broker = await stopped()
    broker.host.files.rename('/a', '/away')
    expect(await refusal(broker, both)).to.match(
      /^the metadata directory \/a is empty, but \/b contains data: mount the disk/,
    )
    broker.host.files.remove('/a')
    broker.host.files.rename('/away', '/a')
    expect(await refusal(broker, { 'log.dirs': '/b,/a' })).to.equal(
      '/a/__cluster_metadata-0 is not in the metadata directory /b: set metadata.log.dir=/a, or move it ' +
        "away if it is not this cluster's",
    )
    expect(await refusal(broker, { 'log.dirs': '/a,/b,/a/' })).to.equal(
      'log.dirs contains /a more than once: list each directory once',
    )
  })
})

describe('one of several data directories that fails at the start', () => {
  /** Path at which the disk fails, and how. */
  const faults: readonly [string, PathEffect][] = [
    ['/b', 'dead'],
    ['/b', 'read-only'],
    ['/b', 'unreadable'],
    ['/b/.lock', 'dead'],
    ['/b/meta.properties', 'dead'],
    ['/b/recovery-point-offset-checkpoint', 'dead'],
    ['/b/log-start-offset-checkpoint', 'unreadable'],
  ]

  for (const [path, effect] of faults) {
    it(`stays untouched, and the others are served: ${path} is ${effect}`, async () => {
      const broker = await stopped()
      const hidden = topicsIn(broker, '/b')
      broker.host.files.pathFaults = [{ concerns: within(path), effect }]
      await broker.start(both)
      expect(broker.complaints).to.have.length(2)
      expect(broker.complaints[0]).to.match(
        /^the data directory \/b cannot be used: E(IO|ROFS).*; requests for its partitions get KAFKA_STORAGE_ERROR until the next start, .*; repair its disk/,
      )
      expect(broker.complaints[1]).to.equal(
        `partitions of ${hidden.join(', ')} are in no readable data directory: requests for them get KAFKA_STORAGE_ERROR until the next start`,
      )
      broker.complaints.length = 0
      for (const topic of TOPICS) {
        const isHidden = hidden.includes(topic)
        expect(await broker.endOffset(topic), topic).to.equal(isHidden ? 'KAFKA_STORAGE_ERROR' : 1)
        expect(await broker.produce(topic, 'key', 'more'), topic).to.equal(isHidden ? 'KAFKA_STORAGE_ERROR' : -1)
      }
      expect(await broker.directoryErrors()).to.deep.equal({ '/a': 'NONE', '/b': 'KAFKA_STORAGE_ERROR' })
      for (const topic of ['five', 'six']) expect(await broker.create(topic)).to.equal('NONE')
      for (const topic of ['five', 'six']) expect(broker.host.files.exists(`/a/${topic}-0`)).to.equal(true)
      // Even a recovered disk stays unused until the next start.
      broker.host.files.pathFaults = []
      await broker.passes(FIVE_MINUTES_MS)
      for (const topic of hidden) expect(await broker.endOffset(topic)).to.equal('KAFKA_STORAGE_ERROR')
      await broker.stop()
      expect(broker.complaints).to.deep.equal([])
      await broker.start(both)
      for (const topic of TOPICS) expect(await broker.endOffset(topic)).to.equal(hidden.includes(topic) ? 1 : 2)
      expect(broker.complaints).to.deep.equal([])
      await broker.stop()
    })
  }

  it('stays untouched after a crash, too, without a clean shutdown marker', async () => {
    const broker = await new RunningBroker().start(both)
    for (const topic of TOPICS) await broker.create(topic)
    for (const topic of TOPICS) await broker.produce(topic, 'key', topic)
    broker.host.crash()
    const hidden = topicsIn(broker, '/b')
    broker.host.files.pathFaults = [{ concerns: within('/b'), effect: 'read-only' }]
    await broker.start(both)
    for (const topic of TOPICS)
      expect(await broker.endOffset(topic)).to.equal(hidden.includes(topic) ? 'KAFKA_STORAGE_ERROR' : 1)
    await broker.stop()
    const isMarked = (directory: string) => broker.host.files.exists(`${directory}/.kafka_cleanshutdown`)
    expect([isMarked('/a'), isMarked('/b')]).to.deep.equal([true, false])
    broker.host.files.pathFaults = []
    await broker.start(both)
    for (const topic of TOPICS) expect(await broker.endOffset(topic)).to.equal(1)
  })

  it('gives none of its records to a new topic with the name of a deleted one', async () => {
    const broker = await stopped()
    const [first, second] = topicsIn(broker, '/b') as [string, string]
    broker.host.files.pathFaults = [{ concerns: within('/b'), effect: 'dead' }]
    await broker.start(both)
    for (const topic of [first, second]) expect(await broker.delete(topic)).to.equal('NONE')
    expect(await broker.create(first)).to.equal('NONE')
    expect(await broker.produce(first, 'key', 'new')).to.equal(-1)
    await broker.stop()
    broker.host.files.pathFaults = []
    broker.complaints.length = 0
    await broker.start(both)
    expect(broker.complaints).to.have.length(2)
    expect(broker.complaints[0]).to.match(
      new RegExp(`^/b/${first}-0 is of another topic ${first}, with the id .* instead of .*: it is set aside as /b/`),
    )
    expect(broker.complaints[1]).to.match(new RegExp(`^/b/${second}-0 is a partition .* it is set aside`))
    expect(await broker.endOffset(first)).to.equal(1)
  })

  it('does not replace a newer topic in a directory that is missing when it is back', async () => {
    const all = { 'log.dirs': '/a,/b,/c' }
    const broker = await stopped(all)
    const [topic] = topicsIn(broker, '/c') as [string]
    broker.host.files.pathFaults = [{ concerns: within('/c'), effect: 'dead' }]
    await broker.start(all)
    expect(await broker.delete(topic)).to.equal('NONE')
    // The emptier of the two directories gets it.
    for (const name of topicsIn(broker, '/a')) await broker.delete(name)
    for (const name of ['x', 'y', topic]) await broker.create(name)
    const home = broker.host.files.exists(`/a/${topic}-0`) ? '/a' : '/b'
    await broker.stop()
    broker.host.files.pathFaults = []
    broker.complaints.length = 0
    const rest = { 'log.dirs': `/c,${home === '/a' ? '/b' : '/a'}`, 'metadata.log.dir': '/a' }
    expect(await refusal(broker, rest)).to.match(new RegExp(`${topic}-0.* in a missing data directory`))
    expect(broker.complaints).to.have.length(1)
    expect(broker.complaints[0]).to.match(new RegExp(`^/c/${topic}-0 is of another topic ${topic}`))
  })

  it('makes the start fail with one line if it is the metadata directory or the last one', async () => {
    const broker = await stopped()
    for (const effect of ['dead', 'read-only', 'unreadable'] as const) {
      broker.host.files.pathFaults = [{ concerns: within('/a'), effect }]
      expect(await refusal(broker, both)).to.match(/^the metadata directory \/a cannot be used: E/)
    }
    const apart = await stopped({ ...both, 'metadata.log.dir': '/m' })
    apart.host.files.pathFaults = [{ concerns: (path) => /^\/[ab]/.test(path), effect: 'dead' }]
    expect(await refusal(apart, { ...both, 'metadata.log.dir': '/m' })).to.match(
      /^none of the data directories \/a, \/b can be used, \/a fails with EIO/,
    )
  })

  it('makes the start fail if topics would have to be adopted from it', async () => {
    const broker = await stopped()
    const [first] = topicsIn(broker, '/b')
    broker.host.files.remove('/a/__cluster_metadata-0')
    for (const [path, effect] of [
      ['/b', 'dead'],
      [`/b/${first}-0`, 'dead'],
      [`/b/${first}-0/partition.metadata`, 'unreadable'],
    ] as const) {
      broker.host.files.pathFaults = [{ concerns: within(path), effect }]
      expect(await refusal(broker, both), path).to.match(
        /^there is no metadata log, so topics .*, and not all of them can be read: EIO.*: repair/,
      )
    }
  })
})

const firstSegment = '/data/__cluster_metadata-0/00000000000000000000.log'

describe('a data directory without its metadata log', () => {
  for (const [title, damage] of [
    ['removed', (broker: RunningBroker) => broker.host.files.remove('/data/__cluster_metadata-0')],
    [
      'emptied',
      ({ host: { files } }: RunningBroker) => {
        for (const name of files.list('/data/__cluster_metadata-0').filter((each) => each.endsWith('.log')))
          files.open(`/data/__cluster_metadata-0/${name}`, 'r+').truncate(0)
      },
    ],
    [
      'emptied, and a start after that ended before its first change was whole',
      ({ host: { files } }: RunningBroker) => {
        const first = batchesOf(files.readWhole(firstSegment)!).batches[0]!
        expect(first.isControl).to.equal(true)
        files.open(firstSegment, 'r+').truncate(first.sizeBytes)
      },
    ],
  ] as const) {
    it(`${title}: keeps every record, and logs each topic, until its settings are set`, async () => {
      const quick = { 'log.initial.task.delay.ms': '1000', 'log.retention.check.interval.ms': '1000' }
      const broker = await new RunningBroker().start(quick)
      await broker.create('registry', { 'cleanup.policy': 'compact' })
      for (const key of ['a', 'b', 'a']) await broker.produce('registry', key, key, TEN_DAYS_MS)
      await broker.stop()
      damage(broker)
      broker.complaints.length = 0

      await broker.start(quick)
      await broker.passes(60_000)
      expect(await broker.startOffset('registry')).to.equal(0)
      expect(broker.compacted).to.deep.equal([])
      expect(broker.complaints).to.have.length(2)
      expect(broker.complaints[0]).to.match(/^\/data\/__cluster_metadata-0 is missing or empty.*: 1 topic is adopted/)
      expect(broker.complaints[1])
        .to.include('adopted topic registry (1 partition)')
        .and.include(
          'kafka-configs.sh --bootstrap-server localhost:9092 --alter --entity-type topics --entity-name registry --add-config cleanup.policy=compact',
        )
      expect(await broker.setting(TOPIC, 'registry', 'cleanup.policy')).to.equal('')

      await broker.alter(TOPIC, 'registry', { 'cleanup.policy': 'delete' })
      await broker.passes(60_000)
      expect(await broker.startOffset('registry')).to.equal(3)
    })
  }

  it('broker settings still apply to topics created later', async () => {
    const broker = await stopped({})
    broker.host.files.remove('/data/__cluster_metadata-0')
    await broker.start()
    await broker.create('later')
    await broker.alter(BROKER, '', { 'log.retention.ms': '5000' })
    expect(await broker.setting(TOPIC, 'later', 'cleanup.policy')).to.equal('delete')
    expect(await broker.setting(TOPIC, 'later', 'retention.ms')).to.equal('5000')
    expect(broker.complaints.filter((line) => line.startsWith('adopted topic'))).to.have.length(TOPICS.length)
  })
})

describe('a damaged metadata log', () => {
  const log = firstSegment

  /** A broker with two topics. position: where the second topic begins in the metadata log. */
  async function twoTopics(): Promise<{ broker: RunningBroker; position: number }> {
    const broker = await new RunningBroker().start()
    await broker.create('one', { 'retention.ms': '-1' })
    const position = broker.host.files.stat(log)!.size
    await broker.create('two')
    await broker.produce('two', 'key', 'value')
    await broker.stop()
    broker.complaints.length = 0
    return { broker, position }
  }

  it('is cut at the damage; the line names what is lost, and logs without a topic are set aside', async () => {
    const { broker, position } = await twoTopics()
    const { files } = broker.host
    const handle = files.open(log, 'r+')
    const bytes = Buffer.alloc(1)
    handle.readSync(bytes, position - 1)
    handle.writeSync([Buffer.from([bytes[0]! ^ 1])], position - 1)
    const cutBytes = handle.size() - position
    handle.close()
    await broker.start()
    const kept = files.list('/data/__cluster_metadata-0').find((name) => name.includes('.cut-at-'))
    expect(files.stat(`/data/__cluster_metadata-0/${kept}`)!.size).to.be.greaterThan(cutBytes)
    const [cut, ...others] = broker.complaints
    expect(cut).to.match(/^truncated \d+ bytes from the end of \/data\/__cluster_metadata-0\/0{20}.log at position \d+/)
    expect(cut).to.include('(a batch fails its checksum)').and.include('some about the topics two')
    expect(others.map((line) => line.split(' ', 1)[0])).to.deep.equal(['/data/one-0', '/data/two-0'])
    for (const line of others)
      expect(line).to.include('of a topic that is not in the metadata: it is set aside as /data/')
    // A new topic of the same name starts empty; the old one's records are kept.
    await broker.create('two')
    expect(await broker.endOffset('two')).to.equal(0)
    const stray = files.list('/data').find((name) => /^two-0\..*-stray$/.test(name))
    expect(files.stat(`/data/${stray}/00000000000000000000.log`)!.size).to.be.greaterThan(0)
  })

  it('whose end is missing without a trace is logged, since its broker had stopped cleanly', async () => {
    const { broker, position } = await twoTopics()
    broker.host.files.open(log, 'r+').truncate(position)
    await broker.start()
    expect(broker.complaints[0]).to.match(
      /^the log in \/data\/__cluster_metadata-0 ends before the stop of the broker, at offset \d+/,
    )
    expect(broker.complaints[1]).to.match(/^\/data\/two-0 is a partition with the topic id/)
  })

  it('damaged in a way that a crash cannot cause makes the start fail with one line', async () => {
    const { broker } = await twoTopics()
    broker.host.files.rename(log, log.replace('00.log', '07.log'))
    expect(await refusal(broker, {})).to.equal(
      'the metadata of the cluster cannot be read: /data/__cluster_metadata-0/00000000000000000007.log: the offsets 0 to 6 ' +
        'before it are missing; restore /data/__cluster_metadata-0 from a backup; without a backup move it away: topics are then ' +
        'adopted from their directories without their settings',
    )
  })

  it('unreadable quorum-state is written again', async () => {
    const { broker } = await twoTopics()
    broker.host.files.replaceWhole('/data/__cluster_metadata-0/quorum-state', '{"leaderEpoch":')
    await broker.start()
    expect(broker.complaints).to.deep.equal([
      'quorum-state in /data/__cluster_metadata-0 cannot be read: it is rebuilt from the log, which ends in epoch 1',
    ])
    expect(await broker.endOffset('two')).to.equal(1)
  })

  it('producer ids are not given out a second time', async () => {
    const { broker, position } = await twoTopics()
    await broker.start()
    const before = await broker.producerId()
    await broker.stop()
    broker.host.files.open(log, 'r+').truncate(position - 1)
    await broker.start()
    expect(await broker.producerId()).to.be.greaterThan(before + 1_000_000)
    await broker.create('adopted')
    await broker.stop()
    broker.host.files.remove('/data/__cluster_metadata-0')
    const later = await broker.start().then(() => broker.producerId())
    expect(later).to.be.greaterThan(before + 1_000_000)
  })
})

describe('a log of another topic of the same name', () => {
  for (const wasClean of [true, false]) {
    it(`keeps its records after ${wasClean ? 'a clean stop' : 'a crash'}, and is set aside on first use`, async () => {
      const quick = { 'log.initial.task.delay.ms': '1000', 'log.retention.check.interval.ms': '1000' }
      const broker = await new RunningBroker().start()
      await broker.create('t')
      await broker.produce('t', 'key', 'value', TEN_DAYS_MS)
      await broker.stop()
      const { files } = broker.host
      const other = 'B9tNdH1zRsmI8JTueZP1SA'
      files.replaceWhole('/data/t-0/partition.metadata', `version: 0\ntopic_id: ${other}`)
      if (!wasClean) files.remove('/data/.kafka_cleanshutdown')
      broker.complaints.length = 0
      await broker.start(quick)
      await broker.passes(60_000)
      expect(await broker.endOffset('t')).to.equal(0)
      expect(broker.complaints).to.have.length(1)
      expect(broker.complaints[0]).to.include(`/data/t-0 is of another topic t, with the id ${other} instead of`)
      const stray = files.list('/data').find((name) => name.endsWith('-stray'))
      expect(files.stat(`/data/${stray}/00000000000000000000.log`)!.size).to.be.greaterThan(0)
    })
  }
})

describe('a log of another topic of the same name, before its first use', () => {
  it('keeps its records if the topic is deleted', async () => {
    const broker = await stopped({})
    const { files } = broker.host
    files.replaceWhole('/data/one-0/partition.metadata', 'version: 0\ntopic_id: B9tNdH1zRsmI8JTueZP1SA')
    await broker.start()
    await broker.delete('one')
    expect(broker.complaints).to.have.length(1)
    expect(broker.complaints[0]).to.match(/^\/data\/one-0 is of another topic one, with the id B9t.*it is set aside/)
    await broker.passes(FIVE_MINUTES_MS)
    const stray = files.list('/data').find((name) => name.endsWith('-stray'))
    expect(files.stat(`/data/${stray}/00000000000000000000.log`)!.size).to.be.greaterThan(0)
  })
})

describe('a log that was set aside', () => {
  it('is served again as that of a new topic, with a leader epoch above its own', async () => {
    const broker = await new RunningBroker().start()
    await broker.create('t')
    for (const value of ['a', 'b', 'c']) {
      await broker.produce('t', 'key', value)
      broker.host.crash()
      await broker.start()
    }
    const { files } = broker.host
    const epochsOf = (name: string) => parseEpochs(String(files.readWhole(`/data/${name}/leader-epoch-checkpoint`)))!
    await broker.stop()
    const lastEpoch = epochsOf('t-0').at(-1)!.epoch
    files.replaceWhole('/data/t-0/partition.metadata', 'version: 0\ntopic_id: B9tNdH1zRsmI8JTueZP1SA')
    await broker.start()
    await broker.delete('t')
    await broker.create('new')
    await broker.stop()
    const stray = `/data/${files.list('/data').find((name) => name.endsWith('-stray'))}`
    files.rename('/data/new-0/partition.metadata', `${stray}/partition.metadata`)
    files.remove('/data/new-0')
    files.rename(stray, '/data/new-0')
    files.remove('/data/.kafka_cleanshutdown')
    broker.complaints.length = 0
    await broker.start()
    expect(await broker.endOffset('new')).to.equal(3)
    expect(await broker.produce('new', 'key', 'd')).to.equal(-1)
    await broker.stop()
    expect(broker.complaints).to.deep.equal([])
    const after = epochsOf('new-0')
    expect(lastEpoch).to.be.greaterThan(1)
    expect(after.find(({ epoch }) => epoch === lastEpoch)).to.not.equal(undefined)
    expect(after.at(-1)!.epoch).to.be.greaterThan(lastEpoch)
    expect(after.at(-1)!.startOffset).to.equal(3)
  })
})

describe('a log that starts empty', () => {
  it('is logged if its files are missing, or all files in its directory', async () => {
    const broker = await stopped({})
    const { files } = broker.host
    files.remove('/data/one-0')
    for (const name of files.list('/data/two-0')) if (name !== 'partition.metadata') files.remove(`/data/two-0/${name}`)
    await broker.start()
    for (const topic of ['one', 'two']) expect(await broker.endOffset(topic)).to.equal(0)
    expect(broker.complaints.toSorted()).to.deep.equal([
      'one-0 had no files in any data directory and starts empty: unless the broker crashed while the ' +
        'topic was being created, its records are lost',
      'the log ends below its recovery point: records that were flushed are missing from its files',
    ])
  })

  it('is logged, too, if it was never synced', async () => {
    const broker = await stopped({})
    const { files } = broker.host
    for (const name of files.list('/data/two-0')) if (name !== 'partition.metadata') files.remove(`/data/two-0/${name}`)
    files.remove('/data/recovery-point-offset-checkpoint')
    await broker.start()
    expect(await broker.endOffset('two')).to.equal(0)
    expect(broker.complaints).to.include('/data/two-0 holds no segment, so the log starts empty: its records are lost')
  })

  it('deleted records stay deleted if a partition was moved to another data directory', async () => {
    const broker = await new RunningBroker().start(both)
    for (const topic of TOPICS) await broker.create(topic)
    for (const topic of TOPICS) for (const value of ['a', 'b', 'c']) await broker.produce(topic, 'key', value)
    for (const topic of TOPICS) await broker.deleteBefore(topic, 2)
    await broker.stop()
    for (const topic of topicsIn(broker, '/b')) broker.host.files.rename(`/b/${topic}-0`, `/a/${topic}-0`)
    await broker.start(both)
    for (const topic of TOPICS) expect(await broker.startOffset(topic)).to.equal(2)
  })
})
