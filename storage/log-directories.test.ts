import { expect } from 'chai'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { formatOffsets, LOG_START_FILE, RECOVERY_POINT_FILE } from './checkpoint-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { logConfig } from './log-config.fixture.ts'
import { logBehind, managerSettings, newManager } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'

describe('directories of logs', () => {
  it('new logs go where the fewest are, but into none that is cordoned as long as there is another', async () => {
    const cordoned = new Set<string>()
    const host = new SimulatedHost()
    const manager = new LogManager({
      host,
      directories: ['/a', '/b'].map((path) => ({ path, directoryId: path })),
      settings: managerSettings,
      isCordoned: (directory) => cordoned.has(directory),
    })
    await host.settle(manager.start(() => logConfig()))
    const added = (partition: number): string => {
      manager.createNow('topic', partition, 'AAAAAAAAAAAAAAAAAAAABQ', logConfig())
      return ['/a', '/b'].filter((path) => host.files.exists(`${path}/topic-${partition}`)).join()
    }
    expect([added(0), added(1)].sort()).to.deep.equal(['/a', '/b'])
    cordoned.add('/a')
    expect([added(2), added(3), added(4)]).to.deep.equal(['/b', '/b', '/b'])
    cordoned.clear()
    expect([added(5), added(6)]).to.deep.equal(['/a', '/a'])
    cordoned.add('/a').add('/b')
    expect(added(7)).to.equal('/a')
    await host.settle(manager.stop())
  })

  it('new logs go into none without room as long as there is another', async () => {
    const full = new Set(['/a'])
    const host = new SimulatedHost()
    const space = host.files.space.bind(host.files)
    host.files.space = (path) => ({ ...space(path), ...(full.has(path) ? { freeBytes: 1_000_000 } : {}) })
    const manager = newManager(host, '/a', '/b')
    await host.settle(manager.start(() => logConfig()))
    const added = (partition: number): string => {
      manager.createNow('topic', partition, 'AAAAAAAAAAAAAAAAAAAABQ', logConfig())
      return ['/a', '/b'].filter((path) => host.files.exists(`${path}/topic-${partition}`)).join()
    }
    expect([added(0), added(1)]).to.deep.equal(['/b', '/b'])
    full.clear()
    expect([added(2), added(3)]).to.deep.equal(['/a', '/a'])
    full.add('/a').add('/b')
    expect(added(4)).to.equal('/a')
    // A disk that does not tell counts as one with room.
    host.files.space = () => {
      throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    }
    expect(added(5)).to.equal('/b')
    await host.settle(manager.stop())
  })

  it('a log that was moved to another one keeps its start, which no other log gets', async () => {
    const host = new SimulatedHost()
    const started = async (): Promise<LogManager> => {
      const manager = newManager(host, '/a', '/b')
      await host.settle(manager.start(() => logConfig()))
      return manager
    }
    const nowMs = host.clock.nowMs()
    const first = await started()
    const home = new Map<number, string>()
    for (const partition of [0, 1]) {
      const log = first.createNow('topic', partition, 'AAAAAAAAAAAAAAAAAAAABQ', logConfig())
      home.set(partition, host.files.exists(`/a/topic-${partition}`) ? '/a' : '/b')
      await host.settle(
        log.append(buildBatch([{ value: 'a' }, { value: 'b' }]), { origin: 'client', leaderEpoch: 0, nowMs }),
      )
    }
    await host.settle(first.getNow('topic', 0)!.deleteRecordsBefore(1))
    await host.settle(first.stop())
    const [from, to] = [home.get(0)!, home.get(1)!]
    host.files.rename(`${from}/topic-0`, `${to}/topic-0`)
    // A start that no other file of the directory confirms, as after files were mixed up.
    host.files.remove(`${to}/${RECOVERY_POINT_FILE}`)
    const starts = [
      { topic: 'topic', partition: 0, offset: 1 },
      { topic: 'topic', partition: 1, offset: 2 },
    ]
    host.files.replaceWhole(`${from}/${LOG_START_FILE}`, formatOffsets(starts))
    const second = await started()
    expect([0, 1].map((partition) => second.getNow('topic', partition)!.logStartOffset)).to.deep.equal([1, 0])
    await host.settle(second.stop())
  })

  it('go offline if they are gone, but not for a file in them that is', async () => {
    const host = new SimulatedHost()
    const failed: string[] = []
    const manager = new LogManager({
      host,
      directories: ['/a', '/b'].map((path) => ({ path, directoryId: path })),
      settings: managerSettings,
      onDirectoryFailed: ({ directory }) => failed.push(directory),
    })
    await host.settle(manager.start(() => logConfig()))
    const log = manager.createNow('topic', 0, 'AAAAAAAAAAAAAAAAAAAABQ', logConfig())
    const context = { origin: 'client', leaderEpoch: 0, nowMs: host.clock.nowMs() } as const
    await host.settle(log.append(buildBatch([{ value: 'a' }]), context))
    const gone = () => Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' })
    const { services } = logBehind(log)
    services.noteFailure(gone())
    await host.advance(1)
    expect(failed).to.deep.equal([])
    host.files.remove('/a')
    host.files.remove('/b')
    services.noteFailure(gone())
    await host.advance(1)
    expect(failed).to.have.length(1)
    manager.halt()
  })
})
