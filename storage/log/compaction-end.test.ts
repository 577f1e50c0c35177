import { expect } from 'chai'
import { SimulatedHost } from '../host/simulated-host.ts'
import { silentStorageLogger } from '../storage-logger.ts'
import { COMPACTION_END_FILE, CompactionEnd } from './compaction-end.ts'

describe('the end of the part of a log in which compaction leaves holes', () => {
  let host: SimulatedHost
  const path = `/data/t-0/${COMPACTION_END_FILE}`
  const open = (atLeast = 0) =>
    new CompactionEnd({ files: host.files, logger: silentStorageLogger, partition: 't-0' }, '/data/t-0', atLeast)

  beforeEach(() => {
    host = new SimulatedHost()
    host.files.makeDirectory('/data/t-0')
  })

  it('is unknown in a log that others wrote, and from then on the end that it had', () => {
    const end = open()
    expect(end.offset).to.equal(undefined)
    end.begin(20)
    end.begin(30)
    expect([end.offset, open().offset]).to.deep.equal([20, 20])
  })

  it('moves up only, and is not below the checkpoint of the cleaner', async () => {
    const end = open()
    end.begin(0)
    await host.settle(end.moveTo(50, () => false))
    await host.settle(end.moveTo(40, () => false))
    expect([open().offset, open(60).offset]).to.deep.equal([50, 60])
    await host.settle(end.moveTo(70, () => true))
    expect([end.offset, open().offset], 'the file may be that of another log').to.deep.equal([50, 50])
  })

  it('is unknown if the file is damaged, and written anew', () => {
    open().begin(50)
    const bytes = host.files.readWhole(path)!
    bytes[2]! ^= 1
    host.files.replaceWhole(path, bytes)
    const end = open()
    expect(end.offset).to.equal(undefined)
    end.begin(70)
    expect(open().offset).to.equal(70)
  })
})
