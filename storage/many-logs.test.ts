import { expect } from 'chai'
import { isRejection } from '../protocol/error-codes.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { logConfig } from './log-config.fixture.ts'
import { newManager, TOPIC, TOPIC_ID } from './log-manager.fixture.ts'
import type { LogManager } from './log-manager.ts'
import type { LogConfig, PartitionLog } from './partition-log.ts'

/** Number of handles that OpenFiles keeps open. */
const MOST_HANDLES = 1000
const START_MS = 1_000_000

/** Records from now on which files are opened or read as a whole, and how many handles are open at a time. */
function watched(host: SimulatedHost) {
  const { files } = host
  const [open, readWhole] = [files.open.bind(files), files.readWhole.bind(files)]
  const seen = { touched: new Set<string>(), openNow: 0, mostOpen: 0 }
  files.open = (path, mode) => {
    seen.touched.add(path)
    seen.mostOpen = Math.max(seen.mostOpen, ++seen.openNow)
    const handle = open(path, mode)
    const close = handle.close.bind(handle)
    return Object.assign(handle, {
      close: () => {
        seen.openNow--
        close()
      },
    })
  }
  files.readWhole = (path) => {
    seen.touched.add(path)
    return readWhole(path)
  }
  return seen
}

async function started(host: SimulatedHost, config: LogConfig): Promise<LogManager> {
  const manager = newManager(host, '/data')
  await host.settle(manager.start(() => config))
  return manager
}

function append(log: PartitionLog, timestamp: number): Promise<unknown> {
  return log.append(buildBatch([{ timestamp, value: 'a' }]), { origin: 'client', leaderEpoch: 0, nowMs: timestamp })
}

/** A machine with the files of a cleanly stopped broker: that many partitions, one record in each. */
async function stoppedWith(partitions: number): Promise<SimulatedHost> {
  const host = new SimulatedHost(1)
  const manager = await started(host, logConfig())
  const logs = Array.from({ length: partitions }, (_, i) => manager.createNow(TOPIC, i, TOPIC_ID, logConfig()))
  await host.settle(Promise.all(logs.map((log) => append(log, START_MS))))
  await host.settle(manager.stop())
  return host
}

async function firstBatch(host: SimulatedHost, log: PartitionLog, offset: number): Promise<number> {
  const read = { maxBytes: 1, minOneBatch: true, upToOffset: log.logEndOffset }
  const result = await host.settle(log.read(offset, read))
  if (isRejection(result)) throw new Error(result.error)
  result.release()
  return result.sizeBytes
}

describe('many logs', () => {
  it('are opened when they are asked for: a start after a clean stop reads none, a request only its own', async () => {
    const host = await stoppedWith(100)
    const seen = watched(host)
    const manager = await started(host, logConfig())
    const directory = `/data/${TOPIC}-`
    const ofLogs = () => [...seen.touched].filter((path) => path.startsWith(directory))
    expect(ofLogs()).to.deep.equal([])
    expect(manager.getNow(TOPIC, 42)!.logEndOffset).to.equal(1)
    expect(ofLogs()).not.to.deep.equal([])
    expect(ofLogs().every((path) => path.startsWith(`${directory}42/`))).to.equal(true)
  })

  it('have no more files open than the cache keeps, however many are used', async function () {
    this.timeout(300_000)
    const host = await stoppedWith(1200)
    const seen = watched(host)
    const manager = await started(host, logConfig())
    for (let i = 0; i < 1200; i++) expect(await firstBatch(host, manager.getNow(TOPIC, i)!, 0)).to.be.greaterThan(0)
    await host.settle(Promise.all(Array.from({ length: 1200 }, (_, i) => append(manager.getNow(TOPIC, i)!, START_MS))))
    // More handles were needed than allowed, so the limit was reached; a flush opens one more for a snapshot.
    expect(seen.touched.size).to.be.greaterThan(MOST_HANDLES)
    expect(seen.mostOpen).to.be.within(MOST_HANDLES, MOST_HANDLES + 1)
    await host.settle(manager.stop())
    expect(seen.openNow).to.equal(0)
  })
})

describe('a log of many segments', () => {
  const segments = 1500
  const config = logConfig({ segmentBytes: 100 })
  let host: SimulatedHost
  let seen: ReturnType<typeof watched>

  before(async function () {
    this.timeout(300_000)
    host = new SimulatedHost(1)
    seen = watched(host)
    const manager = await started(host, config)
    const log = manager.createNow(TOPIC, 0, TOPIC_ID, config)
    for (let i = 0; i < segments; i++) await host.settle(append(log, START_MS + i))
    expect(seen.touched.size).to.be.greaterThan(3 * segments)
    await host.settle(manager.stop())
  })

  it('is made, searched by time and read with no more open files than the cache keeps', async () => {
    const manager = await started(host, config)
    const log = manager.getNow(TOPIC, 0)!
    const found = await host.settle(log.offsetForTimestamp(START_MS + segments - 1, log.logEndOffset))
    expect(found?.offset).to.equal(segments - 1)
    for (let offset = 0; offset < segments; offset++) expect(await firstBatch(host, log, offset)).to.be.greaterThan(0)
    await host.settle(manager.stop())
    expect(seen.mostOpen).to.be.within(MOST_HANDLES, MOST_HANDLES + 1)
  })

  it('is opened after a clean stop by its last segment alone, and read by the one that has the offset', async () => {
    const manager = await started(host, config)
    seen.touched.clear()
    const log = manager.getNow(TOPIC, 0)!
    const logFiles = () => [...seen.touched].filter((path) => path.endsWith('.log')).map((path) => path.slice(-24, -4))
    expect(logFiles()).to.deep.equal([String(segments - 1).padStart(20, '0')])
    seen.touched.clear()
    expect(await firstBatch(host, log, 700)).to.be.greaterThan(0)
    expect(logFiles()).to.deep.equal(['700'.padStart(20, '0')])
    await host.settle(manager.stop())
  })
})
