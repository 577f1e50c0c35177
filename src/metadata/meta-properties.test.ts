import { expect } from 'chai'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { parseProperties } from '../config/server-properties.ts'
import { establishIdentity, IdentityConflict } from './meta-properties.ts'

const nothing = { clusterId: undefined, nodeId: undefined }

function hostWith(files: Record<string, string>): SimulatedHost {
  const host = new SimulatedHost(1)
  for (const [path, content] of Object.entries(files)) {
    host.files.makeDirectory(path.slice(0, path.lastIndexOf('/')))
    host.files.replaceWhole(path, content)
  }
  return host
}

function written(host: SimulatedHost, directory: string) {
  return parseProperties(host.files.readWhole(`${directory}/meta.properties`)?.toString() ?? '')
}

describe('meta.properties', () => {
  it('a new directory gets ids, and keeps them', () => {
    const host = new SimulatedHost(1)
    const first = establishIdentity(host, ['/a', '/b'], nothing)
    expect(first).to.include({ nodeId: 1 })
    expect(establishIdentity(host, ['/a', '/b'], nothing)).to.deep.equal(first)
    expect([...written(host, '/b').keys()]).to.have.members(['version', 'cluster.id', 'node.id', 'directory.id'])
  })

  it('what Kafka formatted is adopted and left as it is', () => {
    const content = 'node.id=7\ndirectory.id=x5uvyKUxOpFuKfUWqYwSAA\nversion=1\ncluster.id=c\n'
    const host = hostWith({ '/a/meta.properties': content })
    expect(establishIdentity(host, ['/a'], nothing)).to.deep.equal({
      clusterId: 'c',
      nodeId: 7,
      directoryIds: ['x5uvyKUxOpFuKfUWqYwSAA'],
    })
    expect(host.files.readWhole('/a/meta.properties')?.toString()).to.equal(content)
  })

  it('a file of ZooKeeper’s time is brought up to version 1', () => {
    const host = hostWith({ '/a/meta.properties': 'version=0\nbroker.id=3\ncluster.id=old\n' })
    expect(establishIdentity(host, ['/a'], nothing)).to.include({ clusterId: 'old', nodeId: 3 })
    expect(written(host, '/a').get('version')).to.equal('1')
    expect(written(host, '/a').get('node.id')).to.equal('3')
  })

  it('a conflict with what was set by hand names file, both values and the remedy', () => {
    const host = hostWith({ '/a/meta.properties': 'version=1\nnode.id=1\ncluster.id=disk\n' })
    const conflict = establishIdentity(host, ['/a'], { clusterId: 'hand', nodeId: undefined })
    expect(conflict).to.be.instanceOf(IdentityConflict)
    expect((conflict as IdentityConflict).message)
      .to.include('/a/meta.properties says cluster.id=disk, the settings say cluster.id=hand')
      .and.include('remove cluster.id from the settings')
    expect(establishIdentity(host, ['/a'], { clusterId: undefined, nodeId: 2 })).to.be.instanceOf(IdentityConflict)
    expect(establishIdentity(host, ['/a'], { clusterId: 'disk', nodeId: 1 })).to.include({ clusterId: 'disk' })
  })

  it('directories of two clusters do not go together', () => {
    const host = hostWith({
      '/a/meta.properties': 'version=1\nnode.id=1\ncluster.id=one\n',
      '/b/meta.properties': 'version=1\nnode.id=1\ncluster.id=two\n',
    })
    expect((establishIdentity(host, ['/a', '/b'], nothing) as IdentityConflict).message).to.equal(
      '/a/meta.properties says cluster.id=one, /b/meta.properties says cluster.id=two: these directories do not belong together, correct log.dirs',
    )
  })
})
