import { expect } from 'chai'
import { isRejection, type Rejection } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { CLEANER_OFFSET_FILE, formatOffsets, LEADER_EPOCH_FILE, LOG_START_FILE } from './checkpoint-files.ts'
import { NO_FAULTS, within } from './host/faulty-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { logConfig } from './log-config.fixture.ts'
import { logBehind, managerSettings, newManager, TOPIC, TOPIC_ID } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'
import type { ReadResult } from './partition-log.ts'
import { setAside } from './stray-directories.ts'

const OTHER_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAABg'

async function startedWithTwoDirectories(host: SimulatedHost): Promise<LogManager> {
  const manager = newManager(host, '/data/d1', '/data/d2')
  await host.settle(manager.start(() => logConfig()))
  return manager
}

/** A manager with a log that holds a record of epoch 3, not yet flushed. */
async function started() {
  const host = new SimulatedHost(1)
  const failures: string[] = []
  const manager = new LogManager({
    host,
    directories: [{ path: '/data', directoryId: 'x' }],
    settings: managerSettings,
    onDirectoryFailed: ({ error }) => failures.push(error.message),
  })
  await host.settle(manager.start(() => logConfig()))
  const log = manager.createNow(TOPIC, 0, TOPIC_ID, logConfig())
  const context = { origin: 'client', leaderEpoch: 3, nowMs: host.clock.nowMs() } as const
  await host.settle(log.append(buildBatch([{ value: 'a' }]), context))
  host.files.rates = { ...host.files.rates, slowSync: 1 }
  return { host, manager, log, failures }
}

describe('a log that is deleted', () => {
  it('in the middle of a flush is no failure of the disk', async () => {
    const { host, manager, log, failures } = await started()
    const flushing = log.flush()
    await host.advance(1)
    manager.delete(TOPIC, 0)
    await host.settle(flushing)
    expect(failures).to.deep.equal([])
  })

  it('in the middle of a flush leaves alone what then has its name', async () => {
    const { host, manager, log, failures } = await started()
    const flushing = log.flush()
    await host.advance(1)
    manager.delete(TOPIC, 0)
    manager.createNow(TOPIC, 0, OTHER_TOPIC_ID, logConfig())
    await host.settle(flushing)
    const epochs = host.files.readWhole(`/data/${TOPIC}-0/${LEADER_EPOCH_FILE}`)
    expect(epochs?.toString() ?? '').not.to.include('3 0')
    expect(failures).to.deep.equal([])
  })

  it('leaves neither its start, its recovery point nor how far it was compacted to what then has its name', async () => {
    const { host, manager, log } = await started()
    const cleanerOffsets = () => host.files.readWhole(`/data/${CLEANER_OFFSET_FILE}`)?.toString()
    host.files.replaceWhole(
      `/data/${CLEANER_OFFSET_FILE}`,
      formatOffsets([
        { topic: TOPIC, partition: 0, offset: 1 },
        { topic: TOPIC, partition: 1, offset: 7 },
      ]),
    )
    host.files.rates = NO_FAULTS
    const context = { origin: 'client', leaderEpoch: 3, nowMs: host.clock.nowMs() } as const
    await host.settle(log.append(buildBatch([{ value: 'b' }]), context))
    await host.settle(log.flush())
    await host.settle(log.deleteRecordsBefore(2))
    manager.delete(TOPIC, 0)
    const next = manager.createNow(TOPIC, 0, OTHER_TOPIC_ID, logConfig())
    await host.settle(next.append(buildBatch([{ value: 'c' }]), context))
    host.crash()
    const restarted = newManager(host, '/data')
    await host.settle(restarted.start(() => logConfig()))
    const found = restarted.getNow(TOPIC, 0)!
    expect([found.logStartOffset, found.logEndOffset]).to.deep.equal([0, 1])
    expect(cleanerOffsets()).to.equal(formatOffsets([{ topic: TOPIC, partition: 1, offset: 7 }]))
  })

  it('is in no checkpoint once they were written again', async () => {
    const { host, manager } = await started()
    const file = `/data/${CLEANER_OFFSET_FILE}`
    const own = { topic: TOPIC, partition: 0, offset: 1 }
    const other = { topic: TOPIC, partition: 1, offset: 7 }
    host.files.replaceWhole(file, formatOffsets([own, other]))
    manager.delete(TOPIC, 0)
    await host.advance(managerSettings.logFlushOffsetCheckpointIntervalMs * 2)
    expect(host.files.readWhole(file)?.toString()).to.equal(formatOffsets([other]))
  })

  for (const hasFailed of [false, true])
    it(`in a directory that ${hasFailed ? 'has failed' : 'fails then'} does not hand its start to the next one of its name`, async () => {
      const host = new SimulatedHost(1)
      const manager = await startedWithTwoDirectories(host)
      const context = { origin: 'client', leaderEpoch: 0, nowMs: host.clock.nowMs() } as const
      const log = manager.createNow(TOPIC, 0, TOPIC_ID, logConfig())
      for (let i = 0; i < 5; i++) await host.settle(log.append(buildBatch([{ value: 'a' }]), context))
      await host.settle(log.deleteRecordsBefore(4))
      await host.advance(managerSettings.logFlushOffsetCheckpointIntervalMs + 1000)
      const failing = host.files.exists('/data/d1/topic-0') ? '/data/d1' : '/data/d2'
      if (!hasFailed) manager.delete(TOPIC, 0)
      host.files.pathFaults = [{ concerns: within(failing), effect: 'dead' }]
      if (hasFailed) {
        logBehind(log).services.noteFailure(Object.assign(new Error('EIO: read'), { code: 'EIO' }))
        await host.advance(1)
        manager.delete(TOPIC, 0)
      }
      const again = () => manager.createNow(TOPIC, 0, OTHER_TOPIC_ID, logConfig())
      if (!hasFailed && failing === '/data/d1') expect(again).to.throw('EIO')
      const next = again()
      expect(host.files.exists(failing === '/data/d1' ? '/data/d2/topic-0' : '/data/d1/topic-0')).to.equal(true)
      await host.settle(next.append(buildBatch([{ value: 'b' }]), context))
      host.files.pathFaults = []
      host.crash()
      // As the broker does for copies of an older topic.
      if (hasFailed) setAside(host, { logDirectory: failing, name: 'topic-0', topic: TOPIC, partition: 0 })
      const found = (await startedWithTwoDirectories(host)).getNow(TOPIC, 0)!
      expect([found.logStartOffset, found.logEndOffset]).to.deep.equal([0, 1])
    })

  for (const [kind, bytes] of [
    ['', 0],
    [', its segment preallocated', 4000],
  ] as const)
    it(`in a directory that fails then does not hand its start to one whose creation is interrupted${kind}`, async () => {
      const host = new SimulatedHost(1)
      const next = '/data/d2/topic-0'
      host.files.makeDirectory('/data/d1')
      host.files.replaceWhole(
        '/data/d1/log-start-offset-checkpoint',
        formatOffsets([{ topic: TOPIC, partition: 0, offset: 116 }]),
      )
      host.files.makeDirectory(next)
      host.files.replaceWhole(`${next}/00000000000000000000.log`, Buffer.alloc(bytes))
      const found = (await startedWithTwoDirectories(host)).getNow(TOPIC, 0)!
      expect([found.logStartOffset, found.logEndOffset]).to.deep.equal([0, 0])
    })

  it('and cannot be renamed never becomes part of what is to have its name', async () => {
    const { host, manager } = await started()
    host.files.rates = { ...NO_FAULTS, writeError: 1 }
    expect(() => manager.delete(TOPIC, 0)).to.throw('EIO')
    expect(manager.getNow(TOPIC, 0)).to.equal(undefined)
    expect(() => manager.createNow(TOPIC, 0, OTHER_TOPIC_ID, logConfig())).to.throw('EIO')
    host.files.rates = NO_FAULTS
    // The directory failed: not even this is tried before the next start.
    expect(() => manager.createNow(TOPIC, 0, OTHER_TOPIC_ID, logConfig())).to.throw('EIO')
    await host.settle(manager.stop())
    const restarted = newManager(host, '/data')
    await host.settle(restarted.start(() => logConfig()))
    expect(restarted.createNow(TOPIC, 0, OTHER_TOPIC_ID, logConfig()).logEndOffset).to.equal(0)
  })

  it('while it is read says so to the reader, and is no failure of the disk', async () => {
    const host = new SimulatedHost(1)
    const errors: string[] = []
    const logger = { error: (_: object, message: string) => errors.push(message), warn() {}, info() {} }
    const directories = [{ path: '/data', directoryId: 'x' }]
    const manager = new LogManager({ host, directories, settings: managerSettings, logger })
    const config = logConfig({ segmentBytes: 2000, indexIntervalBytes: 1_000_000, retentionBytes: 1 })
    await host.settle(manager.start(() => config))
    const log = logBehind(manager.createNow(TOPIC, 0, TOPIC_ID, config))
    const context = { origin: 'client', leaderEpoch: 0, nowMs: host.clock.nowMs() } as const
    for (let i = 0; i < 60; i++) await host.settle(log.append(buildBatch([{ value: 'a' }]), context))
    await host.settle(manager.stop())
    host.crash()
    const again = new LogManager({ host, directories, settings: managerSettings, logger })
    await host.settle(again.start(() => config))
    const read = (offset: number) =>
      again.getNow(TOPIC, 0)!.read(offset, { maxBytes: 1, minOneBatch: true, upToOffset: 60 })
    const refused = await retried(host, read(20), () => logBehind(again.getNow(TOPIC, 0)).deleteOldSegments(0))
    expect(refused).to.equal('OFFSET_OUT_OF_RANGE')
    const gone = await retried(host, read(59), () => again.delete(TOPIC, 0))
    expect(gone).to.equal('KAFKA_STORAGE_ERROR')
    expect(errors).to.deep.equal([])
  })

  it('in part goes from its start on: no newer segment is gone while an older one is there', async () => {
    const host = new SimulatedHost(1)
    const config = logConfig({ segmentBytes: 100, retentionBytes: 1 })
    const manager = newManager(host, '/data')
    await host.settle(manager.start(() => config))
    const log = logBehind(manager.createNow(TOPIC, 0, TOPIC_ID, config))
    const context = { origin: 'client', leaderEpoch: 0, nowMs: host.clock.nowMs() } as const
    for (const value of ['a', 'b', 'c', 'd']) await host.settle(log.append(buildBatch([{ value }]), context))
    await host.settle(log.deleteRecordsBefore(1))
    const rename = host.files.rename.bind(host.files)
    host.files.rename = (from, to) => {
      if (from.endsWith('00000000000000000000.log')) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      rename(from, to)
    }
    expect(log.deleteOldSegments(host.clock.nowMs())).to.be.above(1)
    await host.settle(manager.stop())
    host.files.rename = rename
    host.crash()
    const restarted = newManager(host, '/data')
    await host.settle(restarted.start(() => config))
    const found = restarted.getNow(TOPIC, 0)!
    expect(found.logEndOffset).to.equal(4)
    // The deleted record does not come back either.
    expect(found.logStartOffset).to.be.at.least(1)
  })

  it('whose first try at its files failed for lack of room has names that survive a power loss', async () => {
    const config = logConfig({ flushMessages: 1 })
    for (let seed = 1; seed <= 10; seed++) {
      const host = new SimulatedHost(seed)
      const manager = newManager(host, '/data')
      await host.settle(manager.start(() => config))
      const { open } = host.files
      host.files.open = (path, mode) => {
        if (path.endsWith('.timeindex')) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
        return open.call(host.files, path, mode)
      }
      expect(() => manager.createNow(TOPIC, 0, TOPIC_ID, config)).to.throw('ENOSPC')
      host.files.open = open
      await host.advance(1000)
      const log = manager.createNow(TOPIC, 0, TOPIC_ID, config)
      const context = { origin: 'client', leaderEpoch: 0, nowMs: host.clock.nowMs() } as const
      await host.settle(log.append(buildBatch([{ value: 'a' }]), context))
      host.crash()
      host.memory.losePower(host.random)
      const restarted = newManager(host, '/data')
      await host.settle(restarted.start(() => config))
      expect(restarted.getNow(TOPIC, 0)?.logEndOffset, `seed ${seed}`).to.equal(1)
    }
  })

  it('or could not be made has one directory alone, wherever the disk fails', async () => {
    const host = new SimulatedHost(1)
    const manager = newManager(host, '/a', '/b')
    await host.settle(manager.start(() => logConfig()))
    const { open } = host.files
    host.files.open = () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    expect(() => manager.createNow(TOPIC, 0, TOPIC_ID, logConfig())).to.throw('EIO')
    host.files.open = open
    await host.advance(1000)
    manager.createNow('other', 0, OTHER_TOPIC_ID, logConfig())
    expect(() => manager.createNow(TOPIC, 0, TOPIC_ID, logConfig())).to.throw('the data directory /a failed')
    expect(['/a', '/b'].filter((path) => host.files.exists(`${path}/${TOPIC}-0`))).to.have.length(1)
  })

  it('is off the disk once file.delete.delay.ms is over, after a restart too', async () => {
    const host = new SimulatedHost(1)
    const config = logConfig({ fileDeleteDelayMs: 5000 })
    const open = async () => {
      const manager = newManager(host, '/data')
      await host.settle(manager.start(() => config))
      return manager
    }
    const deleted = () => host.files.list('/data').filter((name) => name.endsWith('-delete'))
    let manager = await open()
    for (const restarts of [false, true]) {
      manager.createNow(TOPIC, 0, TOPIC_ID, config)
      manager.delete(TOPIC, 0)
      if (restarts) {
        await host.settle(manager.stop())
        manager = await open()
      }
      await host.advance(4000)
      expect(deleted()).to.have.length(1)
      await host.advance(1010)
      expect(deleted()).to.deep.equal([])
    }
    await host.settle(manager.stop())
  })

  it('in part says so where its new start cannot be written', async () => {
    const { host, log } = await started()
    host.files.rates = NO_FAULTS
    host.memory.capacityBytes = 1
    const saved = () => host.files.readWhole(`/data/${LOG_START_FILE}`)?.toString() ?? ''
    // The second call finds the log start offset already moved in memory, but not checkpointed.
    for (let i = 0; i < 2; i++) {
      const refused = await host.settle(log.deleteRecordsBefore(1))
      expect(refused?.error).to.equal('KAFKA_STORAGE_ERROR')
      await host.advance(2000)
    }
    host.memory.capacityBytes = Number.POSITIVE_INFINITY
    expect(saved()).to.not.include(TOPIC)
    expect(await host.settle(log.deleteRecordsBefore(1))).to.equal(undefined)
    expect(saved()).to.include(`${TOPIC} 0 1`)
  })

  it('in part is refused while its disk fails, wherever retention moved the start before', async () => {
    const { host, log, failures } = await started()
    host.files.rates = { ...NO_FAULTS, writeError: 1 }
    await host.settle(log.flush())
    expect(failures).to.have.length(1)
    host.files.rates = NO_FAULTS
    expect((await host.settle(log.deleteRecordsBefore(1)))?.error).to.equal('KAFKA_STORAGE_ERROR')
  })

  it('while the manager stops is no failure of the disk', async () => {
    const { host, manager, failures } = await started()
    const stopping = manager.stop()
    await host.advance(1)
    manager.delete(TOPIC, 0)
    await host.settle(stopping)
    expect(failures).to.deep.equal([])
  })
})

/** Result of a read that began before the change and ends after it. */
async function retried(host: SimulatedHost, reading: Promise<ReadResult | Rejection>, change: () => void) {
  change()
  const result = await host.settle(reading)
  return isRejection(result) ? result.error : 'read'
}
