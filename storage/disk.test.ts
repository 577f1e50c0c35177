import { expect } from 'chai'
import { isRejection } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { type Disk, Disks, LogWriter } from './disk.ts'
import { type Stall, within } from './host/faulty-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { logConfig } from './log-config.fixture.ts'
import { newManager, TOPIC_ID } from './log-manager.fixture.ts'
import type { LogManager } from './log-manager.ts'

const KB = 1024

/** A write off the loop that takes the given time. */
function takes(host: SimulatedHost, durationMs: number): () => Promise<void> {
  return () => new Promise((resolve) => host.timers.after(durationMs, resolve))
}

describe('a write to a disk that keeps up', () => {
  let host: SimulatedHost
  let disk: Disk
  beforeEach(() => {
    host = new SimulatedHost()
    disk = new Disks(host).of('/data')
  })

  it('is done on the loop, up to a size', () => {
    expect(disk.placeFor(100)).to.equal('here')
    expect(disk.placeFor(256 * KB)).to.equal('here')
    expect(disk.placeFor(256 * KB + 1)).to.equal('aside')
  })

  it('waits for a later turn where others have taken half a megabyte of this one', async () => {
    expect(disk.placeFor(256 * KB)).to.equal('here')
    expect(disk.placeFor(256 * KB)).to.equal('here')
    expect(disk.placeFor(64 * KB)).to.equal('later')
    await host.advance(0)
    expect(disk.placeFor(64 * KB)).to.equal('here')
  })

  it('leaves turns short while there are small writes, which do not wait', async () => {
    expect(disk.placeFor(100)).to.equal('here')
    expect(disk.placeFor(64 * KB)).to.equal('here')
    expect(disk.placeFor(64 * KB)).to.equal('later')
    expect(disk.placeFor(100)).to.equal('here')
    await host.advance(99)
    for (const place of ['here', 'later']) expect(disk.placeFor(64 * KB)).to.equal(place)
    await host.advance(1)
    for (const place of ['here', 'here']) expect(disk.placeFor(64 * KB)).to.equal(place)
  })

  it('takes small batches of a log that also writes large ones for bulk', async () => {
    const bulk = new LogWriter()
    for (const bytes of [64 * KB, 100]) expect(disk.placeFor(bytes, bulk)).to.equal('here')
    await host.advance(1)
    for (const bytes of [64 * KB, 100, 64 * KB]) expect(disk.placeFor(bytes, bulk)).to.equal('here')
    await host.advance(1)
    expect(disk.placeFor(100, new LogWriter())).to.equal('here')
    expect(disk.placeFor(64 * KB, bulk)).to.equal('here')
    expect(disk.placeFor(64 * KB, bulk)).to.equal('later')
  })

  it('is not put off by a flush, which writes nothing', () => {
    disk.placeFor(0)
    for (const place of ['here', 'here']) expect(disk.placeFor(64 * KB)).to.equal(place)
  })

  it('comes in a later turn even if one before it throws', async () => {
    const written: string[] = []
    disk.later(() => {
      throw new Error('a bug')
    })
    disk.later(() => written.push('b'))
    await host.advance(10).catch(() => {})
    await host.advance(10)
    expect(written).to.deep.equal(['b'])
  })

  it('shares the turns with the writes to other disks', () => {
    const disks = new Disks(host)
    disks.of('/data/d1').placeFor(100)
    expect(disks.of('/data/d1').placeFor(64 * KB)).to.equal('here')
    expect(disks.of('/data/d2').placeFor(64 * KB)).to.equal('later')
  })

  it('comes in the order of asking, and before those who ask later', async () => {
    const written: string[] = []
    const write = (name: string, bytes: number) => {
      const place = disk.placeFor(bytes)
      if (place === 'later') disk.later(() => write(name, bytes))
      else written.push(name)
    }
    disk.placeFor(100)
    write('a', 64 * KB)
    write('b', 64 * KB)
    write('c', 90 * KB)
    write('d', 30 * KB)
    expect(written).to.deep.equal(['a', 'd'])
    host.timers.after(0.5, () => write('e', 64 * KB))
    await host.advance(10)
    expect(written).to.deep.equal(['a', 'd', 'b', 'c', 'e'])
  })

  it('waits while small writes alone fill the turn', () => {
    for (let i = 0; i < 8; i++) expect(disk.placeFor(8 * KB)).to.equal('here')
    expect(disk.placeFor(8 * KB)).to.equal('here') // the large ones' part of the turn
    for (let i = 0; i < 11; i++) disk.placeFor(8 * KB)
    expect(disk.placeFor(8 * KB)).to.equal('later')
  })
})

describe('a disk', () => {
  let host: SimulatedHost
  let disk: Disk
  const slowWrite = () => host.settle(disk.writeAside(100, takes(host, 200)))
  const fastWrites = async (durationMs: number) => {
    const untilMs = host.clock.monotonicMs() + durationMs
    while (host.clock.monotonicMs() < untilMs) await host.settle(disk.writeAside(100, takes(host, 1)))
  }
  beforeEach(() => {
    host = new SimulatedHost()
    disk = new Disks(host).of('/data')
  })

  it('is slow after one slow write, on the loop or off it', async () => {
    await slowWrite()
    expect(disk.placeFor(100)).to.equal('aside')
    const other = new Disks(host).of('/data')
    host.files.pathFaults = [{ concerns: within('/data'), effect: 'slow' }]
    other.writeHere(() => host.files.makeDirectory('/data'))
    expect(other.placeFor(100)).to.equal('aside')
  })

  it('is not slow because another process had the processor', () => {
    /** A write that stands still, for all but that time without a processor. */
    const standsStill = (forMs: number) =>
      disk.writeHere(() => {
        host.files.pathFaults = [{ concerns: within('/data'), effect: 'slow' }]
        const startMs = host.clock.monotonicMs()
        host.files.makeDirectory(`/data/${startMs}`)
        const tookMs = host.clock.monotonicMs() - startMs
        expect(tookMs).to.be.greaterThan(forMs)
        host.withoutProcessorMs += tookMs - forMs
      })
    standsStill(5)
    expect(disk.isSlow).to.equal(false)
    standsStill(6)
    expect(disk.isSlow).to.equal(true)
  })

  it('is not slow because the loop is busy when a write off it ends, and proves nothing then', async () => {
    const busyFor = (ms: number) => {
      host.files.pathFaults = [{ concerns: within('/busy'), effect: 'slow' }]
      const untilMs = host.clock.monotonicMs() + ms
      for (let i = 0; host.clock.monotonicMs() < untilMs; i++) host.files.makeDirectory(`/busy/${untilMs}-${i}`)
    }
    const busyWrite = async () => {
      const written = disk.writeAside(100, takes(host, 1))
      host.timers.after(0.5, () => busyFor(20))
      await host.settle(written)
    }
    await busyWrite()
    expect(disk.isSlow).to.equal(false)
    await slowWrite()
    await fastWrites(100)
    await busyWrite()
    expect(disk.isSlow).to.equal(true)
    await fastWrites(110)
    expect(disk.isSlow).to.equal(false)
  })

  it('gets no write on the loop while the system writes back', async () => {
    host.writesBack = (elapsedMs) => elapsedMs < 50
    expect(disk.placeFor(100)).to.equal('aside')
    expect(disk.isSlow).to.equal(false)
    await host.advance(50)
    expect(disk.placeFor(100)).to.equal('here')
  })

  it('is not slow because a large write takes longer', async () => {
    await host.settle(disk.writeAside(4096 * KB, takes(host, 60)))
    expect(disk.placeFor(100)).to.equal('here')
  })

  it('counts as quick again after 200 ms of fast writes', async () => {
    await slowWrite()
    await fastWrites(190)
    expect(disk.isSlow).to.equal(true)
    await fastWrites(20)
    expect(disk.isSlow).to.equal(false)
  })

  it('has to prove that anew after a write that was not fast', async () => {
    await slowWrite()
    await fastWrites(190)
    await host.settle(disk.writeAside(100, takes(host, 5)))
    await fastWrites(190)
    expect(disk.isSlow).to.equal(true)
  })

  it('has to prove it for twice as long after each relapse', async () => {
    for (const proofMs of [200, 400, 800]) {
      await slowWrite()
      await fastWrites(proofMs - 10)
      expect(disk.isSlow).to.equal(true)
      await fastWrites(20)
      expect(disk.isSlow).to.equal(false)
    }
    await host.advance(60_000)
    await slowWrite()
    await fastWrites(210)
    expect(disk.isSlow).to.equal(false)
  })

  it('leaves threads to others while its writes and syncs stand still', async () => {
    let [underWay, most] = [0, 0]
    const stuck = async () => {
      most = Math.max(most, ++underWay)
      await takes(host, 1000)()
      underWay--
    }
    await slowWrite()
    const work = [100, 1_000_000].flatMap((bytes) => Array.from({ length: 10 }, () => disk.writeAside(bytes, stuck)))
    const syncs = Array.from({ length: 10 }, () => disk.sync(stuck))
    await host.settle(Promise.all([...work, ...syncs]))
    expect(most).to.equal(host.threads - 1)
  })

  it('leaves a thread to its writes while reads stand still', async () => {
    let isOver = false
    const reads = Array.from({ length: 20 }, () => disk.read(takes(host, 1000)))
    const all = Promise.all(reads).then(() => {
      isOver = true
    })
    let most = 0
    const counted = async () => {
      most++
      await takes(host, 1)()
    }
    await host.settle(
      Promise.all([disk.writeAside(100, counted), disk.writeAside(1_000_000, counted), disk.sync(counted)]),
    )
    expect({ most, isOver, atMs: host.clock.monotonicMs() }).to.deep.equal({ most: 3, isOver: false, atMs: 1 })
    await host.settle(all)
    expect(host.clock.monotonicMs()).to.equal(20_000 / Math.max(1, host.threads / 2 - 1))
  })

  it('carries out small writes beside large ones, each in the order of asking', async () => {
    const ended: string[] = []
    await slowWrite()
    const write = (name: string, bytes: number, ms: number) =>
      disk.writeAside(bytes, takes(host, ms)).then(() => ended.push(name))
    const all = [write('L1', 100 * KB, 300), write('L2', 100 * KB, 300), write('s1', 100, 100), write('s2', 100, 100)]
    await host.settle(Promise.all(all))
    expect(ended).to.deep.equal(['s1', 's2', 'L1', 'L2'])
  })
})

describe('logs on a disk that cannot keep up', () => {
  const append = (manager: LogManager, topic: string, bytes: number) =>
    manager.getNow(topic, 0)!.append(buildBatch([{ value: Buffer.alloc(bytes), timestamp: 0 }]), {
      origin: 'client',
      leaderEpoch: 0,
      nowMs: 0,
    })

  async function started(host: SimulatedHost): Promise<LogManager> {
    const manager = newManager(host, '/data/d1', '/data/d2')
    await host.settle(manager.start(() => logConfig({ indexIntervalBytes: 0 })))
    for (const topic of ['a', 'b', 'c', 'd'])
      manager.createNow(topic, 0, TOPIC_ID, logConfig({ indexIntervalBytes: 0 }))
    return manager
  }

  it('write indexes, sync data and names, and remove files off the loop', async () => {
    const host = new SimulatedHost()
    const manager = await started(host)
    const log = manager.getNow('a', 0)!
    const slow = host.files.exists('/data/d1/a-0') ? '/data/d1' : '/data/d2'
    host.files.pathFaults = [{ concerns: within(slow), effect: 'slow' }]
    await host.settle(append(manager, 'a', 100))
    host.files.stalls.length = 0
    for (let round = 0; round < 700; round++) await host.settle(append(manager, 'a', 10))
    expect(host.files.stat(`${slow}/a-0/00000000000000000000.index`)!.size).to.be.at.least(4000)
    await host.settle(log.flush())
    const ofLog = ({ path }: Stall) => /a-0.*\.(log|index|timeindex|snapshot|metadata)/.test(path)
    expect(host.files.stalls.filter(ofLog)).to.deep.equal([])
    manager.delete('a', 0)
    const renamed = host.files.stalls.length
    await host.advance(61_000)
    expect(host.files.list(slow).filter((name) => name.startsWith('a-0'))).to.deep.equal([])
    expect(host.files.stalls.slice(renamed).filter(({ path }) => path.includes('-delete'))).to.deep.equal([])
    host.files.pathFaults = []
    await host.settle(manager.stop())
  })

  it('are offline where the names of their files cannot be synced', async () => {
    const host = new SimulatedHost()
    const manager = await started(host)
    const log = manager.getNow('a', 0)!
    await host.settle(append(manager, 'a', 100))
    const directory = host.files.exists('/data/d1/a-0') ? '/data/d1/a-0' : '/data/d2/a-0'
    host.files.pathFaults = [{ concerns: (path) => path === directory, effect: 'unwritable' }]
    await host.settle(log.flush())
    const read = log.read(0, { maxBytes: 1, minOneBatch: true, upToOffset: 1 })
    expect(isRejection(await host.settle(read))).to.equal(true)
    expect(() => manager.getNow('a', 0)).to.throw('EIO')
  })

  it('hold up the loop once, and not once each', async () => {
    const host = new SimulatedHost()
    const manager = await started(host)
    const slow = host.files.exists('/data/d1/a-0') ? '/data/d1' : '/data/d2'
    host.files.pathFaults = [{ concerns: within(slow), effect: 'slow' }]
    await host.settle(append(manager, 'a', 100))
    expect(host.files.stalls).to.have.length(1)
    const topics = ['a', 'b', 'c', 'd']
    for (let round = 0; round < 20; round++)
      await host.settle(Promise.all(topics.map((topic) => append(manager, topic, round % 2 === 0 ? 100 : 200_000))))
    expect(host.files.stalls).to.have.length(1)
    expect(host.files.aside.most).to.be.lessThan(host.threads)
    host.files.pathFaults = []
    await host.settle(manager.stop())
  })
})
