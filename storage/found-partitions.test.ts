import { expect } from 'chai'
import { findPartitions } from './found-partitions.ts'
import { within } from './host/faulty-files.ts'
import { SimulatedHost } from './host/simulated-host.ts'

describe('partitions in the data directories', () => {
  it('are found by their names, also one of which the disk tells nothing', () => {
    const host = new SimulatedHost(1)
    for (const name of ['a-0', 'b-1', '__cluster_metadata-0', 'a-00', 'no partition'])
      host.files.makeDirectory(`/data/${name}`)
    host.files.replaceWhole('/data/c-0', 'a file')
    host.files.pathFaults = [{ concerns: within('/data/b-1'), effect: 'dead' }]
    expect(findPartitions(host.files, ['/data']).map(({ name }) => name)).to.deep.equal(['a-0', 'b-1'])
  })
})
