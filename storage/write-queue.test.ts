import { Disks } from './disk.ts'
import { SimulatedHost } from './host/simulated-host.ts'
import { OpenFiles } from './open-files.ts'
import { syncFile } from './write-queue.ts'

describe('a sync off the loop', () => {
  it('of a file that is removed while it waits for its turn does not fail', async () => {
    const host = new SimulatedHost(1)
    host.files.makeDirectory('/data')
    host.files.replaceWhole('/data/file', 'content')
    const disk = new Disks(host).of('/data')
    const busy: (() => void)[] = []
    for (let i = 0; i < Math.max(1, host.threads / 2 - 1); i++)
      void disk.sync(() => new Promise<void>((resolve) => busy.push(resolve)))
    const synced = syncFile(disk, new OpenFiles(host.files), '/data/file')
    host.files.remove('/data/file')
    host.timers.after(1, () => {
      for (const end of busy.splice(0)) end()
    })
    await host.settle(synced)
  })
})
