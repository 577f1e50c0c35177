import { expect } from 'chai'
import { batchesOf } from '../protocol/records/record-batch.ts'
import { COMPACTION_END_FILE } from '../storage/log/compaction-end.ts'
import { coordinatorPartition } from './coordinator/java-hash.ts'
import { RunningBroker } from './running-broker.fixture.ts'

const SHARDS = 50
const PROPERTIES = { 'offsets.topic.num.partitions': String(SHARDS) }

function stateFile(groupId: string): string {
  return `/data/__consumer_offsets-${coordinatorPartition(groupId, SHARDS)}/00000000000000000000.log`
}

/** A cleanly stopped broker with offset commits of two groups in two shards. */
async function stoppedAfterCommits(properties: Record<string, string> = PROPERTIES): Promise<RunningBroker> {
  const broker = await new RunningBroker().start(properties)
  await broker.create('t')
  await broker.produce('t', 'key', 'value')
  for (const offset of [1, 2]) await broker.commit('damaged', offset)
  await broker.commit('whole', 7)
  await broker.stop()
  return broker
}

/** Flips a bit of the file, in the first byte of the last occurrence of the text. */
function flipBitAt({ host }: RunningBroker, path: string, text: string, bit = 1): void {
  const bytes = host.files.readWhole(path)!
  const at = bytes.lastIndexOf(text)
  const handle = host.files.open(path, 'r+')
  handle.writeSync([Buffer.from([bytes[at]! ^ bit])], at)
  handle.close()
}

describe('a damaged batch in __consumer_offsets', () => {
  it('takes its own shard out of service, and nothing else', async () => {
    const broker = await stoppedAfterCommits()
    flipBitAt(broker, stateFile('damaged'), 'damaged')
    await broker.start(PROPERTIES)
    expect(await broker.produce('t', 'key', 'value')).to.equal(-1)
    expect(await broker.committed('whole')).to.equal(7)
    expect(await broker.commit('whole', 8)).to.equal('NONE')
    expect(await broker.findCoordinator('damaged')).to.equal('COORDINATOR_NOT_AVAILABLE')
    expect(await broker.committed('damaged'), 'never an older offset').to.equal('NOT_COORDINATOR')
    expect(await broker.commit('damaged', 3)).to.equal('NOT_COORDINATOR')
    await broker.stop()
  })

  it('is logged in one line, with file, position and remedy, and not read again and again', async () => {
    const broker = await stoppedAfterCommits()
    const path = stateFile('damaged')
    flipBitAt(broker, path, 'damaged')
    await broker.start(PROPERTIES)
    await broker.host.advance(3_600_000)
    const told = broker.complaints.filter((line) => line.includes('__consumer_offsets'))
    expect(told).to.have.length(1)
    const shard = coordinatorPartition('damaged', SHARDS)
    expect(told[0]).to.match(new RegExp(`^__consumer_offsets-${shard} cannot be loaded.*offset 1.*${path}.*checksum`))
    const position = /truncate -s (\d+) (\S+?)\)/.exec(told[0]!)
    expect(position?.[2]).to.equal(path)
    await broker.stop()
    // The logged remedy keeps everything committed before the damage.
    const handle = broker.host.files.open(path, 'r+')
    handle.truncate(Number(position![1]))
    handle.close()
    await broker.start(PROPERTIES)
    expect(await broker.committed('damaged')).to.equal(1)
    expect(await broker.commit('damaged', 3)).to.equal('NONE')
    await broker.stop()
  })
})

describe('directories of two partitions of __consumer_offsets that were swapped', () => {
  it('are each named with the groups that they hold', async () => {
    const broker = await stoppedAfterCommits()
    const { files } = broker.host
    const [a, b] = ['damaged', 'whole'].map((groupId) => coordinatorPartition(groupId, SHARDS)) as [number, number]
    const directory = (partition: number) => `/data/__consumer_offsets-${partition}`
    files.rename(directory(a), '/data/aside')
    files.rename(directory(b), directory(a))
    files.rename('/data/aside', directory(b))
    await broker.start(PROPERTIES)
    expect(await broker.committed('damaged')).to.equal(-1)
    const told = broker.complaints.filter((line) => line.includes('groups that belong to other partitions'))
    expect(told.map((line) => /^(\S+) .*from here: (.*?)\./.exec(line)?.slice(1))).to.have.deep.members([
      [`__consumer_offsets-${a}`, 'whole'],
      [`__consumer_offsets-${b}`, 'damaged'],
    ])
    await broker.stop()
    // Put back, they are served again.
    files.rename(directory(a), '/data/aside')
    files.rename(directory(b), directory(a))
    files.rename('/data/aside', directory(b))
    broker.complaints.length = 0
    await broker.start(PROPERTIES)
    expect(await broker.committed('damaged')).to.equal(2)
    expect(broker.complaints.filter((line) => line.includes('groups that belong'))).to.deep.equal([])
    await broker.stop()
  })
})

/** Removes a batch from the middle of the file. */
function removeBatch({ host }: RunningBroker, path: string, index: number): void {
  const bytes = host.files.readWhole(path)!
  const batches = batchesOf(bytes).batches.map((batch) => batch.bytes)
  host.files.replaceWhole(path, Buffer.concat(batches.filter((_, i) => i !== index)))
}

describe('a batch that is gone from the middle of __consumer_offsets', () => {
  const COMPACTED = { ...PROPERTIES, 'offsets.topic.segment.bytes': '1048576' }

  /** Commits of one group: the second of three is removed from the stopped broker's file. */
  async function withGap(): Promise<RunningBroker> {
    const broker = await stoppedAfterCommits()
    await broker.start(PROPERTIES)
    await broker.commit('damaged', 3)
    await broker.stop()
    removeBatch(broker, stateFile('damaged'), 1)
    return broker
  }

  function toldOf(broker: RunningBroker): string[] {
    return broker.complaints.filter((line) => line.includes('__consumer_offsets'))
  }

  it('takes its own shard out of service, in one line that says how what is left can be served', async () => {
    const broker = await withGap()
    await broker.start(PROPERTIES)
    expect(await broker.committed('whole')).to.equal(7)
    expect(await broker.committed('damaged')).to.equal('NOT_COORDINATOR')
    await broker.host.advance(3_600_000)
    expect(toldOf(broker)).to.have.length(1)
    const line = toldOf(broker)[0]!
    expect(line).to.match(new RegExp(`offsets 1 to 1 are gone \\(${stateFile('damaged')}, before position \\d+\\)`))
    await broker.stop()
    broker.host.files.remove(/remove (\S+),/.exec(line)![1]!)
    for (let starts = 0; starts < 2; starts++) {
      await broker.start(PROPERTIES)
      expect(await broker.committed('damaged')).to.equal(3)
      await broker.stop()
    }
    expect(toldOf(broker)).to.have.length(1)
  })

  it('is not taken for damage where it is not known who compacted the log', async () => {
    const broker = await withGap()
    broker.host.files.remove(stateFile('damaged').replace(/[^/]*$/, COMPACTION_END_FILE))
    await broker.start(PROPERTIES)
    expect(await broker.committed('damaged')).to.equal(3)
    expect(toldOf(broker)).to.deep.equal([])
    await broker.stop()
  })

  it('is not taken for damage if compaction removed it', async () => {
    const broker = await stoppedAfterCommits(COMPACTED)
    await broker.start(COMPACTED)
    const metadata = 'm'.repeat(4000)
    for (let offset = 0; offset < 600; offset++) await broker.commit('damaged', offset, metadata)
    await broker.host.advance(60_000)
    expect(broker.compacted).to.include(`__consumer_offsets-${coordinatorPartition('damaged', SHARDS)}`)
    await broker.stop()
    await broker.start(COMPACTED)
    expect(await broker.committed('damaged')).to.equal(599)
    expect(toldOf(broker)).to.deep.equal([])
    await broker.stop()
  })
})

describe('a disk that cannot read the log of a shard', () => {
  it('does not delay the start; the shard is retried at growing intervals and serves once it can be read', async () => {
    const broker = await stoppedAfterCommits()
    const path = stateFile('damaged')
    const { files } = broker.host
    files.pathFaults = [{ concerns: (each) => each === path, effect: 'unreadable' }]
    await broker.start(PROPERTIES)
    expect(await broker.committed('whole')).to.equal(7)
    expect(await broker.committed('damaged')).to.equal('NOT_COORDINATOR')
    await broker.host.advance(500_000)
    expect(files.pathFaultsStruck).to.be.within(5, 30)
    files.pathFaults = []
    await broker.host.advance(60_000)
    expect(await broker.committed('damaged')).to.equal(2)
    await broker.stop()
  })
})
