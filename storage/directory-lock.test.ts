import { expect } from 'chai'
import { lockDirectories } from './directory-lock.ts'
import { within } from './host/faulty-files.ts'
import { SeededRandom } from './host/seeded-random.ts'
import { SimulatedHost } from './host/simulated-host.ts'

const PATH = '/srv/kafka/data'

describe('directories that are made and locked', () => {
  const fails = (_: string, error: Error) => {
    throw error
  }

  for (let step = 0; step < 8; step++) {
    it(`survive a power loss once that is done, also if an earlier try crashed after ${step} changes`, () => {
      const host = new SimulatedHost()
      host.files.crashAfterChanges = step
      try {
        lockDirectories(host.files, [PATH], fails)
      } catch {
        expect(host.files.crashed).to.equal(true)
      }
      host.crash()
      host.files.crashAfterChanges = Number.POSITIVE_INFINITY
      lockDirectories(host.files, [PATH], fails)
      host.memory.losePower(new SeededRandom(step))
      expect(host.memory.exists(PATH)).to.equal(true)
    })
  }

  it('may be in one that this user may not list', () => {
    const host = new SimulatedHost()
    host.files.makeDirectory(PATH)
    const { syncDirectory } = host.files
    host.files.syncDirectory = (path) => {
      if (path === '/srv/kafka') throw Object.assign(new Error('permission denied'), { code: 'EACCES' })
      syncDirectory.call(host.files, path)
    }
    expect(lockDirectories(host.files, [PATH], fails)).to.have.property('release')
    expect(() => lockDirectories(host.files, ['/srv/kafka/other'], fails)).to.throw('permission denied')
  })

  it('are left out if the disk fails, and the others are locked', () => {
    const host = new SimulatedHost()
    host.files.pathFaults = [{ concerns: within('/bad'), effect: 'dead' }]
    const failed: string[] = []
    lockDirectories(host.files, ['/bad/data', PATH], (directory) => failed.push(directory))
    expect(failed).to.deep.equal(['/bad/data'])
    expect(host.memory.exists(PATH)).to.equal(true)
  })
})
