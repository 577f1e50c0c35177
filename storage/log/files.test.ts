import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { MINUTE_MS, Rig } from '../compacted-log.fixture.ts'
import { nodeHost } from '../host/node-host.ts'
import { logConfig } from '../log-config.fixture.ts'
import { newManager, TOPIC, TOPIC_ID } from '../log-manager.fixture.ts'
import type { LogConfig } from '../partition-log.ts'

const batchOf = (timestamp: number): Buffer => buildBatch([{ value: 'v', timestamp }])
const batchBytes = batchOf(0).length

class Filed extends Rig {
  constructor(changes: Partial<LogConfig> = {}) {
    super({ cleanupPolicy: ['delete'], retentionMs: -1, segmentBytes: 1_000_000, ...changes })
  }

  async put(...timestamps: number[]): Promise<void> {
    for (const timestamp of timestamps) {
      const context = { origin: 'client', leaderEpoch: 0, nowMs: this.nowMs } as const
      const result = await this.host.settle(this.log.append(batchOf(timestamp), context))
      if (isRejection(result)) throw new Error(`${result.error} ${result.message}`)
    }
  }

  /** Size of the log file with that base offset. */
  size(baseOffset: number, suffix = '.log'): number | undefined {
    const name = `${String(baseOffset).padStart(20, '0')}${suffix}`
    return this.host.files.stat(`${this.log.directory}/${name}`)?.size
  }
}

describe('files of a log', () => {
  let rig: Filed
  const opened = async (changes: Partial<LogConfig> = {}): Promise<number> => {
    rig = await new Filed(changes).open()
    return rig.nowMs
  }
  afterEach(() => rig.stop())

  it('index.interval.bytes: an entry for the first batch after so many bytes, and none before', async () => {
    const now = await opened({ indexIntervalBytes: 3 * batchBytes })
    await rig.put(...Array.from({ length: 20 }, (_, i) => now + i))
    const { offsetIndex, timeIndex } = rig.log.segments[0]!
    const entries = Array.from({ length: offsetIndex.count }, (_, i) => offsetIndex.entry(i))
    expect(entries).to.deep.equal(
      // The fourth batch exceeds three batches' bytes, so the fifth gets the entry.
      [4, 8, 12, 16].map((offset) => ({ offset, position: offset * batchBytes })),
    )
    const times = Array.from({ length: timeIndex.count }, (_, i) => timeIndex.entry(i))
    expect(times).to.deep.equal([4, 8, 12, 16].map((offset) => ({ offset, timestampMs: now + offset })))
  })

  it('a closed segment ends its time index with its latest record', async () => {
    const now = await opened({ segmentBytes: 3 * batchBytes })
    await rig.put(now, now + 7, now + 1, now)
    const { timeIndex } = rig.log.segments[0]!
    expect([timeIndex.count, timeIndex.last()]).to.deep.equal([1, { timestampMs: now + 7, offset: 1 }])
    expect(rig.size(0, '.timeindex')).to.equal(12)
  })

  it('preallocate: the file of a new segment has its full size, which no reader sees, and loses it when it is closed', async () => {
    const segmentBytes = 3 * batchBytes + 5
    const now = await opened({ segmentBytes, preallocate: true })
    await rig.put(now)
    expect([rig.size(0), rig.log.sizeBytes]).to.deep.equal([segmentBytes, batchBytes])
    await rig.put(now, now, now)
    expect([rig.size(0), rig.size(3)]).to.deep.equal([3 * batchBytes, segmentBytes])
    expect((await rig.batches()).map(({ baseOffset }) => baseOffset)).to.deep.equal([0, 1, 2, 3])
    expect(rig.log.sizeBytes).to.equal(4 * batchBytes)
    await rig.stop()
    expect(rig.size(3)).to.equal(batchBytes)
    await rig.open()
    await rig.put(now)
    expect((await rig.batches()).map(({ baseOffset }) => baseOffset)).to.deep.equal([0, 1, 2, 3, 4])
  })

  it('preallocate: after a crash the zeros behind the last batch are no fault of the log', async () => {
    const now = await opened({ segmentBytes: 3 * batchBytes, preallocate: true })
    await rig.put(now, now, now, now)
    rig.host.crash()
    await rig.open()
    expect([rig.log.logEndOffset, rig.log.sizeBytes, rig.size(3)]).to.deep.equal([4, 4 * batchBytes, batchBytes])
    await rig.put(now)
    expect((await rig.batches()).map(({ baseOffset }) => baseOffset)).to.deep.equal([0, 1, 2, 3, 4])
  })

  it('preallocate: retention goes by what is in a segment, not by what its file could hold', async () => {
    const now = await opened({ segmentBytes: 10 * batchBytes, preallocate: true, retentionBytes: 3 * batchBytes })
    await rig.put(...Array.from({ length: 12 }, () => now))
    await rig.host.advance(6 * MINUTE_MS)
    expect(rig.log.logStartOffset).to.equal(0)
    await rig.put(now)
    await rig.host.advance(6 * MINUTE_MS)
    expect(rig.log.logStartOffset).to.equal(10)
  })

  it('flush.ms: the log is forced to the disk when that is over, at the pace of log.flush.scheduler.interval.ms', async () => {
    rig = new Filed({ flushMs: 10 * MINUTE_MS })
    Object.assign(rig.settings, { logFlushSchedulerIntervalMs: MINUTE_MS })
    await rig.open()
    await rig.put(rig.nowMs)
    await rig.host.advance(9 * MINUTE_MS)
    expect(rig.log.recoveryPoint).to.equal(0)
    await rig.host.advance(2 * MINUTE_MS)
    expect(rig.log.recoveryPoint).to.equal(1)
    rig.manager.updateConfig(TOPIC, { ...rig.config, flushMs: 1 })
    await rig.put(rig.nowMs)
    await rig.host.advance(MINUTE_MS + 1000)
    expect(rig.log.recoveryPoint, 'a change is in force at once').to.equal(2)
  })

  it('flush.messages: after so many records, not before', async () => {
    const now = await opened({ flushMessages: 3 })
    const synced: string[] = []
    const { open } = rig.host.files
    rig.host.files.open = (path, mode) => {
      const handle = open.call(rig.host.files, path, mode)
      const { sync } = handle
      handle.sync = () => {
        if (path.endsWith('.log')) synced.push(path)
        return sync.call(handle)
      }
      return handle
    }
    await rig.stop()
    await rig.open()
    synced.length = 0
    const counts: number[] = []
    for (let i = 0; i < 7; i++) {
      await rig.put(now)
      counts.push(synced.length)
    }
    expect(counts).to.deep.equal([0, 0, 1, 1, 1, 2, 2])
  })
})

describe('files of a log on a real disk', () => {
  it('indexes take no room while they are empty', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ottla-files-'))
    const host = nodeHost((reason) => {
      throw reason
    })
    const manager = newManager(host, directory)
    await manager.start(() => logConfig())
    manager.createNow(TOPIC, 0, TOPIC_ID, logConfig())
    const names = readdirSync(join(directory, `${TOPIC}-0`)).filter((name) => name.endsWith('index'))
    expect(names.sort()).to.deep.equal(['00000000000000000000.index', '00000000000000000000.timeindex'])
    for (const name of names) {
      const { size, blocks } = statSync(join(directory, `${TOPIC}-0`, name))
      expect([size, blocks], name).to.deep.equal([0, 0])
    }
    await manager.stop()
    rmSync(directory, { recursive: true })
  })
})
