import { expect } from 'chai'
import { ApiVersions } from '../../../protocol/apis/api-versions.ts'
import { DescribeUserScramCredentials } from '../../../protocol/apis/describe-user-scram-credentials.ts'
import type { SimulatedHost } from '../../../storage/host/simulated-host.ts'
import { startSettingsOf } from '../../config/start-settings.ts'
import { RunningBroker } from '../../running-broker.fixture.ts'
import { parseArguments } from '../arguments.ts'
import { runStorageCommand } from './run.ts'

const withVoters = {
  'log.dirs': '/data,/more',
  'process.roles': 'broker,controller',
  'node.id': '1',
  listeners: 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.voters': '1@localhost:9093',
}
const { 'controller.quorum.voters': _, ...withoutVoters } = withVoters

/** Runs the command line as main.ts does. */
function run(host: SimulatedHost, properties: Record<string, string>, ...args: string[]) {
  const command = parseArguments(args, '1.2.3')
  if (!('name' in command)) throw new Error('no storage command')
  const out: string[] = []
  const err: string[] = []
  const code = runStorageCommand(command, {
    host,
    settingsOf: () => startSettingsOf(new Map(Object.entries(properties))),
    out: (line) => out.push(line),
    err: (line) => err.push(line),
  })
  return { code, out, err }
}

const format = ['format', '-c', 'x.properties', '-t', 'cluster-one']
const info = ['info', '-c', 'x.properties']

describe('storage commands', () => {
  let machine: RunningBroker
  let host: SimulatedHost
  beforeEach(() => {
    machine = new RunningBroker()
    host = machine.host
  })

  it('a broker starts on a formatted directory with its cluster id, features and users', async () => {
    const user = 'SCRAM-SHA-256=[name=alice,password=secret]'
    const { code, out } = run(host, withVoters, ...format, '-f', 'share.version=0', '-S', user)
    expect(code).to.equal(0)
    expect(out.slice(1)).to.deep.equal([
      'Formatting metadata directory /data with metadata.version 4.4-IV2.',
      'Formatting data directory /more with metadata.version 4.4-IV2.',
    ])
    expect(out[0]).to.contain(`name='alice', mechanism=1, salt=[hidden], storedKey=[hidden], serverKey=[hidden]`)
    await machine.start(withVoters)
    const { results } = await machine.call(DescribeUserScramCredentials, 0, { users: null })
    expect(results.map((each) => each.user)).to.deep.equal(['alice'])
    const software = { clientSoftwareName: 'a', clientSoftwareVersion: '1', clusterId: null, nodeId: -1 }
    const { finalizedFeatures } = await machine.call(ApiVersions, 4, software)
    const levels = Object.fromEntries(finalizedFeatures.map((each) => [each.name, each.maxVersionLevel]))
    expect(levels).to.include({ 'metadata.version': 33, 'group.version': 1 }).and.not.have.property('share.version')
    expect(String(host.files.readWhole('/data/meta.properties'))).to.contain('cluster.id=cluster-one\n')
    await machine.stop()
  })

  it('a quorum of its own has the directory id of the voter', () => {
    const voter = '1@localhost:9093:JEXY6aqzQY-32P5TStzaFg'
    const { code, out } = run(host, withoutVoters, ...format, '-I', voter, '-r', '4.0')
    expect(code).to.equal(0)
    expect(out[1]).to.equal('Formatting dynamic metadata voter directory /data with metadata.version 4.0-IV3.')
    expect(String(host.files.readWhole('/data/meta.properties'))).to.contain('directory.id=JEXY6aqzQY-32P5TStzaFg\n')
    expect(String(host.files.readWhole('/more/meta.properties'))).to.not.contain('JEXY6aqzQY-32P5TStzaFg')
  })

  it('formats once; --ignore-formatted formats what was added', () => {
    const one = { ...withVoters, 'log.dirs': '/data' }
    expect(run(host, one, ...format).code).to.equal(0)
    const again = run(host, one, ...format)
    expect([again.code, again.out]).to.deep.equal([1, []])
    expect(again.err).to.deep.equal([
      'Log directory /data is already formatted. Use --ignore-formatted to ignore this directory and format the others.',
    ])
    expect(run(host, one, ...format, '-g').out).to.deep.equal(['All of the log directories are already formatted.'])
    expect(run(host, withVoters, ...format, '-g').out.slice(1)).to.deep.equal([
      'Formatting data directory /more with metadata.version 4.4-IV2.',
    ])
  })

  it('finishes what an interrupted format has begun', () => {
    run(host, withVoters, ...format)
    for (const directory of ['/data', '/more']) host.files.remove(`${directory}/meta.properties`)
    expect(run(host, withVoters, ...format).code).to.equal(0)
  })

  it('directories of another cluster or node, and partitions without meta.properties, are left alone', () => {
    host.files.makeDirectory('/more/orders-0')
    const lost = run(host, withVoters, ...format)
    expect(lost.err[0]).to.contain('/more holds partitions (orders-0) but no meta.properties')
    host.files.remove('/more/orders-0')
    run(host, withVoters, ...format)
    const other = run(host, withVoters, 'format', '-c', 'x', '-t', 'cluster-two', '-g')
    expect([other.code, other.err[0]]).to.deep.equal([
      1,
      'Invalid cluster.id in: /data/meta.properties. Expected cluster-two, but read cluster-one: use that --cluster-id, or another directory',
    ])
    const node = { ...withVoters, 'node.id': '2', 'controller.quorum.voters': '2@localhost:9093' }
    expect(run(host, node, ...format, '-g').err[0]).to.contain('node.id=1')
  })

  it('a refused argument writes nothing', () => {
    const { code, err } = run(host, withVoters, ...format, '-f', 'group.version=7')
    expect([code, err]).to.deep.equal([1, ['No feature:group.version with feature level 7']])
    expect(host.files.exists('/data')).to.equal(false)
  })

  it('a quorum of other nodes is refused', () => {
    const join = run(host, withoutVoters, ...format, '-N')
    expect(join.err[0]).to.contain('Ottla’s only controller is its own: use --standalone')
    const two = '1@localhost:9093:JEXY6aqzQY-32P5TStzaFg,2@localhost:9094:MvDxzVmcRsaTz33bUuRU6A'
    expect(run(host, withoutVoters, ...format, '-I', two).err[0]).to.contain('name only this one')
    expect(run(host, withoutVoters, ...format).err[0]).to.contain('--standalone, --initial-controllers, or')
    expect(run(host, { ...withVoters, 'cluster.id': 'x' }, ...format).err[0]).to.contain('cluster.id=x')
  })

  it('info shows what was formatted, and changes nothing', () => {
    const before = run(host, withVoters, ...info)
    expect(before).to.deep.equal({
      code: 1,
      out: ['Found problems:', '  /data does not exist', '  /more does not exist', ''],
      err: [],
    })
    expect(host.files.exists('/data')).to.equal(false)
    run(host, withVoters, ...format)
    const { code, out } = run(host, withVoters, ...info)
    expect([code, ...out.slice(0, 4)]).to.deep.equal([0, 'Found log directories:', '  /data', '  /more', ''])
    expect(out[4]).to.match(
      /^Found metadata: \{cluster\.id=cluster-one, directory\.id=[\w-]{22}, node\.id=1, version=1\}$/,
    )
  })

  it('info names damage', () => {
    host.files.makeDirectory('/data')
    host.files.makeDirectory('/more')
    host.files.replaceWhole('/data/meta.properties', 'version=7\n')
    const { code, out } = run(host, withVoters, ...info)
    expect(code).to.equal(1)
    expect(out).to.include('  Error loading /data/meta.properties: Unknown meta.properties version number 7')
    expect(out).to.include('  /more is not formatted.')
  })

  it('random-uuid prints a new one each time', () => {
    const [first, second] = [run(host, {}, 'random-uuid'), run(host, {}, 'random-uuid')]
    expect(first.out[0]).to.match(/^[\w-]{22}$/)
    expect(first.out).to.not.deep.equal(second.out)
  })

  it('version-mapping and feature-dependencies know the levels', () => {
    expect(run(host, {}, 'version-mapping', '-r', '4.2.1').out).to.include.members([
      'metadata.version=29 (4.2.1)',
      'share.version=1',
    ])
    expect(run(host, {}, 'version-mapping').out[0]).to.equal('metadata.version=33 (4.4-IV2)')
    const elr = 'eligible.leader.replicas.version=1'
    const { code, out, err } = run(host, {}, 'feature-dependencies', '-f', elr, '-f', 'x=1')
    expect([code, out, err]).to.deep.equal([
      1,
      [`${elr} requires:`, '    metadata.version=23 (4.0-IV1)'],
      ['Unknown feature: x'],
    ])
  })
})
