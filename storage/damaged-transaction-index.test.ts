import { expect } from 'chai'
import { MINUTE_MS, Rig } from './compacted-log.fixture.ts'

const INDEX = '/data/topic-0/00000000000000000000.txnindex'
const ABORTED_BY = [7, 8]

/** A log whose first segment, which is below the recovery point, has aborted transactions and a damaged index of them. */
async function damaged(): Promise<Rig> {
  const rig = await new Rig({ cleanupPolicy: ['delete'], segmentBytes: 600 }).open()
  for (const producerId of ABORTED_BY) {
    const transaction = { producerId, producerEpoch: 0, transactional: true, baseSequence: 0 }
    await rig.append([['aborted', `of ${producerId}`]], transaction)
    await rig.end('ABORT', producerId)
  }
  for (let i = 0; rig.log.segments.length < 3; i++) await rig.append([['key', `value ${i}`]])
  await rig.host.settle(rig.log.flush())
  await rig.host.advance(2 * MINUTE_MS)
  rig.host.crash()
  const { memory } = rig.host
  memory.replaceWhole(INDEX, Buffer.alloc(memory.readWhole(INDEX)!.length, 0xff))
  return rig.open()
}

describe('a damaged transaction index', () => {
  it('is made anew when it is needed', async () => {
    const rig = await damaged()
    expect((await rig.committed()).map(({ key }) => key)).to.not.include('aborted')
    await rig.stop()
  })

  it('loses nothing if the disk is full, or the process ends, meanwhile', async () => {
    let failures = 0
    for (const changes of [0, 1, 2, Number.POSITIVE_INFINITY]) {
      const rig = await damaged()
      const { files } = rig.host
      files.crashAfterChanges = changes
      if (changes === Number.POSITIVE_INFINITY)
        files.pathFaults = [{ concerns: (path) => path === INDEX, effect: 'full' }]
      await rig.committed().catch(() => failures++)
      rig.host.crash()
      files.crashAfterChanges = Number.POSITIVE_INFINITY
      files.pathFaults = []
      await rig.open()
      expect((await rig.committed()).map(({ key }) => key)).to.not.include('aborted')
      await rig.stop()
    }
    expect(failures).to.be.greaterThan(1)
  })
})
