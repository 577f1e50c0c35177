import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { DescribeQuorum } from '../../protocol/apis/describe-quorum.ts'
import { DescribeUserScramCredentials } from '../../protocol/apis/describe-user-scram-credentials.ts'
import { UpdateFeatures } from '../../protocol/apis/update-features.ts'
import { apacheKafka } from '../apache-kafka.ts'
import { type BrokerPlace, type BrokerProgram, ottlaCommand, ottlaWithController } from '../broker-program.ts'
import { runKafkaTool } from '../kafka-tool.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { type CommandResult, runCommand } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'

const CLUSTER_ID = '4L6g3nShT-eMCtK--X86sw'
const prepared = [
  ...['--feature', 'share.version=0', '--feature', 'group.version=0'],
  ...['--add-scram', 'SCRAM-SHA-256=[name=alice,password=secret]'],
  ...['--add-scram', 'SCRAM-SHA-512=[name=bob,iterations=8192,password=other]'],
]

type Tool = (args: readonly string[]) => Promise<CommandResult>
const kafkaStorage: Tool = (args) => runKafkaTool('4.4.0', 'kafka-storage', args)
const ottlaFormat: Tool = (args) => runCommand(ottlaCommand(...args))

/** Ottla on a directory that this tool has formatted. */
function formattedBy(tool: Tool, quorum: (place: BrokerPlace) => string, ...args: string[]): BrokerProgram {
  const prepare = async (place: BrokerPlace) => {
    const { port, controllerPort, dataDir, directory } = place
    const file = join(directory, 'format.properties')
    const settings = [
      'process.roles=broker,controller',
      'node.id=1',
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'controller.listener.names=CONTROLLER',
      'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      `log.dirs=${dataDir}`,
      quorum(place),
    ]
    writeFileSync(file, settings.join('\n'))
    const { code, stdout, stderr } = await tool([
      ...['format', '--cluster-id', CLUSTER_ID, '--config', file, ...prepared, ...args],
    ])
    expect(code, stdout + stderr).to.equal(0)
  }
  return { ...ottlaWithController, prepare }
}

async function stateOf({ port }: TestBroker) {
  const client = await RawClient.connect(port)
  try {
    const software = { clientSoftwareName: 'raw', clientSoftwareVersion: '1', clusterId: null, nodeId: -1 }
    const { finalizedFeatures } = await client.send(ApiVersions, 4, software)
    const { results } = await client.send(DescribeUserScramCredentials, 0, { users: null })
    return {
      features: Object.fromEntries(finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel])),
      users: results
        .map(({ user, credentialInfos }) => ({ user, credentialInfos }))
        .sort((a, b) => (a.user < b.user ? -1 : 1)),
    }
  } finally {
    client.close()
  }
}

function knowsUsers(kafka: TestBroker): Promise<unknown> {
  const isThere = async () => (await stateOf(kafka)).users.length === users.length
  return waitFor('Kafka knows the users', isThere, 30_000)
}

/** Starts Kafka on the data of an Ottla that was stopped. */
async function handOver(ottla: TestBroker, kafka: TestBroker): Promise<void> {
  rmSync(kafka.dataDir, { recursive: true })
  cpSync(ottla.dataDir, kafka.dataDir, { recursive: true })
  await kafka.restart()
  await knowsUsers(kafka)
}

async function putVoterIntoLog({ port }: TestBroker): Promise<void> {
  const client = await RawClient.connect(port)
  try {
    const update = { feature: 'kraft.version', maxVersionLevel: 1, upgradeType: 1, allowDowngrade: false }
    const request = { timeoutMs: 10_000, featureUpdates: [update], validateOnly: false }
    const { errorCode, errorMessage } = await client.send(UpdateFeatures, 1, request)
    expect([errorCode, errorMessage]).to.deep.equal([0, null])
  } finally {
    client.close()
  }
}

const users = [
  { user: 'alice', credentialInfos: [{ mechanism: 1, iterations: 4096 }] },
  { user: 'bob', credentialInfos: [{ mechanism: 2, iterations: 8192 }] },
]

describe('a formatted directory', function () {
  this.timeout(120_000)
  needs('java', 'maven')
  const brokers: TestBroker[] = []
  afterEach(async () => {
    for (const broker of brokers.splice(0)) await broker.dispose()
  })

  async function start(program: BrokerProgram): Promise<TestBroker> {
    const broker = await TestBroker.start({ program })
    brokers.push(broker)
    return broker
  }

  it('by kafka-storage starts Ottla with its features and users, which stay, and move on to Apache Kafka', async () => {
    const ottla = await start(
      formattedBy(kafkaStorage, ({ controllerPort }) => `controller.quorum.voters=1@127.0.0.1:${controllerPort}`),
    )
    const state = await stateOf(ottla)
    expect(state.users).to.deep.equal(users)
    expect(state.features).to.include({ 'metadata.version': 33, 'eligible.leader.replicas.version': 1 })
    expect(state.features).to.not.have.any.keys('share.version', 'group.version')
    await ottla.restart()
    expect(await stateOf(ottla)).to.deep.equal(state)
    await putVoterIntoLog(ottla)
    state.features['kraft.version'] = 1
    expect(await stateOf(ottla)).to.deep.equal(state)
    await ottla.restart()
    expect(await stateOf(ottla)).to.deep.equal(state)
    await ottla.stop()
    const kafka = await TestBroker.stopped({ program: apacheKafka })
    brokers.push(kafka)
    await handOver(ottla, kafka)
    expect(await stateOf(kafka)).to.deep.equal(state)
  })

  it('by kafka-storage, with a quorum of its own, starts Ottla with its features and users, too', async () => {
    const bootstrap = ({ controllerPort }: BrokerPlace) =>
      `controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}`
    const program = formattedBy(kafkaStorage, bootstrap, '--standalone')
    const dynamic: BrokerProgram = {
      ...program,
      command: (place) =>
        program.command({ ...place, settings: { ...place.settings, 'controller.quorum.voters': '' } }),
    }
    const ottla = await start(dynamic)
    const state = await stateOf(ottla)
    expect(state.users).to.deep.equal(users)
    expect(state.features).to.include({ 'kraft.version': 1 })
    await ottla.restart()
    expect(await stateOf(ottla)).to.deep.equal(state)
    const client = await RawClient.connect(ottla.port)
    const asked = { topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }
    const { topics } = await client.send(DescribeQuorum, 2, { topics: [asked] })
    client.close()
    const properties = readFileSync(join(ottla.dataDir, 'meta.properties'), 'utf8')
    expect(topics[0]!.partitions[0]!.currentVoters[0]!.replicaDirectoryId).to.equal(
      /directory\.id=(.*)/.exec(properties)![1],
    )
  })

  for (const [quorum, line, args] of [
    ['static', (port: number) => `controller.quorum.voters=1@127.0.0.1:${port}`, []],
    ['of its own', (port: number) => `controller.quorum.bootstrap.servers=127.0.0.1:${port}`, ['--standalone']],
  ] as const)
    it(`by ottla format, with a quorum ${quorum}, starts Apache Kafka and Ottla with the same features and users`, async () => {
      const program = formattedBy(ottlaFormat, ({ controllerPort }) => line(controllerPort), ...args)
      const settings = (place: BrokerPlace) => {
        const [name, value] = line(place.controllerPort).split(/=(.*)/) as [string, string]
        return { ...place, settings: { 'controller.quorum.voters': '', ...place.settings, [name]: value } }
      }
      const formatted = (started: BrokerProgram): BrokerProgram => ({
        ...started,
        prepare: program.prepare!,
        command: (place) => started.command(settings(place)),
      })
      const kafka = await start(formatted(apacheKafka))
      await knowsUsers(kafka)
      const state = await stateOf(kafka)
      await kafka.stop()
      expect(state.users).to.deep.equal(users)
      expect(state.features).to.not.have.any.keys('share.version', 'group.version')
      const ottla = await start(formatted(ottlaWithController))
      expect(await stateOf(ottla)).to.deep.equal(state)
      await ottla.stop()
      await handOver(ottla, kafka)
      expect(await stateOf(kafka)).to.deep.equal(state)
    })
})
