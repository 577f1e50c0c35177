import { expect } from 'chai'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { buildEndTransactionBatch } from '../protocol/records/control-records.ts'
import { buildMessageSet } from '../protocol/records/legacy-builder.ts'
import { within } from './host/faulty-files.ts'
import { SeededRandom } from './host/seeded-random.ts'
import { TOPIC, TOPIC_ID } from './log-manager.fixture.ts'
import { MOVED_FROM_FILE } from './moved-from.ts'
import { MovingLog } from './moving-log.fixture.ts'

const TEN = Array.from({ length: 10 }, (_, i) => `value ${i}`)
const numbered = (values: readonly string[]): [number, string][] => values.map((value, i) => [i, value])

async function filled(...parts: ConstructorParameters<typeof MovingLog>): Promise<MovingLog> {
  const rig = await new MovingLog(...parts).start()
  rig.create()
  await rig.appendAll(TEN)
  return rig
}

/** The future replica as DescribeLogDirs shows it. */
function future(rig: MovingLog) {
  return rig.manager
    .directories()
    .flatMap(({ path, partitions }) => [...partitions].map((each) => ({ path, ...each, future: each.future })))
    .find((each) => each.future !== undefined)
}

describe('a log that moves to another data directory', () => {
  it('is the same for those who have it, with all its records and what is appended meanwhile', async () => {
    const rig = await filled({ segmentBytes: 300 })
    const { log } = rig
    log.assignEpoch(5)
    expect(rig.move()).to.equal(undefined)
    const expected = numbered(TEN)
    for (let i = 0; rig.directory === '/a'; i++) {
      const appended = await rig.host.settle(rig.append(`more ${i}`, log))
      expect(appended).to.have.property('baseOffset', expected.length)
      expected.push([expected.length, `more ${i}`])
      await rig.host.advance(0.2)
    }
    await rig.untilMoved()
    expect(rig.log).to.equal(log)
    expect(await rig.values()).to.deep.equal(expected)
    expect(rig.assigned).to.deep.equal(['id of /b'])
    expect(rig.manager.directoryOf(TOPIC, 0)).to.equal('id of /b')
    expect(log.latestEpoch).to.equal(5)
    expect(rig.host.files.exists(`/b/${TOPIC}-0/${MOVED_FROM_FILE}`)).to.equal(false)
    await rig.host.settle(rig.manager.stop())
    await rig.start()
    expect(await rig.values()).to.deep.equal(expected)
    expect(rig.log.latestEpoch).to.equal(5)
    expect(rig.complaints).to.deep.equal([])
  })

  it('tells those who read it where it ends, and holds its high watermark, as before the move', async () => {
    const rig = await filled()
    const { log } = rig
    const events: [number, number][] = []
    const end = log.onReadable((bytes) => events.push([bytes, log.highWatermark]))
    const { length } = rig.batch('held')
    log.holdHighWatermark(true)
    await rig.appendAll(['held'])
    rig.move()
    await rig.untilMoved()
    await rig.appendAll(['held'])
    expect([log.highWatermark, log.lastStableOffset, events]).to.deep.equal([10, 10, []])
    log.holdHighWatermark(false)
    await rig.appendAll(['held'])
    expect(events).to.deep.equal([
      [2 * length, 12],
      [length, 13],
    ])
    end()
    await rig.appendAll(['held'])
    expect(events).to.have.length(2)
  })

  it('tells how much a transaction held back that began before the move', async () => {
    const rig = await filled()
    const { log } = rig
    const nowMs = rig.host.clock.nowMs()
    const producer = { producerId: 7, producerEpoch: 0 }
    const data = buildBatch([{ key: 'key', value: 'v', timestamp: nowMs }], {
      ...producer,
      baseSequence: 0,
      transactional: true,
    })
    await rig.host.settle(log.append(data, { origin: 'client', leaderEpoch: 0, nowMs }))
    rig.move()
    await rig.untilMoved()
    const events: number[][] = []
    log.onReadable((bytes, stableBytes) => events.push([bytes, stableBytes, log.lastStableOffset]))
    const marker = buildEndTransactionBatch(
      { type: 'COMMIT', coordinatorEpoch: 0 },
      { ...producer, timestampMs: nowMs },
    )
    await rig.host.settle(log.append(marker, { origin: 'coordinator', leaderEpoch: 0, nowMs }))
    expect(events).to.deep.equal([[marker.length, data.length + marker.length, 12]])
  })

  it('keeps the message formats of old Kafkas, byte by byte', async () => {
    const rig = await new MovingLog().start()
    rig.create()
    await rig.host.settle(rig.manager.stop())
    const records = (firstOffset: number) =>
      [0, 1, 2].map((i) => {
        const [key, value] = [Buffer.from('key'), Buffer.from(`value ${firstOffset + i}`)]
        return { offset: firstOffset + i, timestamp: 1000 + i, key, value }
      })
    const old = Buffer.concat([
      buildMessageSet(records(0), { magic: 0 }),
      buildMessageSet(records(3), { magic: 0, compression: 'gzip' }),
      buildMessageSet(records(6), { magic: 1 }),
      buildMessageSet(records(9), { magic: 1, compression: 'lz4' }),
    ])
    const file = `/${TOPIC}-0/00000000000000000000.log`
    rig.host.files.replaceWhole(`/a${file}`, old)
    await rig.start()
    await rig.appendAll(['new'])
    const before = rig.host.files.readWhole(`/a${file}`)!
    expect(before.subarray(0, old.length).equals(old)).to.equal(true)
    rig.move()
    await rig.untilMoved()
    expect(rig.host.files.readWhole(`/b${file}`)).to.deep.equal(before)
    const found = await rig.host.settle(rig.log.offsetForTimestamp(1001, 13))
    expect(found).to.deep.include({ offset: 7 })
    expect(rig.complaints).to.deep.equal([])
  })

  it('is found in its files after a crash right behind the exchange', async () => {
    const rig = await filled()
    await rig.host.settle(rig.log.deleteRecordsBefore(4))
    rig.move()
    await rig.until(() => rig.directory === '/b')
    await rig.untilMoved()
    rig.host.crash()
    rig.host.memory.losePower(new SeededRandom(3))
    await rig.start()
    expect(await rig.values()).to.deep.equal(numbered(TEN).slice(4))
  })

  it('keeps producers whose records are deleted: their retries are still recognised', async () => {
    const rig = await filled({ segmentBytes: 300 })
    const { log } = rig
    const { buildBatch } = await import('../protocol/records/batch-builder.ts')
    const once = () =>
      buildBatch([{ key: 'key', value: 'once', timestamp: rig.host.clock.nowMs() }], {
        producerId: 7,
        producerEpoch: 0,
        baseSequence: 0,
      })
    const send = () =>
      rig.host.settle(log.append(once(), { origin: 'client', leaderEpoch: 0, nowMs: rig.host.clock.nowMs() }))
    expect(await send()).to.include({ baseOffset: 10, duplicate: false })
    await rig.appendAll(TEN)
    await rig.host.settle(log.deleteRecordsBefore(20))
    rig.move()
    await rig.untilMoved()
    expect(await send()).to.include({ baseOffset: 10, duplicate: true })
  })

  it('still recognises the retry of each of the last batches of a producer', async () => {
    const rig = await filled()
    const { log } = rig
    const { buildBatch } = await import('../protocol/records/batch-builder.ts')
    const send = (baseSequence: number) => {
      const nowMs = rig.host.clock.nowMs()
      const batch = buildBatch([{ key: 'key', value: 'once', timestamp: nowMs }], {
        producerId: 7,
        producerEpoch: 0,
        baseSequence,
      })
      return rig.host.settle(log.append(batch, { origin: 'client', leaderEpoch: 0, nowMs }))
    }
    for (let i = 0; i < 5; i++) expect(await send(i)).to.include({ baseOffset: 10 + i, duplicate: false })
    rig.move()
    await rig.untilMoved()
    for (let i = 0; i < 5; i++) expect(await send(i)).to.include({ baseOffset: 10 + i, duplicate: true })
    expect(await send(5)).to.include({ baseOffset: 15, duplicate: false })
  })

  it('is shown as a future replica with its lag, and moves no faster than the settings allow', async () => {
    const rig = new MovingLog()
    rig.settings.replicaAlterLogDirsIoMaxBytesPerSecond = 0
    await rig.start()
    rig.create()
    await rig.appendAll(TEN)
    rig.move()
    await rig.host.advance(60_000)
    expect(future(rig)).to.deep.include({ path: '/b', future: { offsetLag: 10 } })
    expect(rig.names()).to.deep.equal([`/a/${TOPIC}-0`, `/b/${TOPIC}-0-future`])
    rig.settings.replicaAlterLogDirsIoMaxBytesPerSecond = 1000
    rig.manager.settingsChanged()
    await rig.untilMoved()
    expect(future(rig)).to.equal(undefined)
    expect(await rig.values()).to.deep.equal(numbered(TEN))
  })

  it('stays where it is if it is told to, and the metadata says so again', async () => {
    const rig = await filled()
    rig.move()
    await rig.until(() => rig.assigned.length > 0)
    expect(rig.directory).to.equal('/a')
    expect(rig.move('/a')).to.equal(undefined)
    await rig.untilMoved('/a')
    expect(rig.names()).to.deep.equal([`/a/${TOPIC}-0`])
    expect(rig.assigned).to.deep.equal(['id of /b', 'id of /a'])
    expect(await rig.values()).to.deep.equal(numbered(TEN))
  })

  it('goes to the directory that it was told last', async () => {
    const rig = await filled({}, { directories: ['/a', '/b', '/c'] })
    rig.move('/b')
    await rig.host.advance(1)
    rig.move('/c')
    await rig.untilMoved('/c')
    expect(rig.names()).to.deep.equal([`/c/${TOPIC}-0`])
    rig.move('/b')
    rig.move('/b')
    await rig.untilMoved('/b')
    rig.move('/a')
    await rig.untilMoved('/a')
    expect(await rig.values()).to.deep.equal(numbered(TEN))
    expect(rig.complaints).to.deep.equal([])
  })

  it('can be deleted at any time, and a new one of its name is empty', async () => {
    for (let ms = 0; ms < 40; ms++) {
      const rig = await filled()
      rig.move()
      await rig.host.advance(ms / 4)
      rig.manager.delete(TOPIC, 0, TOPIC_ID)
      const log = rig.create()
      expect(log.logEndOffset, `after ${ms / 4} ms`).to.equal(0)
      await rig.host.advance(10_000)
      expect(rig.names(), `after ${ms / 4} ms`).to.have.length(1)
      expect(rig.host.fatalReason).to.equal(undefined)
      await rig.host.settle(rig.manager.stop())
      await rig.start()
      expect(rig.log.logEndOffset, `after ${ms / 4} ms`).to.equal(0)
    }
  })

  it('begins anew where retention and DeleteRecords overtake the copy', async () => {
    const rig = await filled({ segmentBytes: 300 })
    rig.settings.replicaAlterLogDirsIoMaxBytesPerSecond = 0
    rig.move()
    await rig.host.advance(10)
    await rig.host.settle(rig.log.deleteRecordsBefore(7))
    rig.settings.replicaAlterLogDirsIoMaxBytesPerSecond = Number.MAX_SAFE_INTEGER
    rig.manager.settingsChanged()
    await rig.untilMoved()
    expect(rig.log.logStartOffset).to.equal(7)
    expect(await rig.values()).to.deep.equal(numbered(TEN).slice(7))
  })

  it('waits for room on a full disk, and everything else goes on', async () => {
    const rig = await filled()
    rig.host.files.pathFaults = [{ concerns: within('/b'), effect: 'full' }]
    try {
      rig.move()
    } catch (error) {
      expect(error).to.have.property('code', 'ENOSPC')
    }
    rig.host.files.pathFaults = []
    rig.move()
    rig.host.files.pathFaults = [{ concerns: within('/b'), effect: 'full' }]
    await rig.host.advance(30_000)
    expect(rig.directory).to.equal('/a')
    expect(await rig.host.settle(rig.append('more'))).to.have.property('baseOffset', 10)
    rig.host.files.pathFaults = []
    await rig.untilMoved()
    expect(await rig.values()).to.deep.equal(numbered([...TEN, 'more']))
  })

  it('ends with the failure of its target, is served, and moves after the next start', async () => {
    const rig = await filled()
    rig.move()
    rig.host.files.pathFaults = [{ concerns: within('/b'), effect: 'dead' }]
    await rig.host.advance(30_000)
    expect(await rig.host.settle(rig.append('more'))).to.have.property('baseOffset', 10)
    expect(rig.move()?.error ?? 'thrown').to.equal('KAFKA_STORAGE_ERROR')
    rig.host.files.pathFaults = []
    rig.host.crash()
    await rig.start()
    await rig.untilMoved()
    expect(await rig.values()).to.deep.equal(numbered([...TEN, 'more']))
  })

  it('goes on after a stop in order', async () => {
    for (let ms = 0; ms < 40; ms++) {
      const rig = await filled()
      rig.move()
      await rig.host.advance(ms / 4)
      await rig.host.settle(rig.manager.stop())
      await rig.start()
      await rig.appendAll(['more'])
      await rig.untilMoved()
      expect(rig.names(), `after ${ms / 4} ms`).to.deep.equal([`/b/${TOPIC}-0`])
      expect(await rig.values(), `after ${ms / 4} ms`).to.deep.equal(numbered([...TEN, 'more']))
    }
  })
})

describe('a move between data directories that does not come to its end', () => {
  for (const losesPower of [false, true]) {
    it(`${losesPower ? 'the power fails' : 'the process ends'} at any step: one copy counts, with all records, and the next start ends the move`, async function () {
      this.timeout(300_000)
      let [step, crashes] = [0, 0]
      for (let isOver = false; !isOver; step++) {
        // What was acknowledged is on the disk.
        const rig = await filled({ segmentBytes: 300, flushMessages: 1 }, { seed: step + 1 })
        await rig.host.settle(rig.log.deleteRecordsBefore(2))
        rig.host.files.crashAfterChanges = step
        const acknowledged = numbered(TEN).slice(2)
        try {
          rig.move()
          const { log } = rig
          const producing = (async () => {
            for (let i = 0; i < 5; i++) {
              const value = `more ${i}`
              const appended = await rig.append(value, log)
              if (!('baseOffset' in appended)) return
              acknowledged.push([appended.baseOffset, value])
            }
          })()
          producing.catch(() => {})
          await rig.host.advance(60_000)
        } catch (error) {
          if (!rig.host.files.crashed) throw error
        }
        isOver = !rig.host.files.crashed
        if (!isOver) crashes++
        rig.host.crash()
        if (losesPower) rig.host.memory.losePower(new SeededRandom(step))
        await rig.start()
        const when = `step ${step}`
        expect(rig.host.fatalReason, when).to.equal(undefined)
        const values = await rig.values()
        expect(values.slice(0, acknowledged.length), when).to.deep.equal(acknowledged)
        const count = values.length + 2
        await rig.host.settle(rig.append('after the crash'))
        expect(await rig.values(), when).to.deep.equal([...values, [count, 'after the crash']])
        if (rig.names().some((name) => name.endsWith('-future')) || rig.directory === '/b') await rig.untilMoved()
        else await rig.untilMoved('/a')
        expect(rig.names(), when).to.have.length(1)
        expect(await rig.values(), when).to.deep.equal([...values, [count, 'after the crash']])
        await rig.host.settle(rig.manager.stop())
      }
      expect(crashes).to.be.greaterThan(40)
    })
  }
})
