import { expect } from 'chai'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { MINUTE_MS, Rig, values } from './compacted-log.fixture.ts'
import type { FileHandle } from './host/host.ts'
import { TOPIC_ID } from './log-manager.fixture.ts'

/** An offset map takes 24 bytes for each key. */
const KEY_BYTES = 24

/** A log of ten keys, each written twice, in batches of the given size. */
async function filled(rig: Rig, recordsInBatch: number): Promise<void> {
  const records = Array.from({ length: 20 }, (_, i) => [`k${i % 10}`, `${i}`] as const)
  for (let i = 0; i < records.length; i += recordsInBatch) await rig.append(records.slice(i, i + recordsInBatch))
  // Fills the last segment, so that all records above are in closed segments.
  for (let i = 0; i < 4; i++) await rig.append([['last', `${i}`]])
}

/** Called for each read off the loop (only fetches and compaction do them); an error that it throws fails the read. */
function watchReads({ host: { files } }: Rig, onRead: (handle: FileHandle, sizeBytes: number) => void): void {
  const { open } = files
  files.open = (path, mode) => {
    const handle = open.call(files, path, mode)
    const { read } = handle
    handle.read = async (target, position) => {
      onRead(handle, target.length)
      return read.call(handle, target, position)
    }
    return handle
  }
}

describe('settings of compaction', () => {
  for (const recordsInBatch of [1, 20]) {
    it(`log.cleaner.dedupe.buffer.size: with room for few keys, passes follow each other (${recordsInBatch} records a batch)`, async () => {
      const rig = await new Rig({ segmentBytes: 1000 }, { logCleanerDedupeBufferSize: 4 * KEY_BYTES }).open()
      const passes: number[] = []
      rig.onPass = (_, upToOffset) => passes.push(upToOffset)
      await filled(rig, recordsInBatch)
      while (rig.log.segments.at(-1)!.baseOffset < 20) await rig.append([['last', 'x'.repeat(100)]])
      await rig.clean()
      expect(passes.length).to.be.greaterThan(4)
      expect(passes).to.deep.equal([...passes].sort((a, b) => a - b))
      const shown = values(await rig.committed()).filter((each) => each.startsWith('k'))
      expect(shown).to.deep.equal(Array.from({ length: 10 }, (_, i) => `k${i}=${i + 10}`))
      await rig.stop()
    })
  }

  it('log.cleaner.io.buffer.load.factor: so full the map gets', async () => {
    const ends = await Promise.all(
      [0.5, 0.9].map(async (loadFactor) => {
        const settings = { logCleanerDedupeBufferSize: 10 * KEY_BYTES, logCleanerIoBufferLoadFactor: loadFactor }
        const rig = await new Rig({}, settings).open()
        let first: number | undefined
        rig.onPass = (_, upToOffset) => {
          first ??= upToOffset
        }
        await filled(rig, 1)
        await rig.clean()
        await rig.stop()
        return first
      }),
    )
    expect(ends).to.deep.equal([5, 9])
  })

  for (const threads of [0, 1, 2]) {
    it(`log.cleaner.threads: ${threads} logs are compacted at a time`, async () => {
      const settings = { logCleanerThreads: threads, logCleanerIoMaxBytesPerSecond: 100 }
      const rig = await new Rig({}, settings).open()
      await filled(rig, 1)
      const first = rig.log
      rig.log = rig.manager.createNow('other', 0, TOPIC_ID, rig.config) as typeof first
      await filled(rig, 1)
      await rig.host.settle(Promise.all([first.flush(), rig.log.flush()]))
      rig.settings.logCleanerEnable = true
      // Long enough for both to be running, too short for one to finish.
      await rig.host.advance(MINUTE_MS + 30_000)
      const underWay = ['topic-0', 'other-0'].filter((name) =>
        rig.host.files.list(`/data/${name}`).some((file) => file.endsWith('.cleaned')),
      )
      expect(underWay).to.have.length(threads)
      await rig.stop()
    })
  }

  it('log.cleaner.backoff.ms: a change is in force at once', async () => {
    const rig = await new Rig({}, { logCleanerBackoffMs: 1000 * MINUTE_MS, logCleanerEnable: true }).open()
    let passes = 0
    rig.onPass = () => passes++
    await filled(rig, 1)
    await rig.host.settle(rig.log.flush())
    await rig.host.advance(10 * MINUTE_MS)
    expect(passes).to.equal(0)
    rig.settings.logCleanerBackoffMs = 1000
    rig.manager.settingsChanged()
    await rig.host.advance(2000)
    expect(passes).to.equal(1)
    await rig.stop()
  })

  it('log.cleaner.io.max.bytes.per.second: reads and writes go no faster, and a change is in force at once', async () => {
    const rig = await new Rig({}, { logCleanerIoMaxBytesPerSecond: 10 }).open()
    let passes = 0
    rig.onPass = () => passes++
    await filled(rig, 1)
    const closedBytes = rig.log.sizeBytes - rig.log.segments.at(-1)!.sizeBytes
    await rig.clean()
    // The dirty part is read twice: once for its keys, once for the copy.
    await rig.host.advance(((2 * closedBytes) / 10) * 1000 - 2 * MINUTE_MS)
    expect(passes).to.equal(0)
    rig.settings.logCleanerIoMaxBytesPerSecond = Number.MAX_VALUE
    rig.manager.settingsChanged()
    await rig.host.settle(Promise.resolve())
    await rig.host.advance(1000)
    expect(passes).to.equal(1)
    await rig.stop()
  })

  it('log.cleaner.io.buffer.size: so much is read and written at a time', async () => {
    const longest = await Promise.all(
      [8192, 65_536].map(async (logCleanerIoBufferSize) => {
        const rig = new Rig({ segmentBytes: 200_000 }, { logCleanerIoBufferSize })
        let longestRead = 0
        watchReads(rig, (_, sizeBytes) => {
          longestRead = Math.max(longestRead, sizeBytes)
        })
        await rig.open()
        for (let i = 0; i < 250; i++) await rig.append([[`k${i}`, 'x'.repeat(1000)]])
        await rig.clean()
        await rig.stop()
        return longestRead
      }),
    )
    expect(longest).to.deep.equal([4096, 32_768])
  })

  it('a log whose files cannot be opened now does not keep others from being compacted', async () => {
    const rig = new Rig()
    let isBroken = false
    watchReads(rig, ({ path }) => {
      if (isBroken && path.includes('/topic-0/')) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' })
    })
    await rig.open()
    await filled(rig, 1)
    const broken = rig.log
    const passed: string[] = []
    rig.onPass = () => passed.push('pass')
    rig.log = rig.manager.createNow('other', 0, TOPIC_ID, rig.config) as typeof broken
    await filled(rig, 1)
    // It has the larger dirty ratio, so compaction would always begin with it.
    await rig.clean()
    expect(passed).to.have.length(2)
    await filled(rig, 1)
    const records = buildBatch([{ key: 'k', value: 'v', timestamp: rig.nowMs }])
    for (let i = 0; i < 40; i++) {
      const context = { origin: 'client', leaderEpoch: 0, nowMs: rig.nowMs } as const
      await rig.host.settle(broken.append(Buffer.from(records), context))
    }
    await rig.host.settle(broken.flush())
    isBroken = true
    await rig.clean()
    expect(passed).to.have.length(3)
    await rig.stop()
  })

  it('compact,delete: old segments go at the pace of the cleaner', async () => {
    const policy = { cleanupPolicy: ['compact', 'delete'], retentionMs: 60 * MINUTE_MS, minCleanableDirtyRatio: 0.99 }
    const rig = await new Rig(policy, { logRetentionCheckIntervalMs: 100_000 * MINUTE_MS }).open()
    await filled(rig, 1)
    await rig.host.advance(61 * MINUTE_MS)
    expect(rig.log.logStartOffset).to.be.greaterThan(0)
    await rig.stop()
  })
})
