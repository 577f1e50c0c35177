import { expect } from 'chai'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import type { FileHandle, Files } from './host/host.ts'
import { failure } from './host/memory-files.ts'
import { limitOf } from './host/node-open-limit.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { logConfig } from './log-config.fixture.ts'
import { managerSettings } from './log-manager.fixture.ts'
import { LogManager } from './log-manager.ts'
import { OpenFiles } from './open-files.ts'
import { openLimits } from './open-limits.ts'

/** Files of a process with the given limit of open files. */
function limited(files: Files, limit: number): { files: Files; readonly open: () => number; limit: number } {
  let open = 0
  const process = { files, open: () => open, limit }
  process.files = new Proxy(files, {
    get(target, key) {
      if (key === 'openLimit') return process.limit
      const value = Reflect.get(target, key)
      if (key !== 'open') return typeof value === 'function' ? value.bind(target) : value
      return (path: string, mode: 'r' | 'r+' | 'a+'): FileHandle => {
        if (open >= process.limit) throw failure('EMFILE', `too many open files, open '${path}'`)
        open++
        const handle = target.open(path, mode)
        return new Proxy(handle, {
          get(inner, name) {
            const member = Reflect.get(inner, name)
            if (name !== 'close') return typeof member === 'function' ? member.bind(inner) : member
            return () => {
              open--
              inner.close()
            }
          },
        })
      }
    },
  })
  return process
}

describe('open files', () => {
  it('closes handles that nobody uses where the process may open no more', () => {
    const process = limited(new SimulatedHost(1).files, 4)
    const refused: Error[] = []
    const files = new OpenFiles(process.files, (error) => refused.push(error), 100)
    for (let i = 0; i < 50; i++) files.create(`/file${i}`)
    expect(process.open()).to.be.at.most(4)
    expect(refused).to.deep.equal([])
  })

  it('tells the failure where every handle is in use', () => {
    const process = limited(new SimulatedHost(1).files, 2)
    const refused: Error[] = []
    const files = new OpenFiles(process.files, (error) => refused.push(error), 100)
    for (const path of ['/a', '/b']) {
      files.create(path)
      files.pin(path)
    }
    expect(() => files.create('/c')).to.throw('EMFILE')
    expect(refused).to.have.length(1)
  })

  it('one line tells that no file can be opened, however many logs meet it', async () => {
    const host = new SimulatedHost(1)
    const process = limited(host.files, 1000)
    const lines: string[] = []
    const manager = new LogManager({
      host: {
        ...host,
        clock: host.clock,
        timers: host.timers,
        random: host.random,
        files: process.files,
        fatal: host.fatal,
      },
      directories: [{ path: '/data', directoryId: 'AAAAAAAAAAAAAAAAAAAABQ' }],
      settings: managerSettings,
      logger: { error: (_, message) => lines.push(message), warn() {}, info() {} },
    })
    const config = logConfig()
    await host.settle(manager.start(() => config))
    const log = manager.createNow('t', 0, 'AAAAAAAAAAAAAAAAAAAABQ', config)
    process.limit = 0
    for (let i = 1; i <= 100; i++)
      expect(() => manager.createNow('t', i, 'AAAAAAAAAAAAAAAAAAAABQ', config)).to.throw('EMFILE')
    expect(lines).to.have.length(1)
    expect(lines[0]).to.contain('cannot open another file').and.to.contain('ulimit -n')
    process.limit = 1000
    const records = buildBatch([{ value: Buffer.from('x'), timestamp: 1 }])
    const context = { origin: 'client', leaderEpoch: 0, nowMs: host.clock.nowMs() } as const
    expect(await host.settle(log.append(records, context))).to.include({ baseOffset: 0 })
    await host.settle(manager.stop())
  })

  for (const [limit, files, connections] of [
    [Number.POSITIVE_INFINITY, 1000, Number.POSITIVE_INFINITY],
    [1_048_576, 1000, 1_047_512],
    [1024, 480, 480],
    [256, 96, 96],
    [16, 6, 6],
  ] as const)
    it(`of ${limit} files ${files} are the cache's and ${connections} the clients'`, () => {
      expect(openLimits(limit)).to.deep.equal({ files, connections })
    })

  it('reads the limit of the process as Linux tells it', () => {
    const line = (soft: string) =>
      `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${soft}             1048576              files     \n`
    expect(limitOf(line('524288 '))).to.equal(524_288)
    expect(limitOf(line('unlimited'))).to.equal(Number.POSITIVE_INFINITY)
    expect(limitOf('')).to.equal(Number.POSITIVE_INFINITY)
  })
})
