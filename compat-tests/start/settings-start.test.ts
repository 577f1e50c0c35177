import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { DescribeConfigs } from '../../protocol/apis/describe-configs.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { ottlaCommand } from '../broker-program.ts'
import { KafkaJsApplication } from '../clients/kafkajs/kafkajs-application.ts'
import { RawClient } from '../raw-client.ts'
import { againstApacheKafka } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { canConnect, expectOneLine, StartRig } from './start-rig.ts'

const combined = { 'process.roles': 'broker,controller', 'node.id': '1', 'controller.listener.names': 'CONTROLLER' }

describe('ottla start says what settings do', function () {
  this.timeout(60_000)
  let rig: StartRig

  before(function () {
    if (againstApacheKafka) this.skip() // Ottla's own behaviour
  })
  beforeEach(async () => {
    rig = await StartRig.make()
  })
  afterEach(() => rig.end())

  const lines = (stderr: string) => stderr.trimEnd().split('\n')

  for (const [what, settings, said] of [
    [
      'an authorizer',
      { 'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'super.users': 'User:a' },
      /authorizer\.class\.name=.* and super\.users=User:a: Ottla has no authorizer yet, so every client could do everything/,
    ],
    ['a policy', { 'create.topic.policy.class.name': 'com.example.Policy' }, /topics would be created unchecked/],
    ['client certificates', { 'ssl.client.auth': 'required' }, /clients without a certificate would be let in/],
    ['tiered storage', { 'remote.log.storage.system.enable': 'true' }, /on the disks of this machine alone/],
    ['a controller alone', { ...combined, 'process.roles': 'controller' }, /set process\.roles=broker,controller/],
    ['a broker of another cluster', { ...combined, 'process.roles': 'broker' }, /cannot join another controller/],
    [
      'one of three nodes',
      { ...combined, 'controller.quorum.voters': '1@k1:9093,2@k2:9093,3@k3:9093' },
      /names 3 nodes: .*remove the setting to start this node alone/,
    ],
    [
      'only a controller’s listener',
      { ...combined, listeners: 'CONTROLLER://:0' },
      /add one such as PLAINTEXT:\/\/:9092/,
    ],
    [
      'an advertised stranger',
      { 'advertised.listeners': 'OUTSIDE://x:1' },
      /names OUTSIDE, which listeners=PLAINTEXT:\/\/127\.0\.0\.1:\d+ does not have/,
    ],
    ['a comment behind a value', { 'num.partitions': '3 # three' }, /own line: "# three"/],
  ] as const)
    it(`ends with one line about ${what}`, async () => {
      const result = await rig.fails(settings)
      expectOneLine(result)
      expect(result.stderr).to.match(said)
    })

  it('takes the file of a stock download without a word', async () => {
    const file = join(rig.folder, 'server.properties')
    const settings = {
      ...combined,
      'controller.quorum.bootstrap.servers': 'localhost:9093',
      listeners: `PLAINTEXT://:${rig.port},CONTROLLER://:9093`,
      'inter.broker.listener.name': 'PLAINTEXT',
      'advertised.listeners': `PLAINTEXT://localhost:${rig.port},CONTROLLER://localhost:9093`,
      'listener.security.protocol.map':
        'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
      'num.network.threads': '3',
      'num.io.threads': '8',
      'socket.send.buffer.bytes': '102400',
      'log.dirs': rig.dataDir,
      'num.recovery.threads.per.data.dir': '1',
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
    }
    writeFileSync(
      file,
      Object.entries(settings)
        .map((pair) => `${pair.join('=')}\n`)
        .join(''),
    )
    const { stderr } = await rig.runs(['start', file])
    expect(stderr).to.equal('')
  })

  it('serves groups and topics by a file that asks for three replicas, with one line', async () => {
    const copied = {
      'offsets.topic.replication.factor': '3',
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
    }
    const { stderr } = await rig.runs(rig.startArgs(copied))
    expect(lines(stderr)).to.have.length(1)
    expect(stderr).to.contain('offsets.topic.replication.factor=3').and.contain('the cluster has one broker')
    const application = new KafkaJsApplication(`127.0.0.1:${rig.port}`)
    try {
      await (await application.producer()).send({ topic: 'copied', acks: -1, messages: [{ value: 'a' }] })
      const admin = await application.admin()
      await admin.setOffsets({ groupId: 'g', topic: 'copied', partitions: [{ partition: 0, offset: '1' }] })
      const [offsets] = await admin.fetchOffsets({ groupId: 'g', topics: ['copied'] })
      expect(offsets?.partitions[0]?.offset).to.equal('1')
    } finally {
      await application.close()
    }
  })

  it('warns of what has no effect, and goes on', async () => {
    const given = {
      'ssl.keystore.location': '/keys',
      'metric.reporters': 'com.example.Reporter',
      'retention.ms': '1000',
      'num.partition': '3',
    }
    const { stderr } = await rig.runs(rig.startArgs(given))
    expect(lines(stderr)).to.have.length(4)
    for (const said of [
      'ssl.keystore.location has no effect: Ottla has no TLS yet',
      'metric.reporters has no effect: Ottla loads no Java classes',
      'for all topics, set log.retention.ms',
      'did you mean num.partitions?',
    ])
      expect(stderr).to.contain(said)
  })

  it('says that variables of the environment are not read, but of those that name settings only', async () => {
    const variables = { KAFKA_NUM_PARTITIONS: '3', KAFKA_HEAP_OPTS: '-Xmx1G', KAFKA_PORT: 'tcp://10.0.0.1:9092' }
    const command = [
      'env',
      ...Object.entries(variables).map((pair) => pair.join('=')),
      ...ottlaCommand(...rig.startArgs()),
    ]
    const { stderr } = await rig.runsCommand(command)
    expect(lines(stderr)).to.have.length(1)
    expect(stderr).to.contain('KAFKA_NUM_PARTITIONS in the environment has no effect').and.not.contain('HEAP')
  })

  for (const [bytes, said] of [
    ['SSH-2.0-OpenSSH_9.6\r\n', /speaks SSH on the plaintext listener PLAINTEXT/],
    ['PROXY TCP4 127.0.0.1 127.0.0.1 5000 9092\r\n', /speaks the PROXY protocol on .*: turn it off/],
  ] as const)
    it(`recognises who speaks ${bytes.split(/[ -]/)[0]} to its port`, async () => {
      const running = await rig.runs()
      const socket = connect({ port: rig.port, host: '127.0.0.1' })
      socket.write(bytes)
      socket.on('error', () => {}) // 'close' follows
      await new Promise((resolve) => socket.once('close', resolve).resume())
      await waitFor('a line that says so', () => said.test(running.stderr))
      expect(lines(running.stderr)).to.have.length(1)
      await canConnect(rig.port)
    })

  it('lets new connections wait where max.connection.creation.rate is reached, and serves them then', async () => {
    await rig.runs(rig.startArgs({ 'max.connection.creation.rate': '1', 'quota.window.num': '2' }))
    // The first connection fits into the current window; each of the others waits for its own second.
    const startMs = Date.now()
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(rig.port)))
    await Promise.all(clients.map((client) => client.send(ListGroups, 0, { statesFilter: [], typesFilter: [] })))
    expect(Date.now() - startMs).to.be.at.least(1500)
    for (const client of clients) client.close()
  })

  it('lets new connections wait beyond max.connections, and serves them when others end', async () => {
    const running = await rig.runs(rig.startArgs({ 'max.connections': '1' }))
    const [first, second] = [await RawClient.connect(rig.port), await RawClient.connect(rig.port)]
    const request = { statesFilter: [], typesFilter: [] }
    await first.send(ListGroups, 0, request)
    const answered = second.send(ListGroups, 0, request)
    await waitFor('a line that says so', () => running.stderr.includes('max.connections=1 is reached'))
    await first.send(ListGroups, 0, request)
    first.close()
    await answered
    expect(lines(running.stderr)).to.have.length(1)
    second.close()
  })

  it('holds addresses to max.connections.per.ip.overrides, by their name', async () => {
    const running = await rig.runs(rig.startArgs({ 'max.connections.per.ip.overrides': 'localhost:1' }))
    const client = await RawClient.connect(rig.port)
    await client.send(ListGroups, 0, { statesFilter: [], typesFilter: [] })
    const second = connect({ port: rig.port, host: '127.0.0.1' })
    await new Promise((resolve) =>
      second
        .once('close', resolve)
        .on('error', () => {})
        .resume(),
    )
    expect(running.stderr).to.contain('max.connections.per.ip.overrides allows 127.0.0.1 1 connection')
    await client.send(ListGroups, 0, { statesFilter: [], typesFilter: [] })
    client.close()
  })

  it('describes to clients what has no effect', async () => {
    await rig.runs()
    const client = await RawClient.connect(rig.port)
    const names = ['num.io.threads', 'log.retention.hours', 'num.partitions']
    const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: names }]
    const { results } = await client.send(DescribeConfigs, 4, {
      resources,
      includeSynonyms: false,
      includeDocumentation: true,
    })
    client.close()
    const told = new Map(results[0]!.configs.map(({ name, documentation }) => [name, documentation]))
    expect(told.get('num.io.threads')).to.contain('Without effect: one event loop')
    expect(told.get('log.retention.hours')).to.contain('`log.retention.ms` and `log.retention.minutes` come first')
    expect(told.get('num.partitions')).not.to.contain('Without effect')
  })
})
