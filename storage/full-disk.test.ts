import { expect } from 'chai'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { LOG_START_FILE } from './checkpoint-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import type { Log } from './log/log.ts'
import { logConfig } from './log-config.fixture.ts'
import { logBehind, managerSettings } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'
import type { LogConfig } from './partition-log.ts'
import { RESERVE_FILE } from './space-reserve.ts'
import { silentStorageLogger } from './storage-logger.ts'

const HOUR_MS = 3_600_000
const IDS: Record<string, string> = { small: 'AAAAAAAAAAAAAAAAAAAABQ', big: 'AAAAAAAAAAAAAAAAAAAABg' }

class Rig {
  readonly host = new SimulatedHost(1)
  readonly #config: LogConfig
  #producerId = 1
  readonly errors: string[] = []
  manager!: LogManager

  constructor(config: Partial<LogConfig> = {}) {
    const bySegments = { retentionMs: HOUR_MS, segmentBytes: 1_100_000, fileDeleteDelayMs: 1000, ...config }
    this.#config = logConfig(bySegments)
  }

  async start(): Promise<this> {
    const directories = [{ path: '/data', directoryId: 'x' }]
    const logger = { ...silentStorageLogger, error: (_: object, message: string) => this.errors.push(message) }
    this.manager = new LogManager({ host: this.host, directories, settings: managerSettings, logger })
    await this.host.settle(this.manager.start(() => this.#config))
    return this
  }

  create(name: string): Log {
    return logBehind(this.manager.createNow(name, 0, IDS[name]!, this.#config))
  }

  /** From a separate producer, so that a snapshot of the producers takes room. */
  append(log: Log, size: number, leaderEpoch = 0) {
    const nowMs = this.host.clock.nowMs()
    const producer = { producerId: this.#producerId++, producerEpoch: 0, baseSequence: 0 }
    const batch = buildBatch([{ value: Buffer.alloc(size), timestamp: nowMs }], producer)
    return this.host.settle(log.append(batch, { origin: 'client', leaderEpoch, nowMs }))
  }

  /** The disk is full to the last byte. */
  fillDisk(): void {
    const { memory } = this.host
    memory.capacityBytes = Number.MAX_SAFE_INTEGER
    memory.capacityBytes -= memory.space('/').freeBytes
  }

  get freeBytes(): number {
    return this.host.memory.space('/').freeBytes
  }
}

describe('a full disk', () => {
  it('does not keep leader epochs from the file for good, whenever it refuses an append', async () => {
    for (let ms = 0; ms < 40; ms++) {
      const rig = await new Rig().start()
      const log = rig.create('small')
      for (const epoch of [1, 2]) await rig.append(log, 10, epoch)
      const flushed = log.flush()
      await rig.host.advance(ms)
      rig.fillDisk()
      await rig.append(log, 10_000, 2)
      await rig.host.settle(flushed)
      rig.host.memory.capacityBytes = Number.POSITIVE_INFINITY
      await rig.host.settle(rig.manager.stop())
      await rig.start()
      expect(rig.create('small').endOffsetForEpoch(1), `${ms} ms`).to.deep.equal({ leaderEpoch: 1, endOffset: 1 })
      await rig.host.settle(rig.manager.stop())
    }
  })

  for (const names of [
    ['small', 'big'],
    ['big', 'small'],
  ]) {
    for (const segments of [1, 5]) {
      it(`gets room from retention: ${names.join(' before ')}, ${segments} segments`, async () => {
        const rig = await new Rig().start()
        for (const name of names) {
          const log = rig.create(name)
          for (let i = 0; i < (name === 'big' ? segments : 1); i++) await rig.append(log, name === 'big' ? 900_000 : 10)
        }
        rig.fillDisk()
        await rig.host.advance(5 * HOUR_MS)
        expect(rig.freeBytes).to.be.at.least(segments * 900_000 - 300_000)
        const big = rig.create('big')
        expect([big.logStartOffset, big.logEndOffset]).to.deep.equal([segments, segments])
        expect(await rig.append(big, 10)).to.have.property('baseOffset', segments)
      })
    }
  }

  it('knows the producers of a log that retention emptied, after a crash too', async () => {
    const rig = await new Rig().start()
    await rig.append(rig.create('big'), 900_000)
    rig.fillDisk()
    await rig.host.advance(3 * HOUR_MS)
    rig.host.crash()
    await rig.start()
    const log = rig.create('big')
    expect([log.logStartOffset, log.logEndOffset]).to.deep.equal([1, 1])
    expect(log.activeProducers().map(({ producerId }) => producerId)).to.deep.equal([1])
  })

  it('takes a deletion of records at once, even where an append was refused a moment before, and for good', async () => {
    const rig = await new Rig({ segmentBytes: 100_000, maxMessageBytes: 200_000 }).start()
    const log = rig.create('big')
    for (let i = 0; i < 5; i++) await rig.append(log, 90_000)
    rig.fillDisk()
    expect(await rig.append(log, 90_000)).to.have.property('error', 'KAFKA_STORAGE_ERROR')
    expect(await rig.host.settle(log.deleteRecordsBefore(3))).to.equal(undefined)
    expect(rig.host.files.readWhole(`/data/${LOG_START_FILE}`)?.toString()).to.include('big 0 3')
    rig.host.crash()
    await rig.start()
    expect(rig.create('big').logStartOffset).to.equal(3)
  })

  it('is logged once while appends are refused, also if small ones fit in between', async () => {
    const rig = await new Rig({ maxMessageBytes: 200_000 }).start()
    const log = rig.create('big')
    rig.fillDisk()
    rig.host.memory.capacityBytes += 20_000
    const refusals = async () => {
      for (let i = 0; i < 5; i++) {
        expect(await rig.append(log, 90_000)).to.have.property('error', 'KAFKA_STORAGE_ERROR')
        await rig.host.advance(1500)
        expect(await rig.append(log, 10)).to.have.property('baseOffset')
      }
    }
    await refusals()
    expect(rig.errors).to.deep.equal(['the disk is full: appends are refused until there is free space'])
    await rig.host.advance(60_000)
    await refusals()
    expect(rig.errors).to.have.length(2)
  })

  it('has its reserve again once there is room', async () => {
    const rig = await new Rig().start()
    const log = rig.create('big')
    for (let i = 0; i < 3; i++) await rig.append(log, 900_000)
    const hasReserve = () => rig.host.files.exists(`/data/${RESERVE_FILE}`)
    expect(hasReserve()).to.equal(true)
    rig.fillDisk()
    await rig.host.settle(log.deleteRecordsBefore(1))
    expect(hasReserve()).to.equal(false)
    await rig.host.advance(5 * HOUR_MS)
    expect(hasReserve()).to.equal(true)
  })
})
