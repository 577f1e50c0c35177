import { expect } from 'chai'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { CLEAN_SHUTDOWN_FILE, RECOVERY_POINT_FILE } from './checkpoint-files.ts'
import { type PathEffect, within } from './host/faulty-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import type { Log } from './log/log.ts'
import { logConfig } from './log-config.fixture.ts'
import { logBehind, managerSettings } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'
import { type FailedDirectory, failedDirectoryLine } from './log-store.ts'
import type { LogConfig } from './partition-log.ts'

const HOUR_MS = 3_600_000
const IDS: Record<string, string> = { a: 'AAAAAAAAAAAAAAAAAAAABQ', b: 'AAAAAAAAAAAAAAAAAAAABg' }

/** A manager with several data directories; a test can make parts of the disk fail. */
class Rig {
  readonly host = new SimulatedHost(1)
  readonly errors: string[] = []
  readonly failed: FailedDirectory[] = []
  readonly #directories: readonly string[]
  readonly #config: LogConfig
  manager!: LogManager

  constructor(directories: readonly string[], config: Partial<LogConfig> = {}) {
    this.#directories = directories
    this.#config = logConfig(config)
  }

  async start(): Promise<this> {
    const tell = (fields: object, message: string) => this.errors.push(`${message} ${JSON.stringify(fields)}`)
    this.manager = new LogManager({
      host: this.host,
      directories: this.#directories.map((path) => ({ path, directoryId: path })),
      settings: managerSettings,
      logger: { error: tell, warn() {}, info() {} },
      onDirectoryFailed: (failed) => {
        this.failed.push(failed)
        this.errors.push(failedDirectoryLine(failed))
      },
    })
    await this.host.settle(this.manager.start(() => this.#config))
    return this
  }

  create(topic: string): Log {
    return logBehind(this.manager.createNow(topic, 0, IDS[topic]!, this.#config))
  }

  append(log: Log, value = 'x') {
    const nowMs = this.host.clock.nowMs()
    const batch = buildBatch([{ key: 'key', value, timestamp: nowMs }])
    return this.host.settle(log.append(batch, { origin: 'client', leaderEpoch: 0, nowMs }))
  }

  fail(directory: string, effect: PathEffect): void {
    this.host.files.pathFaults = [{ concerns: within(directory), effect }]
  }

  stop(): Promise<void> {
    return this.host.settle(this.manager.stop())
  }

  exists(path: string): boolean {
    return this.host.memory.readWhole(path) !== undefined
  }
}

describe('of several logs, one that fails', () => {
  it('does not keep retention from the logs after it', async () => {
    const rig = await new Rig(['/data'], { retentionMs: 1000 }).start()
    for (const topic of ['a', 'b']) await rig.append(rig.create(topic))
    await rig.stop()
    await rig.start()
    rig.fail('/data/a-0', 'unreadable')
    await rig.host.advance(3 * HOUR_MS)
    expect(rig.manager.getNow('b', 0)!.logStartOffset).to.equal(1)
    expect(rig.errors, 'told once').to.have.length(1)
    expect(rig.errors[0]).to.match(/a log cannot be opened.*"a-0"/)
  })

  it('does not keep compaction from the logs after it', async () => {
    const config = { cleanupPolicy: ['compact'], segmentMs: 1, minCleanableDirtyRatio: 0 }
    const rig = await new Rig(['/data'], config).start()
    for (const topic of ['a', 'b']) {
      const log = rig.create(topic)
      for (let i = 0; i < 3; i++) {
        await rig.append(log, `value ${i}`)
        await rig.host.advance(10)
      }
    }
    await rig.stop()
    await rig.start()
    rig.fail('/data/a-0', 'unreadable')
    await rig.host.advance(HOUR_MS / 2)
    const log = rig.manager.getNow('b', 0)!
    const read = await rig.host.settle(log.read(0, { maxBytes: 1000, minOneBatch: true, upToOffset: 2 }))
    expect(read).to.have.property('sizeBytes')
    const kept = rig.host.files.readWhole('/data/b-0/00000000000000000000.log')!
    expect(kept.includes('value 0')).to.equal(false)
  })

  it('does not keep the sizes of the others from being told', async () => {
    const rig = await new Rig(['/data'], { segmentMs: 1 }).start()
    for (const topic of ['a', 'b']) {
      const log = rig.create(topic)
      for (let i = 0; i < 2; i++) {
        await rig.append(log)
        await rig.host.advance(10)
      }
    }
    await rig.stop()
    await rig.start()
    // Open: the size of its first segment is not asked for yet.
    for (const topic of ['a', 'b']) await rig.append(logBehind(rig.manager.getNow(topic, 0)!))
    rig.fail('/data/a-0/00000000000000000000.log', 'dead')
    const sizes = () => [...rig.manager.directories()[0]!.partitions].map(({ topic, sizeBytes }) => [topic, sizeBytes])
    const [b] = sizes().filter(([topic]) => topic === 'b')
    expect(sizes()).to.deep.equal([['a', 0], b])
    expect(b?.[1]).to.be.greaterThan(0)
  })

  it('keeps its records from retention while an exchange of segments is left half-way', async () => {
    const config = {
      cleanupPolicy: ['compact', 'delete'],
      segmentMs: 1,
      minCleanableDirtyRatio: 0,
      retentionMs: HOUR_MS,
    }
    const rig = await new Rig(['/data'], config).start()
    const log = rig.create('a')
    for (let i = 0; i < 3; i++) {
      await rig.append(log, `value ${i}`)
      await rig.host.advance(10)
    }
    const rename = rig.host.files.rename.bind(rig.host.files)
    rig.host.files.rename = (from, to) => {
      // Somebody removes a file in the middle of the exchange.
      if (from.endsWith('.index.swap')) rig.host.files.remove(from)
      rename(from, to)
    }
    await rig.host.advance(3 * HOUR_MS)
    rig.host.files.rename = rename
    expect(rig.errors.join('\n')).to.match(/the log failed: appends are refused until the broker is restarted.*"a-0"/)
    expect(log.logStartOffset).to.equal(0)
    const found = await rig.host.settle(log.offsetForTimestamp(0, 3).catch((error: Error) => error))
    expect(found).to.have.property('code', 'ENOENT')
    await rig.stop()
    await rig.start()
    const again = rig.manager.getNow('a', 0)!
    const read = await rig.host.settle(again.read(0, { maxBytes: 1000, minOneBatch: true, upToOffset: 3 }))
    expect(read).to.have.property('sizeBytes')
  })

  it('leaves its directory alone without the mark of a clean stop, and all others are closed', async () => {
    const rig = await new Rig(['/d1', '/d2']).start()
    const a = rig.create('a')
    const b = rig.create('b')
    for (const log of [a, b]) await rig.append(log)
    a.close = () => Promise.reject(new Error('a bug'))
    await rig.stop()
    expect(b.isClosed).to.equal(true)
    expect(rig.exists(`/d1/${CLEAN_SHUTDOWN_FILE}`)).to.equal(false)
    expect(rig.exists(`/d2/${CLEAN_SHUTDOWN_FILE}`)).to.equal(true)
    expect(rig.errors.join()).to.match(/a log could not be closed.*a-0.*a bug/)
  })
})

describe('of several data directories, one that fails', () => {
  it('is the one that is told of, however alike its name is to another', async () => {
    const rig = await new Rig(['/data/d1', '/data/d10']).start()
    rig.create('a')
    const b = rig.create('b')
    expect(b.directory).to.equal('/data/d10/b-0')
    rig.fail('/data/d10', 'unwritable')
    expect(await rig.append(b)).to.have.property('error', 'KAFKA_STORAGE_ERROR')
    const failed = rig.manager.directories().filter(({ failure }) => failure !== undefined)
    expect(failed.map(({ path }) => path)).to.deep.equal(['/data/d10'])
  })

  for (const effect of ['dead', 'unwritable', 'read-only'] as const) {
    it(`gets no new logs, and keeps no other from its checkpoints and its clean stop (${effect})`, async () => {
      const rig = await new Rig(['/d1', '/d2']).start()
      const a = rig.create('a')
      await rig.append(a)
      rig.fail('/d1', effect)
      await rig.host.advance(HOUR_MS)
      const b = rig.create('b')
      expect(b.directory).to.equal('/d2/b-0')
      await rig.append(b)
      await rig.host.settle(b.flush())
      await rig.host.advance(2 * managerSettings.logFlushOffsetCheckpointIntervalMs)
      expect(rig.host.memory.readWhole(`/d2/${RECOVERY_POINT_FILE}`)?.toString()).to.include('b 0 1')
      expect(rig.manager.directories().map(({ failure }) => failure !== undefined)).to.deep.equal([true, false])
      await rig.stop()
      expect(rig.exists(`/d1/${CLEAN_SHUTDOWN_FILE}`)).to.equal(false)
      expect(rig.exists(`/d2/${CLEAN_SHUTDOWN_FILE}`)).to.equal(true)
    })
  }

  it('does not make a log twice that it kept a part of', async () => {
    const rig = await new Rig(['/d1', '/d2']).start()
    rig.host.files.pathFaults = [{ concerns: (path) => path.endsWith('.timeindex'), effect: 'unwritable' }]
    expect(() => rig.create('a')).to.throw('EIO')
    rig.host.files.pathFaults = []
    await rig.host.advance(100_000)
    expect(() => rig.create('a')).to.throw('the data directory /d1 failed')
    expect(rig.manager.isOffline('a', 0)).to.equal(true)
    expect(rig.create('b').directory).to.equal('/d2/b-0')
    await rig.stop()
    await rig.start()
    expect(rig.create('a').directory).to.equal('/d1/a-0')
  })

  it('does not make a log twice either where it can no longer be looked into', async () => {
    const rig = await new Rig(['/d1', '/d2']).start()
    rig.host.files.pathFaults = [{ concerns: (path) => path.endsWith('.timeindex'), effect: 'full' }]
    expect(() => rig.create('a')).to.throw('ENOSPC')
    rig.fail('/d1', 'dead')
    await rig.host.advance(2000)
    for (let i = 0; i < 2; i++) expect(() => rig.create('a')).to.throw('EIO')
    expect(rig.host.memory.list('/d2')).to.not.include('a-0')
  })

  it('leaves nothing beside the next log of its name', async () => {
    const rig = await new Rig(['/d1', '/d2']).start()
    rig.host.files.pathFaults = [{ concerns: (path) => path.endsWith('.timeindex'), effect: 'full' }]
    expect(() => rig.create('a')).to.throw('ENOSPC')
    rig.host.files.pathFaults = []
    await rig.append(rig.create('b'))
    rig.manager.delete('a', 0, IDS.a)
    expect(rig.exists('/d1/a-0/partition.metadata')).to.equal(false)
    rig.host.memory.losePower(rig.host.random)
    expect(rig.host.memory.exists('/d1/a-0')).to.equal(false)
  })

  it('is left for another where not even the directory of a new log could be made', async () => {
    const rig = await new Rig(['/d1', '/d2']).start()
    rig.fail('/d1', 'dead')
    expect(() => rig.create('a')).to.throw('EIO')
    expect(rig.create('a').directory).to.equal('/d2/a-0')
  })
})

describe('a data directory that fails while it is used', () => {
  /** Logs `a` and `c` in /d1, `b` in /d2, with a record each. */
  async function filled(config: Partial<LogConfig> = {}) {
    const rig = await new Rig(['/d1', '/d2'], config).start()
    const [a, b, c] = ['a', 'b', 'c'].map((topic) => rig.create(topic)) as [Log, Log, Log]
    for (const log of [a, b, c]) await rig.append(log)
    expect([a, b, c].map(({ directory }) => directory)).to.deep.equal(['/d1/a-0', '/d2/b-0', '/d1/c-0'])
    return { rig, a, b, c }
  }
  const readOf = { maxBytes: 1000, minOneBatch: true, upToOffset: 1 }

  /** Ways in which the broker may meet the fault; each changes or reads /d1. */
  const ways: Record<string, (rig: Rig, a: Log) => Promise<unknown> | unknown> = {
    'a write': (rig, a) => rig.append(a),
    'a flush': (rig, a) => rig.host.settle(a.flush()),
    'a checkpoint': (rig) => rig.host.advance(2 * managerSettings.logFlushOffsetCheckpointIntervalMs),
    DeleteRecords: (rig, a) => rig.host.settle(a.deleteRecordsBefore(1)),
    retention: (rig) => rig.host.advance(HOUR_MS),
    'the deletion of a topic': (rig) => expect(() => rig.manager.delete('a', 0)).to.throw('EIO'),
  }

  for (const [way, meet] of Object.entries(ways)) {
    it(`is offline with all its logs at once, with one line, and no other is: ${way}`, async () => {
      const { rig, a, b, c } = await filled({ retentionMs: way === 'retention' ? 1000 : -1, segmentMs: HOUR_MS })
      rig.fail('/d1', 'unwritable')
      await meet(rig, a)
      await rig.host.advance(1)
      expect(rig.errors).to.have.length(1)
      expect(rig.errors[0]).to.match(
        /^the data directory \/d1 failed: EIO: .*the .*partition.* KAFKA_STORAGE_ERROR.*until the next start.*mend its disk/,
      )
      // Even a disk that works again is not used before the next start.
      rig.host.files.pathFaults = []
      expect(await rig.append(c)).to.have.property('error', 'KAFKA_STORAGE_ERROR')
      expect(await rig.host.settle(c.read(0, readOf))).to.have.property('error', 'KAFKA_STORAGE_ERROR')
      expect(await rig.host.settle(c.deleteRecordsBefore(1))).to.have.property('error', 'KAFKA_STORAGE_ERROR')
      expect(() => rig.manager.getNow('c', 0)).to.throw('the data directory /d1 failed')
      expect(() => rig.create('c')).to.throw('the data directory /d1 failed')
      expect(rig.manager.isOffline('c', 0)).to.equal(true)
      expect(rig.manager.isOffline('b', 0)).to.equal(false)
      expect(await rig.append(b)).to.have.property('baseOffset', 1)
      await rig.stop()
      expect(rig.errors).to.have.length(1)
      expect([rig.exists(`/d1/${CLEAN_SHUTDOWN_FILE}`), rig.exists(`/d2/${CLEAN_SHUTDOWN_FILE}`)]).to.deep.equal([
        false,
        true,
      ])
      await rig.start()
      const found = rig.manager.getNow('c', 0)!
      expect(found.logEndOffset).to.equal(1)
      expect(await rig.append(logBehind(found))).to.have.property('baseOffset', 1)
    })
  }

  it('is offline after a read that fails, and refuses those under way', async () => {
    const { rig, c } = await filled()
    await rig.stop()
    await rig.start()
    const [a, again] = ['a', 'c'].map((topic) => rig.manager.getNow(topic, 0)) as [Log, Log]
    expect(c.isClosed).to.equal(true)
    rig.fail('/d1/a-0', 'unreadable')
    const reads = [a.read(0, readOf), again.read(0, readOf)]
    for (const read of reads.slice(0, 1))
      expect(await rig.host.settle(read)).to.have.property('error', 'KAFKA_STORAGE_ERROR')
    expect(await rig.host.settle(again.read(0, readOf))).to.have.property('error', 'KAFKA_STORAGE_ERROR')
    await rig.host.settle(reads[1]!)
    expect(rig.errors).to.have.length(1)
  })

  it('is offline also where its disk does not let files be closed', async () => {
    const { rig, a, c } = await filled()
    const { open } = rig.host.files
    rig.host.files.open = (path, mode) => {
      const handle = open.call(rig.host.files, path, mode)
      handle.close = () => {
        throw Object.assign(new Error('EIO: close'), { code: 'EIO' })
      }
      return handle
    }
    for (const log of [a, c]) await rig.append(log)
    await rig.stop()
    await rig.start()
    const logs = ['a', 'c'].map((topic) => rig.manager.getNow(topic, 0)) as [Log, Log]
    for (const log of logs) await rig.append(log)
    rig.fail('/d1', 'unwritable')
    for (const log of logs) expect(await rig.append(log)).to.have.property('error', 'KAFKA_STORAGE_ERROR')
    expect(rig.failed.map(({ directory }) => directory)).to.deep.equal(['/d1'])
    expect(rig.host.fatalReason).to.equal(undefined)
    rig.host.files.open = open
  })

  it('refuses what waits for a write, and nothing of it is written later', async () => {
    const { rig, a, c } = await filled()
    rig.fail('/d1/a-0', 'unwritable')
    const nowMs = rig.host.clock.nowMs()
    const batch = () => buildBatch([{ key: 'key', value: 'y', timestamp: nowMs }])
    const appends = [a, c, c].map((log) => log.append(batch(), { origin: 'client', leaderEpoch: 0, nowMs }))
    const [first, ...others] = await rig.host.settle(Promise.all(appends))
    expect(first).to.have.property('error', 'KAFKA_STORAGE_ERROR')
    await rig.host.advance(HOUR_MS)
    rig.host.files.pathFaults = []
    await rig.stop()
    await rig.start()
    const kept = others.filter((each) => 'baseOffset' in each).length
    expect(rig.manager.getNow('c', 0)!.logEndOffset).to.equal(1 + kept)
  })

  it('is not offline because it is full, nor because a batch in it is damaged', async () => {
    const { rig, a, c } = await filled()
    rig.fail('/d1', 'full')
    expect(await rig.append(a)).to.have.property('error', 'KAFKA_STORAGE_ERROR')
    rig.host.files.pathFaults = []
    await rig.host.advance(1000)
    expect(await rig.append(a)).to.have.property('baseOffset', 1)
    await rig.append(c)
    await rig.stop()
    const path = '/d1/c-0/00000000000000000000.log'
    const bytes = rig.host.files.readWhole(path)!
    // What stands there is no batch.
    bytes[16] = 9
    rig.host.files.replaceWhole(path, bytes)
    await rig.start()
    const damaged = await rig.host.settle(rig.manager.getNow('c', 0)!.read(0, readOf))
    expect(damaged).to.not.have.property('error', 'KAFKA_STORAGE_ERROR')
    expect(await rig.append(logBehind(rig.manager.getNow('a', 0)))).to.have.property('baseOffset', 2)
    expect(rig.manager.directories().map(({ failure }) => failure)).to.deep.equal([undefined, undefined])
    expect(c.directory).to.equal('/d1/c-0')
  })

  it('is not offline because of a name that its file system finds too long', async () => {
    const { rig } = await filled()
    const { makeDirectory } = rig.host.files
    rig.host.files.makeDirectory = () => {
      throw Object.assign(new Error('ENAMETOOLONG'), { code: 'ENAMETOOLONG' })
    }
    expect(() => rig.manager.createNow('d', 0, IDS.a!, logConfig())).to.throw('ENAMETOOLONG')
    rig.host.files.makeDirectory = makeDirectory
    await rig.host.advance(1)
    expect(rig.manager.directories().map(({ failure }) => failure)).to.deep.equal([undefined, undefined])
  })

  it('is offline where a log cannot be opened and the directory cannot be listed, and is not where it can', async () => {
    const { rig } = await filled()
    await rig.stop()
    await rig.start()
    rig.fail('/d1/a-0', 'dead')
    expect(() => rig.manager.getNow('a', 0)).to.throw('EIO')
    await rig.host.advance(10)
    expect(rig.manager.getNow('c', 0)?.logEndOffset).to.equal(1)
    rig.fail('/d1', 'dead')
    await rig.host.advance(2000)
    expect(() => rig.manager.getNow('a', 0)).to.throw('the data directory /d1 failed')
    await rig.host.advance(10)
    expect(() => rig.manager.getNow('c', 0)).to.throw('the data directory /d1 failed')
  })

  it('is the broker’s affair where it is the last one', async () => {
    const rig = await new Rig(['/d1']).start()
    const a = rig.create('a')
    await rig.append(a)
    rig.fail('/d1', 'unwritable')
    await rig.append(a)
    expect(rig.failed.map(({ directory, hasOther }) => [directory, hasOther])).to.deep.equal([['/d1', false]])
    expect(() => rig.create('b')).to.throw('the data directory /d1 failed')
  })
})

describe('a log file in the place of another of the same log', () => {
  it('is told as damage, and gives no record for another', async () => {
    const rig = await new Rig(['/data'], { segmentBytes: 100 }).start()
    const log = rig.create('a')
    for (let i = 0; i < 4; i++) await rig.append(log, `value ${i}`)
    await rig.stop()
    const { files } = rig.host
    const path = (offset: number) => `/data/a-0/0000000000000000000${offset}.log`
    files.rename(path(1), '/data/a-0/aside')
    files.rename(path(2), path(1))
    files.rename('/data/a-0/aside', path(2))
    await rig.start()
    const found = rig.manager.getNow('a', 0)!
    for (const [offset, expected] of ['value 0', 'CORRUPT_MESSAGE', 'CORRUPT_MESSAGE', 'value 3'].entries()) {
      const read = await rig.host.settle(found.read(offset, { maxBytes: 1, minOneBatch: true, upToOffset: 4 }))
      if ('error' in read) expect(read.error, `offset ${offset}`).to.equal(expected)
      else expect(Buffer.concat(read.slices).toString(), `offset ${offset}`).to.include(expected)
    }
  })
})
