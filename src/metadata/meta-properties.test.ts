import { expect } from 'chai'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { parseProperties } from '../config/server-properties.ts'
import { type Identity, readIdentity, type WantedIdentity, writeIdentity } from './meta-properties.ts'
import { IdentityConflict } from './meta-properties-rules.ts'

const noFailure = (_: string, error: Error): never => {
  throw error
}

const nothing = { clusterId: undefined, nodeId: undefined }

function hostWith(files: Record<string, string>): SimulatedHost {
  const host = new SimulatedHost(1)
  for (const [path, content] of Object.entries(files)) {
    host.files.makeDirectory(path.slice(0, path.lastIndexOf('/')))
    host.files.replaceWhole(path, content)
  }
  return host
}

/** Reads and writes the identity like a start without other faults. */
function establishIdentity(host: SimulatedHost, directories: readonly string[], wanted: WantedIdentity) {
  const identity = readIdentity(host, directories, wanted, noFailure)
  if (!(identity instanceof IdentityConflict)) writeIdentity(host, identity, noFailure)
  return identity
}

function refusal(files: Record<string, string>, directories: readonly string[], wanted: WantedIdentity = nothing) {
  const host = hostWith(files)
  const before = directories.map((each) => host.files.list(each))
  const conflict = readIdentity(host, directories, wanted, noFailure)
  expect(directories.map((each) => host.files.list(each))).to.deep.equal(before)
  return conflict instanceof IdentityConflict ? conflict.message : undefined
}

function written(host: SimulatedHost, directory: string) {
  return parseProperties(host.files.readWhole(`${directory}/meta.properties`)?.toString() ?? '')
}

describe('meta.properties', () => {
  it('a new directory gets ids, and keeps them', () => {
    const host = new SimulatedHost(1)
    const first = establishIdentity(host, ['/a', '/b'], nothing)
    expect(first).to.include({ nodeId: 1 })
    const second = establishIdentity(host, ['/a', '/b'], nothing) as Identity
    for (const name of ['clusterId', 'nodeId', 'directoryIds'] as const)
      expect(second[name]).to.deep.equal((first as Identity)[name])
    expect([(first as Identity).unformatted, second.unformatted]).to.deep.equal([['/a', '/b'], []])
    expect([...written(host, '/b').keys()]).to.have.members(['version', 'cluster.id', 'node.id', 'directory.id'])
  })

  it('what Kafka formatted is adopted and left as it is', () => {
    const content = 'node.id=7\ndirectory.id=x5uvyKUxOpFuKfUWqYwSAA\nversion=1\ncluster.id=c\n'
    const host = hostWith({ '/a/meta.properties': content })
    const { clusterId, nodeId, directoryIds } = establishIdentity(host, ['/a'], nothing) as Identity
    expect({ clusterId, nodeId, directoryIds }).to.deep.equal({
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
      .to.include('/a/meta.properties has cluster.id=disk, but the settings have cluster.id=hand')
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
      '/a/meta.properties has cluster.id=one, but /b/meta.properties has cluster.id=two: the directories belong to different brokers or clusters; correct log.dirs',
    )
  })

  it('a directory with partitions but without the file is refused, with the lines that the file needs', () => {
    const used = {
      '/a/meta.properties': 'version=1\nnode.id=7\ncluster.id=c\n',
      '/b/t-0/0.log': '',
      '/b/t-1/0.log': '',
    }
    expect(refusal(used, ['/a', '/b'])).to.equal(
      '/b holds partitions (t-0, t-1) but no meta.properties, so it is unknown which cluster they belong to: restore /b/meta.properties, ' +
        'or create it with the lines version=1, cluster.id=c and node.id=7',
    )
    expect(refusal({ '/a/__cluster_metadata-0/0.log': '' }, ['/a'])).to.include('cluster.id=<id of the cluster>')
    expect(refusal({ '/a/notes/0.log': '', '/a/t-1': 'a file' }, ['/a'])).to.equal(undefined)
  })

  for (const [title, content, expected] of [
    ['is empty', '', 'has no node.id'],
    ['has no cluster.id', 'version=1\nnode.id=1\n', 'has no cluster.id'],
    ['has no node.id', 'version=1\ncluster.id=c\n', 'has no node.id'],
    ['has an empty node.id', 'version=1\ncluster.id=c\nnode.id=\n', 'an invalid node.id'],
    ['has a torn node.id', 'version=1\ncluster.id=c\nnode.id=x1\n', 'an invalid node.id'],
    ['is of a version to come', 'version=2\ncluster.id=c\nnode.id=1\n', 'version=2'],
    ['has a malformed escape', 'version=1\nnode.id=1\ncluster.id=\\u12\n', 'is damaged (malformed \\uXXXX escape'],
    ['has a torn directory.id', 'version=1\ncluster.id=c\nnode.id=1\ndirectory.id=x5uv\n', 'directory.id=x5uv'],
    [
      'has other bytes in its directory.id',
      'version=1\ncluster.id=c\nnode.id=1\ndirectory.id=x5uvyKUx\u00d8pF uKfUWqYwSAA\n',
      'directory.id=x5uvyKUx??pF uKfUWqYwSAA: restore',
    ],
    [
      'has a reserved directory.id',
      'version=1\ncluster.id=c\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n',
      'directory.id=AAAAAAAAAAAAAAAAAAAAAQ',
    ],
  ] as const) {
    it(`a file that ${title} is refused`, () => {
      expect(refusal({ '/a/meta.properties': content }, ['/a']))
        .to.match(/^\/a\/meta.properties /)
        .and.include(expected)
    })
  }

  it('an id is that of Kafka whatever its unused last bits are', () => {
    const content = 'node.id=7\ndirectory.id=x5uvyKUxOpFuKfUWqYwSAB\nversion=1\ncluster.id=c\n'
    const identity = establishIdentity(hostWith({ '/a/meta.properties': content }), ['/a'], nothing)
    expect(identity).to.deep.include({ directoryIds: ['x5uvyKUxOpFuKfUWqYwSAA'] })
  })

  it('two directories with one directory.id are refused: one is a copy', () => {
    const content = 'node.id=7\ndirectory.id=x5uvyKUxOpFuKfUWqYwSAA\nversion=1\ncluster.id=c\n'
    expect(refusal({ '/a/meta.properties': content, '/b/meta.properties': content }, ['/a', '/b']))
      .to.include('/a and /b both have directory.id=x5uvyKUxOpFuKfUWqYwSAA')
      .and.include('remove it from log.dirs')
  })
})
