import { expect } from 'chai'
import { type PathEffect, within } from './faulty-files.ts'
import { SimulatedHost } from './simulated-host.ts'

/** The error code of an operation; undefined: it succeeded. */
function codeOf(operation: () => unknown): string | undefined {
  try {
    operation()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

function disks(): SimulatedHost {
  const host = new SimulatedHost(1)
  for (const each of ['/data/d1', '/data/d10']) {
    host.files.makeDirectory(each)
    host.files.replaceWhole(`${each}/file`, 'content')
  }
  return host
}

describe('a fault of one path', () => {
  const fail = (host: SimulatedHost, effect: PathEffect) => {
    host.files.pathFaults = [{ concerns: within('/data/d1'), effect }]
  }

  const rows: readonly (readonly [
    PathEffect,
    Partial<Record<'look' | 'read' | 'overwrite' | 'grow' | 'make', string>>,
  ])[] = [
    ['dead', { look: 'EIO', read: 'EIO', overwrite: 'EIO', grow: 'EIO', make: 'EIO' }],
    ['unreadable', { read: 'EIO' }],
    ['unwritable', { overwrite: 'EIO', grow: 'EIO', make: 'EIO' }],
    ['read-only', { overwrite: 'EROFS', grow: 'EROFS', make: 'EROFS' }],
    ['full', { grow: 'ENOSPC', make: 'ENOSPC' }],
  ]
  for (const [effect, expected] of rows) {
    it(`that is ${effect} fails what it concerns, and nothing beside it`, () => {
      const host = disks()
      const { files } = host
      const handles = new Map(['/data/d1', '/data/d10'].map((each) => [each, files.open(`${each}/file`, 'r+')]))
      fail(host, effect)
      const found = (directory: string) => ({
        look: codeOf(() => files.stat(`${directory}/file`)),
        read: codeOf(() => handles.get(directory)!.readSync(Buffer.alloc(1), 0)),
        overwrite: codeOf(() => handles.get(directory)!.writeSync([Buffer.from('C')], 0)),
        grow: codeOf(() => handles.get(directory)!.writeSync([Buffer.from('more')], 7)),
        make: codeOf(() => files.open(`${directory}/new`, 'a+')),
      })
      const none = { look: undefined, read: undefined, overwrite: undefined, grow: undefined, make: undefined }
      expect(found('/data/d1')).to.deep.equal({ ...none, ...expected })
      expect(found('/data/d10')).to.deep.equal(none)
      expect(files.pathFaultsStruck).to.equal(Object.keys(expected).length)
    })
  }

  it('is over when the path comes back', () => {
    const host = disks()
    fail(host, 'dead')
    expect(host.files.exists('/data/d1/file')).to.equal(false)
    host.files.pathFaults = []
    expect(host.files.readWhole('/data/d1/file')?.toString()).to.equal('content')
  })
})

describe('a copy of files in memory', () => {
  it('shares nothing that either of the two changes', () => {
    const { memory, random } = disks()
    const copy = memory.copy()
    memory.open('/data/d1/file', 'r+').writeSync([Buffer.from('CON')], 0)
    copy.open('/data/d10/file', 'r+').truncate(3)
    copy.remove('/data/d1/file')
    expect(memory.readWhole('/data/d1/file')?.toString()).to.equal('CONtent')
    expect(memory.readWhole('/data/d10/file')?.toString()).to.equal('content')
    expect(copy.readWhole('/data/d10/file')?.toString()).to.equal('con')
    expect(copy.exists('/data/d1/file')).to.equal(false)
    expect(memory.copy().allFiles()).to.deep.equal(['/data/d1/file', '/data/d10/file'])
    // Copied content counts as synced.
    const again = memory.copy()
    again.losePower(random)
    expect(again.readWhole('/data/d1/file')?.toString()).to.equal('CONtent')
  })
})
