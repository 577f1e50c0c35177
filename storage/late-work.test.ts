import { expect } from 'chai'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { NO_FAULTS } from './host/faulty-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import type { Log } from './log/log.ts'
import { logConfig } from './log-config.fixture.ts'
import { logBehind, managerSettings } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'
import type { LogConfig } from './partition-log.ts'

const DIRECTORY = '/data/t-0'
const OLD_ID = 'AAAAAAAAAAAAAAAAAAAABQ'
const NEW_ID = 'AAAAAAAAAAAAAAAAAAAABg'
const SEEDS = 25

class Rig {
  readonly host: SimulatedHost
  readonly config: LogConfig
  readonly complaints: string[] = []
  manager!: LogManager

  constructor(seed: number, config: Partial<LogConfig> = {}) {
    this.host = new SimulatedHost(seed)
    this.config = logConfig({ indexIntervalBytes: 0, maxMessageBytes: 10_000_000, ...config })
  }

  async start(): Promise<this> {
    const complain = (fields: object, message: string) => this.complaints.push(`${message} ${JSON.stringify(fields)}`)
    this.manager = new LogManager({
      host: this.host,
      directories: [{ path: '/data', directoryId: 'x' }],
      settings: { ...managerSettings, logCleanerBackoffMs: 5, logCleanerDedupeBufferSize: 1 << 20 },
      logger: { error: complain, warn: complain, info() {} },
    })
    await this.host.settle(this.manager.start(() => this.config))
    return this
  }

  create(topicId: string): Log {
    return logBehind(this.manager.createNow('t', 0, topicId, this.config))
  }

  /** Stages a record; its write is under way when this returns. */
  append(log: Log, key: string, size = 10) {
    const nowMs = this.host.clock.nowMs()
    const batch = buildBatch([{ key, value: Buffer.alloc(size, key), timestamp: nowMs }])
    return log.append(batch, { origin: 'client', leaderEpoch: 0, nowMs })
  }

  /** Files of the log's directory, with their sizes. */
  files(): Record<string, number> {
    const { files } = this.host
    const names = files.list(DIRECTORY).sort()
    return Object.fromEntries(names.map((name) => [name, files.stat(files.join(DIRECTORY, name))!.size]))
  }
}

describe('a log that is deleted while work on it is under way', () => {
  /** Work in flight when the log is deleted. */
  const works: Readonly<Record<string, (rig: Rig, log: Log) => unknown>> = {
    'a write': (rig, log) => {
      for (let i = 0; i < 700; i++) rig.append(log, `old ${i}`, 400)
    },
    'writes to several segments': (rig, log) => {
      for (let i = 0; i < 9; i++) rig.append(log, `old ${i}`, 100_000)
    },
    'a flush': (rig, log) => {
      for (let i = 0; i < 5; i++) rig.append(log, `old ${i}`)
      return log.flush()
    },
    'a compaction': (rig, log) => {
      for (let i = 0; i < 40; i++) rig.append(log, `old ${i % 3}`, 20_000)
      return rig.host.timers.after(2, () => rig.append(log, 'old last', 380_000))
    },
  }

  for (const [name, begin] of Object.entries(works)) {
    it(`leaves alone the log that then has its name: ${name}`, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const compacted = { cleanupPolicy: ['compact'], minCleanableDirtyRatio: 0, segmentBytes: 400_000 }
        const rig = await new Rig(seed, { ...compacted, fileDeleteDelayMs: 3 }).start()
        const { host, manager } = rig
        host.files.rates = { ...NO_FAULTS, slowSync: 2 }
        begin(rig, rig.create(OLD_ID))
        await host.advance(host.random.below(80) / 8)
        manager.delete('t', 0)
        const fresh = rig.create(NEW_ID)
        const before = rig.files()
        await host.advance(host.random.below(20_000))
        expect(rig.files(), `seed ${seed}, before the first append`).to.deep.equal(before)
        for (const key of ['new 0', 'new 1']) await host.settle(rig.append(fresh, key))
        await host.settle(manager.stop())
        await rig.start()
        const log = manager === rig.manager ? fresh : logBehind(rig.manager.getNow('t', 0))
        for (const offset of [0, 1]) {
          const read = await host.settle(log.read(offset, { maxBytes: 1, minOneBatch: true, upToOffset: 2 }))
          const bytes = 'slices' in read ? Buffer.concat(read.slices) : Buffer.alloc(0)
          expect(bytes.includes(`new ${offset}`), `seed ${seed}, offset ${offset}`).to.equal(true)
        }
        expect(log.logEndOffset).to.equal(2)
        expect(rig.complaints, `seed ${seed}`).to.deep.equal([])
        await host.settle(rig.manager.stop())
      }
    })
  }

  it('refuses the appends whose writes are under way', async () => {
    const rig = await new Rig(1).start()
    const appends = Array.from({ length: 300 }, (_, i) => rig.append(rig.create(OLD_ID), `old ${i}`, 1000))
    await rig.host.advance(0)
    rig.manager.delete('t', 0)
    for (const outcome of await rig.host.settle(Promise.all(appends))) {
      expect(outcome).to.have.property('error', 'KAFKA_STORAGE_ERROR')
    }
  })

  it('does not keep the broker from stopping', async () => {
    const rig = await new Rig(1, {
      cleanupPolicy: ['compact'],
      minCleanableDirtyRatio: 0,
      segmentBytes: 400_000,
    }).start()
    for (let ms = 0; ms < 30; ms++) {
      works['a compaction']!(rig, rig.create(OLD_ID))
      await rig.host.advance(ms)
      rig.manager.delete('t', 0)
    }
    await rig.host.settle(rig.manager.stop())
  })
})

describe('a log that is cut while work on it is under way', () => {
  it('does not take what an older flush synced for what stands there now', async () => {
    const rig = await new Rig(1).start()
    const log = rig.create(OLD_ID)
    for (let i = 0; i < 10; i++) await rig.host.settle(rig.append(log, `old ${i}`))
    rig.host.files.rates = { ...NO_FAULTS, slowSync: 1 }
    const flushing = log.flush()
    await rig.host.advance(5)
    await rig.host.settle(log.truncateTo(3))
    rig.host.files.rates = NO_FAULTS
    for (let i = 0; i < 10; i++) await rig.host.settle(rig.append(log, `new ${i}`))
    await rig.host.settle(flushing)
    expect(log.recoveryPoint).to.be.at.most(3)
    await rig.host.settle(log.flush())
    expect(log.recoveryPoint).to.equal(13)
  })

  it('cuts after the appends that came in the turn in which the earlier ones were written', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const rig = await new Rig(seed).start()
      const log = rig.create(OLD_ID)
      const first = rig.append(log, 'first')
      const cut = log.truncateTo(0)
      // The queue is idle again once the first append is answered; the truncation has not continued yet.
      const second = first.then(() => rig.append(log, 'second'))
      await rig.host.settle(Promise.all([cut, second]))
      const third = await rig.host.settle(rig.append(log, 'third'))
      const { logEndOffset } = log
      expect(third, `seed ${seed}`).to.include({ lastOffset: logEndOffset - 1 })
      const at = logEndOffset - 1
      const read = await rig.host.settle(log.read(at, { maxBytes: 1000, minOneBatch: true, upToOffset: logEndOffset }))
      expect('slices' in read && Buffer.concat(read.slices).includes('third'), `seed ${seed}`).to.equal(true)
      await rig.host.settle(rig.manager.stop())
      await rig.start()
      expect(rig.manager.getNow('t', 0)!.logEndOffset, `seed ${seed}, after a restart`).to.equal(logEndOffset)
      expect(rig.complaints, `seed ${seed}`).to.deep.equal([])
    }
  })
})

describe('a log whose old segments go while work on it is under way', () => {
  it('stays in use after a flush finds a file gone when its turn has come', async () => {
    for (let delayMs = 0; delayMs < 20_000; delayMs += 500) {
      const rig = await new Rig(1, { segmentBytes: 100, retentionMs: 1 }).start()
      const other = logBehind(rig.manager.createNow('u', 0, NEW_ID, rig.config))
      const log = rig.create(OLD_ID)
      // Syncs of two logs wait for each other.
      rig.host.files.rates = { ...NO_FAULTS, slowSync: 1 }
      for (let i = 0; i < 3; i++) for (const each of [other, log]) rig.append(each, `old ${i}`)
      await rig.host.advance(delayMs)
      log.deleteOldSegments(rig.host.clock.nowMs() + 10)
      await rig.host.advance(60_000)
      expect(rig.complaints, `after ${delayMs} ms`).to.deep.equal([])
    }
  })
})
