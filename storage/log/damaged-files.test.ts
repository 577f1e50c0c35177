import { expect } from 'chai'
import { isRejection } from '../../protocol/error-codes.ts'
import { int64FromHalves, writeInt64 } from '../../protocol/int64.ts'
import { MINUTE_MS, Rig } from '../compacted-log.fixture.ts'

const DIRECTORY = '/data/topic-0'

/**
 * A log stopped cleanly, with three or four one-record batches per segment. Its files are damaged before the next
 * start.
 */
class DamagedLog extends Rig {
  constructor(indexIntervalBytes = 1) {
    const kept = { cleanupPolicy: ['delete'], retentionMs: 60 * MINUTE_MS, segmentBytes: 250, indexIntervalBytes }
    super(kept, { logRetentionCheckIntervalMs: MINUTE_MS })
  }

  async filled(count = 10): Promise<this> {
    await this.open()
    for (let i = 0; i < count; i++) {
      await this.append([[`key ${i}`, 'value']])
      await this.host.advance(1000)
    }
    await this.stop()
    return this
  }

  path(baseOffset: number, suffix: string): string {
    return `${DIRECTORY}/${String(baseOffset).padStart(20, '0')}${suffix}`
  }

  get bases(): number[] {
    const names = this.host.files.list(DIRECTORY).filter((name) => name.endsWith('.log'))
    return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)
  }

  rot(path: string, change: (bytes: Buffer) => void): void {
    const bytes = this.host.files.readWhole(path)!
    change(bytes)
    this.host.files.open(path, 'r+').writeSync([bytes], 0)
  }

  async offsets(): Promise<number[]> {
    return (await this.batches()).map(({ baseOffset }) => baseOffset)
  }
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

describe('a log whose files were damaged after a clean stop', () => {
  let rig: DamagedLog
  beforeEach(async () => {
    rig = await new DamagedLog().filled()
  })
  afterEach(() => rig.stop())

  const warned = (what: string, path: string) =>
    expect(
      rig.warnings.some((line) => line.includes(what) && line.includes(path)),
      rig.warnings.join('\n'),
    ).to.equal(true)

  it('keeps records that are old only by its time index', async () => {
    const path = rig.path(0, '.timeindex')
    rig.rot(path, (bytes) => {
      for (let at = 0; at < bytes.length; at += 12) writeInt64(bytes, at, at)
    })
    await rig.open()
    await rig.host.advance(3 * MINUTE_MS)
    expect(rig.log.logStartOffset).to.equal(0)
    warned('a time index contains a timestamp that is not in its log', path)
    await rig.host.advance(60 * MINUTE_MS)
    expect(rig.log.logStartOffset, 'once they are old').to.equal(10)
  })

  it('finds the latest record and those of a time whatever its time index says', async () => {
    const path = rig.path(rig.bases.at(-1)!, '.timeindex')
    rig.rot(path, (bytes) => {
      bytes[bytes.length - 5]! ^= 1
    })
    await rig.open()
    const latest = await rig.host.settle(rig.log.maxTimestamp())
    expect(latest?.offset).to.equal(9)
    const found = await rig.host.settle(rig.log.offsetForTimestamp(latest!.timestampMs, 10))
    expect(found?.offset).to.equal(9)
    warned('a time index contains a timestamp that is not in its log', path)
  })

  for (const [what, change] of [
    ['position', (bytes: Buffer) => bytes.writeInt32BE(bytes.readInt32BE(4) + 3, 4)],
    ['offset', (bytes: Buffer) => bytes.writeInt32BE(0, 0)],
  ] as const) {
    it(`reads every record whatever ${what} its index names`, async () => {
      const path = rig.path(0, '.index')
      rig.rot(path, change)
      await rig.open()
      for (const offset of [2, 1, 3]) {
        const wanted = { maxBytes: 1, minOneBatch: true, upToOffset: 10 }
        const part = await rig.host.settle(rig.log.read(offset, wanted))
        expect('nextOffset' in part && part.nextOffset).to.equal(offset + 1)
        if ('release' in part) part.release()
      }
      expect(await rig.offsets()).to.deep.equal(ALL)
      expect(rig.warnings.join('\n')).to.match(/an index (entry points to a position without a batch|is corrupt)/)
    })
  }

  it('reads every record where its index names the middle of one that looks like a large batch', async () => {
    const header = `${'\0'.repeat(10)}\x7f${'\0'.repeat(5)}\x02`
    rig = await new DamagedLog().open()
    await rig.append([['key', header.padEnd(80, '\0')]])
    for (let i = 0; i < 4; i++) await rig.append([['key', 'value']])
    expect(rig.bases[1]).to.be.greaterThan(1)
    await rig.stop()
    const position = rig.host.files.readWhole(rig.path(0, '.log'))!.indexOf(header)
    rig.rot(rig.path(0, '.index'), (bytes) => bytes.writeInt32BE(position, 4))
    await rig.open()
    const part = await rig.host.settle(rig.log.read(1, { maxBytes: 1, minOneBatch: true, upToOffset: 2 }))
    expect('nextOffset' in part && part.nextOffset).to.equal(2)
    if ('release' in part) part.release()
    warned('an index entry points to a position without a batch', rig.path(0, '.index'))
  })

  it('warns if the log file of a segment is missing', async () => {
    const base = rig.bases[1]!
    rig.host.files.remove(rig.path(base, '.log'))
    await rig.open()
    warned('removed an index without log file', rig.path(base, '.index'))
  })

  it('warns if records at its end are missing', async () => {
    const path = rig.path(rig.bases.at(-1)!, '.log')
    rig.host.files.open(path, 'r+').truncate(0)
    await rig.open()
    expect(rig.log.logEndOffset).to.equal(rig.bases.at(-1))
    warned('the log ends below its recovery point', 'topic-0')
  })

  it('truncates a last batch with a wrong offset, which no checksum covers', async () => {
    const last = rig.bases.at(-1)!
    rig.rot(rig.path(last, '.log'), (bytes) => {
      const scan = rig.host.files.stat(rig.path(last, '.log'))!.size / (10 - last)
      writeInt64(bytes, bytes.length - scan, int64FromHalves(1, 0))
    })
    await rig.open()
    expect(rig.log.logEndOffset).to.equal(9)
    warned('recovery truncated the log', 'topic-0')
  })

  it('reads up to a batch whose base offset is far too large, however often indexes are rebuilt', async () => {
    const [, second] = rig.bases as [number, number]
    const path = rig.path(0, '.log')
    rig.rot(path, (bytes) => writeInt64(bytes, bytes.length - bytes.length / second, Number.MAX_SAFE_INTEGER - 9))
    rig.host.files.remove(rig.path(0, '.index'))
    await rig.open()
    for (let offset = 0; offset < second - 1; offset++) {
      const part = await rig.host.settle(rig.log.read(offset, { maxBytes: 1, minOneBatch: true, upToOffset: 10 }))
      expect('nextOffset' in part && part.nextOffset).to.equal(offset + 1)
      if ('release' in part) part.release()
    }
    expect(await fetch(second - 1)).to.equal('CORRUPT_MESSAGE')
    expect(await fetch(second)).to.be.greaterThan(second)
  })

  it('ignores such an offset of the last batch, even if no checkpoint has the end of the log', async () => {
    const path = rig.path(rig.bases.at(-1)!, '.log')
    const count = 10 - rig.bases.at(-1)!
    rig.rot(path, (bytes) => writeInt64(bytes, bytes.length - bytes.length / count, Number.MAX_SAFE_INTEGER - 9))
    rig.host.files.remove('/data/recovery-point-offset-checkpoint')
    await rig.open()
    expect(rig.log.logEndOffset).to.equal(9)
    warned('recovery truncated the log', path)
  })

  it('keeps what stands behind the base offset of an empty segment, of a roll that failed', async () => {
    await rig.stop()
    rig = await new DamagedLog().filled(11)
    expect(rig.bases.at(-1)).to.equal(9)
    const path = rig.path(10, '.log')
    rig.host.files.replaceWhole(path, '')
    rig.host.files.replaceWhole('/data/recovery-point-offset-checkpoint', '0\n1\ntopic 0 10\n')
    rig.host.files.remove('/data/.kafka_cleanshutdown')
    await rig.open()
    expect(rig.log.logEndOffset).to.equal(11)
    expect(await rig.offsets()).to.deep.equal([...ALL, 10])
    expect(rig.host.files.exists(path)).to.equal(false)
  })

  const fetch = async (offset: number, minOneBatch = true) => {
    const read = { maxBytes: 10_000, minOneBatch, upToOffset: rig.log.logEndOffset }
    const result = await rig.host.settle(rig.log.read(offset, read))
    return isRejection(result) ? result.error : result.nextOffset
  }

  it('does not skip the batches after one whose length is too large', async () => {
    await rig.stop()
    rig = await new DamagedLog(4096).filled()
    const batchBytes = rig.host.files.stat(rig.path(0, '.log'))!.size / rig.bases[1]!
    rig.rot(rig.path(0, '.log'), (bytes) => {
      bytes[batchBytes + 8] = 1
    })
    await rig.open()
    expect(await fetch(2)).to.equal('CORRUPT_MESSAGE')
    // Of the batch itself, also where it would not fit.
    expect(await fetch(1, false)).to.equal('CORRUPT_MESSAGE')
  })

  it('does not skip a batch that says that it ends before it begins', async () => {
    await rig.stop()
    rig = await new DamagedLog(4096).filled()
    const batchBytes = rig.host.files.stat(rig.path(0, '.log'))!.size / rig.bases[1]!
    rig.rot(rig.path(0, '.log'), (bytes) => bytes.writeInt32BE(-1, batchBytes + 23))
    await rig.open()
    expect(await fetch(1)).to.equal('CORRUPT_MESSAGE')
  })

  it('logs the same damage once, however often it is read', async () => {
    rig.rot(rig.path(0, '.log'), (bytes) => bytes.writeInt32BE(-1, 8))
    await rig.open()
    for (let i = 0; i < 3; i++) expect(await fetch(0)).to.equal('CORRUPT_MESSAGE')
    expect(rig.errors).to.have.length(1)
  })

  it('refuses a batch that ends beyond the end of the log', async () => {
    await rig.stop()
    rig = await new DamagedLog().filled(11)
    const last = rig.path(9, '.log')
    const batchBytes = rig.host.files.stat(last)!.size / 2
    rig.rot(last, (bytes) => {
      bytes[bytes.length - 2 * batchBytes + 25] = 64
    })
    await rig.open()
    expect(await fetch(9)).to.equal('CORRUPT_MESSAGE')
  })
})

describe('a compacted log whose index rotted', () => {
  it('is compacted all the same, also where it was compacted before', async () => {
    const rig = await new Rig({}, { logCleanerEnable: true }).open()
    let passes = 0
    rig.onPass = () => passes++
    const compact = async () => {
      for (let i = 0; i < 12; i++) await rig.append([[`key ${i % 5}`, 'value']])
      await rig.host.advance(5 * MINUTE_MS)
    }
    await compact()
    await rig.stop()
    rig.host.files.open(`${DIRECTORY}/00000000000000000000.index`, 'a+').writeSync([Buffer.alloc(5)], 0)
    const before = passes
    await rig.open()
    await compact()
    expect(rig.errors).to.deep.equal([])
    expect(passes).to.be.above(before)
    await rig.stop()
  })
})
