import { expect } from 'chai'
import { Rig, values } from './compacted-log.fixture.ts'
import { SeededRandom } from './host/seeded-random.ts'

const WRITES = 12

/** A log of several segments, compacted once, with as much again to compact. */
async function dirtyLog(): Promise<Rig> {
  const rig = await new Rig({ deleteRetentionMs: 0 }, { logCleanerIoBufferSize: 0 }).open()
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < WRITES; i++) await rig.append([[`k${i % 7}`, `${pass}.${i}`]])
    await rig.append([['gone', pass === 0 ? 'for now' : null]])
    for (let i = 0; i < 4; i++) await rig.append([['last', `${i}`]])
    if (pass === 0) await rig.clean()
  }
  await rig.host.settle(rig.log.flush())
  return rig
}

/** What each key is worth in the end. */
async function latest(rig: Rig): Promise<Record<string, string | null>> {
  return Object.fromEntries((await rig.committed()).map(({ key, value }) => [key, value]))
}

async function checkWhole(rig: Rig, end: number, expected: Record<string, string | null>, when: string): Promise<void> {
  expect(rig.log.logEndOffset, when).to.equal(end)
  const { gone, ...found } = await latest(rig)
  expect(gone ?? null, when).to.equal(null)
  expect(found, when).to.deep.equal(expected)
  const left = rig.host.files.list(rig.log.directory).filter((name) => /\.(cleaned|swap)$/.test(name))
  expect(left, when).to.deep.equal([])
  const denseFrom = rig.log.denseFrom?.offset ?? 0
  const dense = (await rig.committed()).map(({ offset }) => offset).filter((offset) => offset >= denseFrom)
  const all = Array.from({ length: end - denseFrom }, (_, i) => denseFrom + i)
  expect(dense, `${when}: no hole where compaction left none`).to.deep.equal(all)
}

describe('compaction that does not come to its end', () => {
  for (const losesPower of [false, true]) {
    it(`${losesPower ? 'the power fails' : 'the process ends'} at any step of it: the next start has all keys, and the next pass all of its effect`, async function () {
      this.timeout(300_000)
      let [step, crashes] = [0, 0]
      for (let isOver = false; !isOver; step++) {
        const rig = await dirtyLog()
        const end = rig.log.logEndOffset
        const { gone: _, ...expected } = await latest(rig)
        rig.host.files.crashAfterChanges = step
        rig.settings.logCleanerEnable = true
        await rig.host.advance(rig.settings.logCleanerBackoffMs + 1000)
        rig.settings.logCleanerEnable = false
        isOver = !rig.host.files.crashed
        if (!isOver) crashes++
        rig.host.crash()
        if (losesPower) rig.host.memory.losePower(new SeededRandom(step))
        await rig.open()
        await checkWhole(rig, end, expected, `step ${step}`)
        await rig.clean()
        await checkWhole(rig, end, expected, `step ${step}, compacted again`)
        const closed = rig.log.segments.at(-1)!.baseOffset
        const keys = (await rig.committed()).filter(({ offset }) => offset < closed).map(({ key }) => key)
        expect(keys, `step ${step}: each key once`).to.deep.equal([...new Set(keys)])
        await rig.stop()
      }
      expect(crashes).to.be.greaterThan(40)
    })
  }

  it('the broker stops: nothing is left of it, and the next pass does it all', async () => {
    const rig = await dirtyLog()
    const before = values(await rig.committed())
    const { gone: _, ...expected } = await latest(rig)
    rig.settings.logCleanerIoMaxBytesPerSecond = 10
    await rig.clean()
    const isWriting = () => rig.host.files.list(rig.log.directory).some((name) => name.endsWith('.cleaned'))
    while (!isWriting()) await rig.host.advance(1000)
    const end = rig.log.logEndOffset
    await rig.stop()
    rig.settings.logCleanerIoMaxBytesPerSecond = Number.MAX_VALUE
    await rig.open()
    expect(values(await rig.committed())).to.deep.equal(before)
    await rig.clean()
    await checkWhole(rig, end, expected, 'afterwards')
    await rig.stop()
  })
})
