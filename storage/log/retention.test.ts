import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { MINUTE_MS, Rig } from '../compacted-log.fixture.ts'
import { NO_FAULTS } from '../host/faulty-files.ts'
import { SeededRandom } from '../host/seeded-random.ts'
import { logConfig } from '../log-config.fixture.ts'
import type { LogConfig } from '../partition-log.ts'
import { deletableSegments, type RetentionFacts } from './retention.ts'

const HOUR_MS = 60 * MINUTE_MS
const batchBytes = buildBatch([{ value: 'v', timestamp: 0 }]).length

/** A log with one batch per segment. */
class Kept extends Rig {
  constructor(changes: Partial<LogConfig> = {}) {
    const each = { cleanupPolicy: ['delete'], segmentBytes: batchBytes, messageTimestampAfterMaxMs: 1000 * HOUR_MS }
    super({ ...each, ...changes }, { logRetentionCheckIntervalMs: MINUTE_MS })
  }

  async put(...timestamps: number[]): Promise<void> {
    for (const timestamp of timestamps) {
      const bytes = buildBatch([{ value: 'v', timestamp }])
      const context = { origin: 'client', leaderEpoch: 0, nowMs: this.nowMs } as const
      const result = await this.host.settle(this.log.append(bytes, context))
      if (isRejection(result)) throw new Error(`${result.error} ${result.message}`)
    }
  }

  /** Runs retention. */
  async passes(): Promise<void> {
    await this.host.advance(2 * MINUTE_MS)
  }

  get deleted(): string[] {
    return this.host.files.list(this.log.directory).filter((name) => name.endsWith('.deleted'))
  }
}

describe('retention', () => {
  let rig: Kept
  const opened = async (changes: Partial<LogConfig> = {}): Promise<number> => {
    rig = await new Kept(changes).open()
    return rig.nowMs
  }
  afterEach(() => rig?.stop())

  it('retention.ms: by the timestamps of records, whenever they came', async () => {
    const now = await opened({ retentionMs: 2 * HOUR_MS })
    await rig.put(now - 3 * HOUR_MS, now - 3 * HOUR_MS, now - HOUR_MS, now - 3 * HOUR_MS, now)
    await rig.passes()
    // The third segment is young, so those after it are kept too.
    expect(rig.log.logStartOffset).to.equal(2)
    await rig.host.advance(HOUR_MS)
    expect(rig.log.logStartOffset).to.equal(4)
  })

  it('keeps records that are held back from consumers', async () => {
    const now = await opened({ retentionMs: 2 * HOUR_MS })
    await rig.put(now - 3 * HOUR_MS)
    rig.log.holdHighWatermark(true)
    await rig.put(now - 3 * HOUR_MS, now - 3 * HOUR_MS, now)
    await rig.passes()
    expect(rig.log.logStartOffset).to.equal(1)
    rig.log.holdHighWatermark(false)
    await rig.passes()
    expect(rig.log.logStartOffset).to.equal(3)
  })

  it('may delete records of an open transaction, which stays open over a restart until its marker comes', async () => {
    const now = await opened({ retentionMs: 2 * HOUR_MS, segmentBytes: batchBytes + 10 })
    const records = (baseSequence: number) => ({ producerId: 7, producerEpoch: 0, baseSequence, transactional: true })
    const old = buildBatch([{ value: 'v', timestamp: now - 3 * HOUR_MS }], records(0))
    await rig.host.settle(rig.log.append(old, { origin: 'client', leaderEpoch: 0, nowMs: now }))
    await rig.put(now - 3 * HOUR_MS)
    await rig.append([['k', 'v']], records(1))
    expect(rig.log.lastStableOffset).to.equal(0)
    await rig.passes()
    for (const isRestarted of [false, true]) {
      if (isRestarted) await rig.restart()
      expect([rig.log.logStartOffset, rig.log.lastStableOffset, rig.log.highWatermark]).to.deep.equal([2, 2, 3])
      expect(rig.log.hasOpenTransaction(7, 0)).to.equal(true)
    }
    await rig.end('ABORT', 7)
    expect(rig.log.lastStableOffset).to.equal(4)
    await rig.restart()
    const aborted = [{ producerId: 7, firstOffset: 0, lastOffset: 3, lastStableOffset: 4 }]
    expect(await rig.log.abortedTransactions(2, 4)).to.deep.equal(aborted)
    expect(rig.log.lastStableOffset).to.equal(4)
  })

  it('has its log start offset checkpointed until the removal of segments would survive a power loss', async () => {
    const now = await opened({ retentionMs: 2 * HOUR_MS })
    await rig.put(now - 3 * HOUR_MS, now - 3 * HOUR_MS, now)
    expect(rig.log.deleteOldSegments(rig.nowMs)).to.equal(2)
    expect(rig.log.mayRegainSegments).to.equal(true)
    await rig.host.advance(1000)
    expect(rig.log.mayRegainSegments).to.equal(false)
  })

  it('does not bring back over a power loss what DeleteRecords was answered for', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const now = await opened({ retentionMs: 2 * HOUR_MS })
      await rig.put(now - 3 * HOUR_MS, now - 3 * HOUR_MS, now)
      await rig.host.settle(rig.log.flush())
      expect(rig.log.deleteOldSegments(rig.nowMs)).to.equal(2)
      expect(await rig.host.settle(rig.log.deleteRecordsBefore(2))).to.equal(undefined)
      rig.host.crash()
      rig.host.memory.losePower(new SeededRandom(seed))
      await rig.open()
      expect([rig.log.logStartOffset, rig.log.logEndOffset], `seed ${seed}`).to.deep.equal([2, 3])
      await rig.stop()
    }
  })

  it('takes segments of which a flush has yet to write the indexes', async () => {
    for (let ms = 0; ms < 60; ms++) {
      const now = await opened({ retentionMs: 2 * HOUR_MS, segmentBytes: 3 * batchBytes, indexIntervalBytes: 0 })
      rig.host.writesBack = () => true
      const old = now - 3 * HOUR_MS
      await rig.put(old, old, old, old + 1, old + 2, old + 3, now)
      await rig.host.advance(ms)
      expect(rig.log.deleteOldSegments(rig.nowMs)).to.equal(2)
      await rig.host.advance(1000)
      expect([rig.log.failure, rig.log.mayRegainSegments], `${ms} ms`).to.deep.equal([undefined, false])
      expect(rig.host.files.list(rig.log.directory).filter((name) => /^0+[03]\..*index$/.test(name))).to.deep.equal([])
      await rig.stop()
    }
  })

  it('retention.ms: a timestamp in the future keeps its segment until it is past', async () => {
    const now = await opened({ retentionMs: HOUR_MS })
    await rig.put(now + 100 * HOUR_MS, now)
    await rig.host.advance(50 * HOUR_MS)
    expect(rig.log.logStartOffset).to.equal(0)
    await rig.host.advance(52 * HOUR_MS)
    expect(rig.log.logStartOffset).to.equal(2)
  })

  for (const restarts of [false, true]) {
    it(`retention.ms: by the time of the last write where records have no timestamps${restarts ? ', over a restart' : ''}`, async () => {
      await opened({ retentionMs: HOUR_MS })
      await rig.put(-1, -1)
      await rig.host.advance(30 * MINUTE_MS)
      if (restarts) {
        await rig.stop()
        await rig.open()
      }
      await rig.put(-1)
      await rig.host.advance(35 * MINUTE_MS)
      expect(rig.log.logStartOffset).to.equal(2)
      await rig.host.advance(30 * MINUTE_MS)
      expect(rig.log.logStartOffset).to.equal(3)
    })
  }

  it('retention.ms: the last segment goes too, once it is old; an empty one does not', async () => {
    const now = await opened({ retentionMs: HOUR_MS })
    await rig.put(now, now)
    await rig.host.advance(2 * HOUR_MS)
    expect([rig.log.logStartOffset, rig.log.logEndOffset, rig.log.sizeBytes]).to.deep.equal([2, 2, 0])
    const [segment] = rig.log.segments
    await rig.host.advance(10 * HOUR_MS)
    expect(rig.log.segments).to.deep.equal([segment])
    await rig.put(rig.nowMs)
    expect(rig.log.logEndOffset).to.equal(3)
  })

  it('of a log that is offline keeps no producer of a batch that never came to the disk', async () => {
    const now = await opened({ retentionMs: HOUR_MS, segmentBytes: 10_000, flushMessages: 1 })
    const { host } = rig
    const send = (baseSequence: number) => {
      const records = [{ value: 'v', timestamp: now }]
      const bytes = buildBatch(records, { producerId: 1, producerEpoch: 0, baseSequence })
      return host.settle(rig.log.append(bytes, { origin: 'client', leaderEpoch: 0, nowMs: rig.nowMs }))
    }
    await send(0)
    host.files.rates = { ...NO_FAULTS, syncError: 1 }
    expect(await send(1)).to.include({ error: 'KAFKA_STORAGE_ERROR' })
    host.files.rates = NO_FAULTS
    await host.advance(2 * HOUR_MS)
    host.crash()
    await rig.open()
    const again = await send(1)
    if (isRejection(again)) throw new Error(again.error)
    expect(again.baseOffset, 'what is answered is there').to.be.below(rig.log.logEndOffset)
  })

  it('retention.ms=-1 keeps everything', async () => {
    await opened({ retentionMs: -1 })
    await rig.put(0, 0, 0)
    await rig.host.advance(10 * HOUR_MS)
    expect(rig.log.logStartOffset).to.equal(0)
  })

  it('retention.bytes: as many segments as leave at least so much', async () => {
    const now = await opened({ retentionBytes: 3 * batchBytes, retentionMs: -1 })
    await rig.put(now, now, now)
    await rig.passes()
    expect(rig.log.logStartOffset).to.equal(0)
    await rig.put(now, now)
    await rig.passes()
    expect(rig.log.logStartOffset).to.equal(2)
    rig.manager.updateConfig('topic', { ...rig.config, retentionBytes: 3 * batchBytes - 1 })
    await rig.passes()
    expect(rig.log.logStartOffset, 'a byte less than three segments').to.equal(2)
  })

  it('a setting that is changed is in force at the next pass, also for a log that nobody has opened', async () => {
    const now = await opened({ retentionMs: 100 * HOUR_MS })
    await rig.put(now, now)
    await rig.passes()
    await rig.host.advance(HOUR_MS)
    await rig.stop()
    let config = rig.config
    await rig.host.settle(
      (async () => {
        rig.manager = rig.newManager()
        await rig.manager.start(() => config)
      })(),
    )
    await rig.passes()
    const logFiles = () => rig.host.files.list('/data/topic-0').filter((name) => name.endsWith('.log'))
    expect(logFiles()).to.have.length(2)
    config = { ...config, retentionMs: MINUTE_MS }
    rig.manager.updateConfig('topic', config)
    await rig.passes()
    expect(logFiles()).to.deep.equal(['00000000000000000002.log'])
  })

  it('DeleteRecords: segments below the start go, whatever cleanup.policy says, and stay away over a crash', async () => {
    for (const cleanupPolicy of [['delete'], ['compact'], []]) {
      await opened({ cleanupPolicy, retentionMs: -1, minCleanableDirtyRatio: 1, segmentBytes: batchBytes + 5 })
      for (let i = 0; i < 5; i++) await rig.append([['k', `${i}`]])
      await rig.host.settle(rig.log.deleteRecordsBefore(3))
      await rig.passes()
      expect(rig.log.segments.map(({ baseOffset }) => baseOffset)).to.deep.equal([3, 4])
      rig.host.crash()
      await rig.open()
      expect([rig.log.logStartOffset, rig.log.logEndOffset]).to.deep.equal([3, 5])
    }
  })

  it('file.delete.delay.ms: files stay so long under another name', async () => {
    const now = await opened({ retentionMs: 1000, fileDeleteDelayMs: 10 * MINUTE_MS })
    await rig.put(now, now)
    while (rig.log.logStartOffset === 0) await rig.host.advance(10_000)
    expect(rig.deleted).to.include.members([
      '00000000000000000000.log.deleted',
      '00000000000000000000.index.deleted',
      '00000000000000000000.timeindex.deleted',
      '00000000000000000001.log.deleted',
    ])
    await rig.host.advance(9 * MINUTE_MS)
    expect(rig.deleted).not.to.deep.equal([])
    await rig.host.advance(2 * MINUTE_MS)
    expect(rig.deleted).to.deep.equal([])
  })

  it('log.initial.task.delay.ms: comes by so long after the start, then at log.retention.check.interval.ms', async () => {
    rig = new Kept({ retentionMs: MINUTE_MS })
    Object.assign(rig.settings, { logInitialTaskDelayMs: 5 * MINUTE_MS, logRetentionCheckIntervalMs: 20 * MINUTE_MS })
    await rig.open()
    await rig.put(0)
    await rig.host.advance(4.5 * MINUTE_MS)
    expect(rig.log.logStartOffset).to.equal(0)
    await rig.host.advance(MINUTE_MS)
    expect(rig.log.logStartOffset).to.equal(1)
    await rig.put(0)
    await rig.host.advance(19 * MINUTE_MS)
    expect(rig.log.logStartOffset).to.equal(1)
    await rig.host.advance(MINUTE_MS)
    expect(rig.log.logStartOffset).to.equal(2)
  })
})

/** Segments of ten offsets and 100 bytes each, from 0 on. Each number is a segment's age in milliseconds. */
const segmentsOf = (...ages: number[]) =>
  ages.map((age, i) => ({ baseOffset: 10 * i, sizeBytes: 100, retentionTimestampMs: 1000 - age }))

describe('segments that retention may take', () => {
  const facts = (changes: Partial<RetentionFacts> = {}): RetentionFacts => ({
    nowMs: 1000,
    highWatermark: 1000,
    logStartOffset: 0,
    logEndOffset: 40,
    ...changes,
  })
  const cases: [string, number[], Partial<LogConfig>, Partial<RetentionFacts>, number[]][] = [
    ['older than retention.ms', [9, 8, 7, 6], { retentionMs: 7 }, {}, [0, 10]],
    ['as old as retention.ms: not yet', [7, 7, 7, 7], { retentionMs: 7 }, {}, []],
    ['none at the high watermark', [9, 9, 9, 9], { retentionMs: 1 }, { highWatermark: 25 }, [0, 10]],
    [
      'none of which the end is the high watermark and a byte less',
      [9, 9, 9, 9],
      { retentionMs: 1 },
      { highWatermark: 19 },
      [0],
    ],
    ['by size as long as the limit is left', [1, 1, 1, 1], { retentionMs: -1, retentionBytes: 250 }, {}, [0]],
    ['all by size 0', [1, 1, 1, 1], { retentionMs: -1, retentionBytes: 0 }, {}, [0, 10, 20, 30]],
    [
      'first by start, then by size of what is left',
      [1, 1, 1, 1],
      { retentionMs: -1, retentionBytes: 200 },
      { logStartOffset: 10 },
      [0, 10],
    ],
    [
      'below the start, without delete',
      [9, 9, 9, 9],
      { cleanupPolicy: ['compact'], retentionMs: 1, retentionBytes: 0 },
      { logStartOffset: 25 },
      [0, 10],
    ],
    [
      'never the last one for the start alone',
      [1, 1, 1, 1],
      { cleanupPolicy: [] },
      { logStartOffset: 40 },
      [0, 10, 20],
    ],
  ]
  for (const [what, ages, config, changes, bases] of cases) {
    it(what, () => {
      const found = deletableSegments(segmentsOf(...ages), logConfig(config), facts(changes))
      expect(found.map(({ baseOffset }) => baseOffset)).to.deep.equal(bases)
    })
  }
})

describe('producers that have been silent', () => {
  it('producer.id.expiration.ms: are forgotten after so long, and a change is in force at the next look', async () => {
    const rig = new Kept({ retentionMs: -1, segmentBytes: 1_000_000 })
    const settings = rig.settings as { producerIdExpirationMs: number; producerIdExpirationCheckIntervalMs: number }
    settings.producerIdExpirationMs = 5 * HOUR_MS
    settings.producerIdExpirationCheckIntervalMs = MINUTE_MS
    await rig.open()
    await rig.append([['k', 'v']], { producerId: 7, producerEpoch: 0, baseSequence: 0 })
    await rig.host.advance(HOUR_MS)
    expect(rig.log.activeProducers()).to.have.length(1)
    settings.producerIdExpirationMs = HOUR_MS / 2
    await rig.host.advance(2 * MINUTE_MS)
    expect(rig.log.activeProducers()).to.deep.equal([])
    await rig.stop()
  })
})
