import { expect } from 'chai'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { NO_FAULTS } from './host/faulty-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { logConfig } from './log-config.fixture.ts'
import { newManager, TOPIC, TOPIC_ID } from './log-manager.fixture.ts'

describe('a log that the disk does not let recover', () => {
  it('is refused until the next start, and then is what it was', async () => {
    const host = new SimulatedHost(1)
    const start = async () => {
      const manager = newManager(host, '/data')
      await host.settle(manager.start(() => logConfig()))
      return manager
    }
    const log = (await start()).createNow(TOPIC, 0, TOPIC_ID, logConfig())
    const context = { origin: 'client', leaderEpoch: 0, nowMs: host.clock.nowMs() } as const
    for (const value of ['a', 'b']) await host.settle(log.append(buildBatch([{ value }]), context))
    await host.settle(log.deleteRecordsBefore(1))
    host.crash()

    // The checkpoints can be read, the log cannot.
    const readSome = host.files.readSome.bind(host.files)
    host.files.readSome = () => {
      throw Object.assign(new Error('EIO: read'), { code: 'EIO' })
    }
    const failing = await start()
    expect(() => failing.createNow(TOPIC, 0, TOPIC_ID, logConfig())).to.throw('EIO')
    // One log that cannot be read is left alone; its directory is used for the others.
    expect(failing.directories()[0]?.failure).to.equal(undefined)
    await host.settle(failing.stop())
    host.files.readSome = readSome
    host.files.rates = NO_FAULTS
    host.crash()

    const found = (await start()).getNow(TOPIC, 0)!
    expect([found.logStartOffset, found.logEndOffset]).to.deep.equal([1, 2])
  })
})
