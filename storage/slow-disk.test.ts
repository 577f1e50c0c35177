import { expect } from 'chai'
import { isRejection } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { MINUTE_MS, Rig } from './compacted-log.fixture.ts'
import { within } from './host/faulty-files.ts'

const DIRECTORY = '/data/topic-0'
/** Rolls after every third or fourth batch. */
const SMALL = { segmentBytes: 250, indexIntervalBytes: 1 }

/** A log on a disk that is known to be slow. */
async function slowed(rig: Rig): Promise<Rig> {
  await rig.open()
  rig.host.files.pathFaults = [{ concerns: within('/data'), effect: 'slow' }]
  await rig.append([['first', 'value']])
  rig.host.files.stalls.length = 0
  return rig
}

/** The kinds of operations for which the loop waited. Only names are changed there. */
function stalled({ host }: Rig): string[] {
  const ofNames = new Set(['create', 'rename', 'remove'])
  const others = host.files.stalls.filter(({ operation }) => !ofNames.has(operation))
  return others.map(({ operation, path }) => `${operation} ${path}`)
}

async function fill(rig: Rig, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await rig.append([[`key ${i % 2}`, `value ${i}`]])
}

async function offsets(rig: Rig): Promise<number[]> {
  return (await rig.batches()).map(({ baseOffset }) => baseOffset)
}

describe('on a slow disk the loop waits neither for writes nor for syncs', () => {
  let rig: Rig
  afterEach(() => {
    rig.host.files.pathFaults = []
    return rig.stop()
  })

  it('of rolls, whose indexes and snapshots are there after the flush', async () => {
    rig = await slowed(new Rig({ cleanupPolicy: ['delete'], ...SMALL }))
    await fill(rig, 20)
    await rig.host.settle(rig.log.flush())
    expect(stalled(rig)).to.deep.equal([])
    const { files } = rig.host
    const bases = rig.log.segments.map(({ baseOffset }) => baseOffset)
    expect(bases.length).to.be.greaterThan(4)
    for (const base of bases.slice(1)) {
      const stem = `${DIRECTORY}/${String(base).padStart(20, '0')}`
      expect(files.stat(`${stem}.snapshot`)?.size, 'snapshot').to.be.greaterThan(0)
      if (base !== bases.at(-1)) expect(files.stat(`${stem}.timeindex`)?.size, 'time index').to.be.greaterThan(0)
    }
  })

  it('of rolls at the recovery point', async () => {
    rig = await slowed(new Rig({ cleanupPolicy: ['delete'], ...SMALL }))
    for (let i = 0; i < 8; i++) {
      await fill(rig, 1)
      await rig.host.settle(rig.log.flush())
    }
    expect(stalled(rig)).to.deep.equal([])
    rig.host.crash()
    rig.host.memory.losePower(rig.host.random)
    rig.host.files.pathFaults = []
    await rig.open()
    expect(await offsets(rig)).to.have.length(9)
  })

  it('of retention, DeleteRecords and checkpoints', async () => {
    rig = await slowed(new Rig({ cleanupPolicy: ['delete'], retentionMs: MINUTE_MS, ...SMALL }))
    await fill(rig, 10)
    expect(await rig.host.settle(rig.log.deleteRecordsBefore(2))).to.equal(undefined)
    await rig.host.advance(10 * MINUTE_MS)
    expect(rig.log.logStartOffset).to.equal(11)
    expect(stalled(rig)).to.deep.equal([])
    expect(rig.host.files.readWhole('/data/recovery-point-offset-checkpoint')?.toString()).to.contain('topic 0 11')
  })

  it('of compaction', async () => {
    rig = await slowed(new Rig(SMALL, { logCleanerEnable: true }))
    await fill(rig, 30)
    await rig.host.advance(10 * MINUTE_MS)
    expect((await offsets(rig)).length).to.be.lessThan(12)
    expect(stalled(rig)).to.deep.equal([])
    expect(rig.host.files.readWhole('/data/cleaner-offset-checkpoint')?.toString()).to.contain('topic 0')
  })

  it('and a snapshot that goes before it is written does not come back', async () => {
    rig = await slowed(new Rig({ cleanupPolicy: ['delete'], retentionBytes: 1, ...SMALL }))
    await fill(rig, 20)
    rig.log.deleteOldSegments(rig.nowMs)
    await rig.host.settle(rig.log.flush())
    const names = rig.host.files.list(DIRECTORY).filter((name) => name.endsWith('.snapshot'))
    const bases = new Set(rig.log.segments.map(({ baseOffset }) => baseOffset))
    expect(names.filter((name) => !bases.has(Number.parseInt(name, 10)))).to.deep.equal([])
  })
})

describe('a disk that fails between a write and its sync', () => {
  it('refuses the append that needed the sync', async () => {
    const rig = await new Rig({ cleanupPolicy: ['delete'], flushMessages: 1 }).open()
    await rig.append([['key', 'value']])
    const { host, log } = rig
    // The sync has to wait for its turn, so that the disk fails before it begins.
    const other = log.services.disks.of('/data').sync(() => new Promise<void>((end) => host.timers.after(100, end)))
    const batch = buildBatch([{ value: 'late', timestamp: rig.nowMs }])
    const appended = log.append(batch, { origin: 'client', leaderEpoch: 0, nowMs: rig.nowMs })
    await host.advance(10)
    host.files.pathFaults = [{ concerns: within('/data'), effect: 'dead' }]
    await host.settle(other)
    expect(isRejection(await host.settle(appended))).to.equal(true)
    expect(log.flushedEndOffset).to.equal(1)
    host.files.pathFaults = []
    await rig.stop()
  })
})
