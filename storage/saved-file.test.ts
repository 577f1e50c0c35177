import { expect } from 'chai'
import { Disks } from './disk.ts'
import { within } from './host/faulty-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { SavedFile } from './saved-file.ts'
import { SpaceReserve } from './space-reserve.ts'

const PATH = '/data/checkpoint'

describe('a file that is saved as a whole', () => {
  let host: SimulatedHost
  let content: string
  let contentsTaken: number
  let saved: SavedFile
  const found = () => host.files.readWhole(PATH)?.toString()

  beforeEach(() => {
    host = new SimulatedHost()
    host.files.makeDirectory('/data')
    host.files.syncDirectory('/')
    content = 'a'
    contentsTaken = 0
    const reserve = new SpaceReserve(host.files, '/data')
    saved = new SavedFile({
      host,
      disk: new Disks(host).of('/data'),
      path: PATH,
      content: () => {
        contentsTaken++
        return content
      },
      withReserve: (task) => reserve.use(task),
      withReserveAside: (task) => reserve.useAside(task),
    })
  })

  it('is durable once that resolves, with the content of then or later', async () => {
    const saving = saved.save()
    content = 'b'
    await host.settle(saving)
    host.memory.losePower(host.random)
    expect(found()).to.equal('b')
  })

  it('is written once for all requests of a turn, and once more for those during the write', async () => {
    const first = Promise.all([saved.save(), saved.save()])
    await host.advance(0.1)
    content = 'b'
    await host.settle(Promise.all([first, saved.save(), saved.save()]))
    expect(contentsTaken).to.equal(2)
    expect(found()).to.equal('b')
  })

  it('does not hold up the loop on a slow disk', async () => {
    host.files.pathFaults = [{ concerns: (path) => path === '/data' || path.endsWith('.tmp'), effect: 'slow' }]
    await host.settle(saved.save())
    expect(found()).to.equal('a')
    expect(host.files.stalls.filter(({ operation }) => operation === 'write')).to.deep.equal([])
  })

  it('keeps what was written at once while a write was under way', async () => {
    host.files.pathFaults = [{ concerns: (path) => path.endsWith('.aside.tmp'), effect: 'slow' }]
    const saving = saved.save()
    await host.advance(1)
    content = 'b'
    saved.saveAtOnce()
    await host.settle(saving)
    expect(found()).to.equal('b')
    expect(saved.isUnsaved).to.equal(false)
  })

  it('is left alone once closed, also by the write under way', async () => {
    const saving = saved.save()
    await host.advance(0.1)
    expect(contentsTaken).to.equal(1)
    saved.close()
    await host.settle(Promise.all([saving, saved.save()]))
    expect(found()).to.equal(undefined)
    expect(contentsTaken).to.equal(1)
  })

  it('is unsaved after a failure, of which the caller hears, and is written by the next request', async () => {
    host.files.pathFaults = [{ concerns: within('/data'), effect: 'unwritable' }]
    const failed = await host.settle(saved.save().catch((error: Error) => error.message))
    expect(failed).to.contain('EIO')
    expect(saved.isUnsaved).to.equal(true)
    host.files.pathFaults = []
    await host.settle(saved.save())
    expect(found()).to.equal('a')
    expect(saved.isUnsaved).to.equal(false)
  })
})
