import { expect } from 'chai'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { CLEAN_SHUTDOWN_FILE, RECOVERY_POINT_FILE } from './checkpoint-files.ts'
import { type PathEffect, within } from './host/faulty-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import type { Log } from './log/log.ts'
import { logConfig } from './log-config.fixture.ts'
import { managerSettings } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'
import type { LogConfig } from './partition-log.ts'

const HOUR_MS = 3_600_000
const IDS: Record<string, string> = { a: 'AAAAAAAAAAAAAAAAAAAABQ', b: 'AAAAAAAAAAAAAAAAAAAABg' }

/** A manager with several data directories; a test can make parts of the disk fail. */
class Rig {
  readonly host = new SimulatedHost(1)
  readonly errors: string[] = []
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
    })
    await this.host.settle(this.manager.start(() => this.#config))
    return this
  }

  create(topic: string): Log {
    return this.manager.create(topic, 0, IDS[topic]!, this.#config) as Log
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
    expect(rig.manager.get('b', 0)!.logStartOffset).to.equal(1)
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
    const log = rig.manager.get('b', 0)!
    const read = await rig.host.settle(log.read(0, { maxBytes: 1000, minOneBatch: true, upToOffset: 2 }))
    expect(read).to.have.property('sizeBytes')
    const kept = rig.host.files.readWhole('/data/b-0/00000000000000000000.log')!
    expect(kept.includes('value 0')).to.equal(false)
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
    await rig.host.advance(1000)
    expect(rig.create('a').directory).to.equal('/d1/a-0')
  })

  it('is left for another where not even the directory of a new log could be made', async () => {
    const rig = await new Rig(['/d1', '/d2']).start()
    rig.fail('/d1', 'dead')
    expect(() => rig.create('a')).to.throw('EIO')
    expect(rig.create('a').directory).to.equal('/d2/a-0')
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
    const found = rig.manager.get('a', 0)!
    for (const [offset, expected] of ['value 0', 'CORRUPT_MESSAGE', 'CORRUPT_MESSAGE', 'value 3'].entries()) {
      const read = await rig.host.settle(found.read(offset, { maxBytes: 1, minOneBatch: true, upToOffset: 4 }))
      if ('error' in read) expect(read.error, `offset ${offset}`).to.equal(expected)
      else expect(Buffer.concat(read.slices).toString(), `offset ${offset}`).to.include(expected)
    }
  })
})
