import { expect } from 'chai'
import { isRejection } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { batchesOf } from '../protocol/records/record-batch.ts'
import type { Host } from './host/host.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { WindowsFiles } from './host/windows-files.fixture.ts'
import type { Log } from './log/log.ts'
import { logConfig } from './log-config.fixture.ts'
import { logBehind, managerSettings, TOPIC, TOPIC_ID } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'
import type { LogConfig } from './partition-log.ts'
import { silentStorageLogger } from './storage-logger.ts'

const MINUTE_MS = 60_000
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAABg'

/** A manager of logs on files that refuse to be renamed or removed while they are open. */
class Rig {
  readonly simulated = new SimulatedHost()
  readonly host: Host
  readonly config: LogConfig
  readonly complaints: string[] = []
  manager!: LogManager

  constructor(changes: Partial<LogConfig>) {
    this.host = { ...this.simulated, files: new WindowsFiles(this.simulated.files) }
    this.config = logConfig({ segmentBytes: 250, indexIntervalBytes: 50, fileDeleteDelayMs: MINUTE_MS, ...changes })
  }

  async open(): Promise<this> {
    const complain = (fields: object, message: string) => this.complaints.push(`${message} ${JSON.stringify(fields)}`)
    this.manager = new LogManager({
      host: this.host,
      directories: [{ path: '/data', directoryId: 'x' }],
      settings: { ...managerSettings, logCleanerBackoffMs: MINUTE_MS, logRetentionCheckIntervalMs: MINUTE_MS },
      logger: { ...silentStorageLogger, warn: complain, error: complain },
    })
    await this.simulated.settle(this.manager.start(() => this.config))
    this.manager.createNow(TOPIC, 0, TOPIC_ID, this.config)
    return this
  }

  get log(): Log {
    return logBehind(this.manager.getNow(TOPIC, 0))
  }

  async append(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const bytes = buildBatch([{ key: `k${i % 3}`, value: `${i}`, timestamp: this.simulated.clock.nowMs() }])
      const context = { origin: 'client', leaderEpoch: 0, nowMs: this.simulated.clock.nowMs() } as const
      const result = await this.simulated.settle(this.log.append(bytes, context))
      if (isRejection(result)) throw new Error(`${result.error} ${result.message}`)
    }
  }

  read(offset: number) {
    return this.log.read(offset, { maxBytes: 100, minOneBatch: true, upToOffset: this.log.logEndOffset })
  }

  /** Offsets of all batches, read from the files in order. */
  async offsets(): Promise<number[]> {
    const offsets: number[] = []
    for (let at = this.log.logStartOffset; at < this.log.logEndOffset; ) {
      const part = await this.simulated.settle(this.read(at))
      if (isRejection(part)) throw new Error(`${part.error} ${part.message}`)
      offsets.push(...batchesOf(Buffer.concat(part.slices)).batches.map((batch) => batch.baseOffset))
      at = part.nextOffset
      part.release()
    }
    return offsets
  }

  names(directory = `/data/${TOPIC}-0`): string[] {
    return this.host.files.list(directory)
  }

  async stop(): Promise<void> {
    await this.simulated.settle(this.manager.stop())
  }
}

describe('a log where open files can be neither renamed nor removed', () => {
  it('has the rule that Windows has', () => {
    const files = new WindowsFiles(new SimulatedHost().files)
    files.makeDirectory('/d')
    const handle = files.open('/d/f', 'a+')
    for (const refused of [
      () => files.rename('/d/f', '/d/g'),
      () => files.remove('/d/f'),
      () => files.rename('/d', '/e'),
      () => files.replaceWhole('/d/f', ''),
    ]) {
      expect(refused).to.throw('EPERM')
    }
    handle.close()
    files.rename('/d/f', '/d/g')
    expect(files.list('/d')).to.deep.equal(['g'])
  })

  it('rolls, drops old segments, is cut and starts again', async () => {
    const rig = await new Rig({ retentionMs: 10 * MINUTE_MS }).open()
    await rig.append(40)
    await rig.simulated.settle(rig.log.truncateTo(30))
    await rig.append(5)
    await rig.stop()
    await rig.open()
    expect(await rig.offsets()).to.have.length(35)
    while (rig.log.logStartOffset === 0) await rig.simulated.advance(MINUTE_MS / 4)
    expect(rig.log.logStartOffset).to.equal(35)
    expect(rig.names().filter((name) => name.endsWith('.deleted'))).not.to.deep.equal([])
    await rig.simulated.advance(2 * MINUTE_MS)
    expect(rig.names().filter((name) => name.endsWith('.deleted'))).to.deep.equal([])
    expect(rig.names().filter((name) => name.endsWith('.log'))).to.have.length(1)
    expect(rig.complaints).to.deep.equal([])
    await rig.stop()
  })

  it('is compacted while it is read', async () => {
    const rig = await new Rig({ cleanupPolicy: ['compact'], minCleanableDirtyRatio: 0 }).open()
    await rig.append(60)
    await rig.stop()
    await rig.open()
    // Reads under way hold files open when compacted files should replace them.
    let isOver = false
    const reading = (async () => {
      while (!isOver) {
        const results = await Promise.all([0, 10, 20, 30, 40].map((offset) => rig.read(offset)))
        for (const result of results) if (!isRejection(result)) result.release()
        await new Promise<void>((resolve) => rig.host.timers.after(100, resolve))
      }
    })()
    await rig.append(1)
    await rig.simulated.settle(rig.log.flush())
    await rig.simulated.advance(3 * MINUTE_MS)
    isOver = true
    await rig.simulated.settle(reading)
    expect((await rig.offsets()).length).to.be.below(12)
    expect(rig.complaints).to.deep.equal([])
    await rig.stop()
  })

  it('is deleted while it is read, and makes room for the next of its name', async () => {
    const rig = await new Rig({}).open()
    await rig.append(20)
    await rig.stop()
    await rig.open()
    const reading = rig.read(0)
    rig.manager.delete(TOPIC, 0)
    const result = await rig.simulated.settle(reading)
    if (!isRejection(result)) result.release()
    await rig.simulated.advance(1000)
    rig.manager.createNow(TOPIC, 0, OTHER_ID, rig.config)
    expect(rig.log.logEndOffset).to.equal(0)
    await rig.simulated.advance(2 * MINUTE_MS)
    expect(rig.names('/data').filter((name) => name.startsWith(TOPIC))).to.deep.equal([`${TOPIC}-0`])
    expect(rig.complaints).to.deep.equal([])
    await rig.stop()
  })

  it('is deleted while it is read, and nothing stays behind', async () => {
    const rig = await new Rig({}).open()
    await rig.append(20)
    await rig.stop()
    await rig.open()
    const reading = rig.read(0)
    rig.manager.delete(TOPIC, 0)
    const result = await rig.simulated.settle(reading)
    if (!isRejection(result)) result.release()
    await rig.simulated.advance(2 * MINUTE_MS)
    expect(rig.names('/data').filter((name) => name.startsWith(TOPIC))).to.deep.equal([])
    expect(rig.complaints).to.deep.equal([])
    await rig.stop()
  })
})
