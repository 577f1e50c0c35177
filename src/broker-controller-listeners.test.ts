import { expect } from 'chai'
import { ApiVersions } from '../protocol/apis/api-versions.ts'
import { DescribeCluster } from '../protocol/apis/describe-cluster.ts'
import { DescribeConfigs } from '../protocol/apis/describe-configs.ts'
import { DescribeQuorum } from '../protocol/apis/describe-quorum.ts'
import { IncrementalAlterConfigs } from '../protocol/apis/incremental-alter-configs.ts'
import { Metadata } from '../protocol/apis/metadata.ts'
import { errorName } from '../protocol/error-codes.ts'
import { SimulatedHost } from '../storage/host/simulated-host.ts'
import { WireClient } from './apis/data-path.fixture.ts'
import { Cluster } from './cluster.ts'
import { startSettingsOf } from './config/start-settings.ts'
import { SimulatedTransport } from './network/simulated-transport.ts'
import type { Logger } from './observe/logger.ts'

const [BROKER, CONTROLLER] = [9092, 9093]
const everything = { topics: null, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: false }
const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }

async function start(settings: Record<string, string> = {}) {
  const host = new SimulatedHost(1)
  const transport = new SimulatedTransport(host.timers)
  const complaints: string[] = []
  const complain = (_: object, line: string) => complaints.push(line)
  const logger: Logger = { error: complain, warn: complain, info() {}, debug() {} }
  const listeners = `PLAINTEXT://:${BROKER},CONTROLLER://:${CONTROLLER}`
  const properties = { 'log.dirs': '/data', listeners, 'controller.listener.names': 'CONTROLLER', ...settings }
  const broker = new Cluster(startSettingsOf(new Map(Object.entries(properties))), host, transport, logger)
  await host.settle(broker.start())
  return { host, broker, complaints, connect: (port: number) => new WireClient(host, transport, port) }
}

describe('a listener of the controller', () => {
  it('serves what a controller serves, and closes connections that ask for more', async () => {
    const { connect } = await start()
    const client = connect(CONTROLLER)
    const { apiKeys } = await client.call(ApiVersions, 3, software)
    const keys = apiKeys.map(({ apiKey }) => apiKey)
    expect(keys).to.include(DescribeQuorum.key).and.not.include(Metadata.key)
    client.send(Metadata, 12, { ...everything, includeClusterAuthorizedOperations: false })
    expect(await client.receive(Metadata, 12)).to.equal(undefined)
    expect((await connect(BROKER).call(ApiVersions, 3, software)).apiKeys.length).to.be.greaterThan(keys.length)
  })

  it('is where clients find it: at the address that they use, or at the advertised one', async () => {
    const asked = { includeClusterAuthorizedOperations: false, includeFencedBrokers: false, endpointType: 2 }
    const where = async (settings: Record<string, string>) => {
      const { connect } = await start(settings)
      const { brokers } = await connect(CONTROLLER).call(DescribeCluster, 2, asked)
      const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
      const { nodes } = await connect(BROKER).call(DescribeQuorum, 2, { topics })
      return [brokers.map(({ host, port }) => `${host}:${port}`), nodes[0]?.listeners]
    }
    const plain = { name: 'CONTROLLER', host: '127.0.0.1', port: CONTROLLER }
    expect(await where({})).to.deep.equal([[`127.0.0.1:${CONTROLLER}`], [plain]])
    const advertised = 'PLAINTEXT://box:1,CONTROLLER://box:19093'
    expect(await where({ 'advertised.listeners': advertised })).to.deep.equal([
      ['box:19093'],
      [{ name: 'CONTROLLER', host: 'box', port: 19093 }],
    ])
  })

  it('refuses clients that want brokers, as a broker refuses those that want controllers', async () => {
    const { connect } = await start()
    const errorOf = async (port: number, endpointType: number) => {
      const asked = { includeClusterAuthorizedOperations: false, includeFencedBrokers: false, endpointType }
      return errorName((await connect(port).call(DescribeCluster, 2, asked)).errorCode)
    }
    expect(await errorOf(CONTROLLER, 1)).to.equal('MISMATCHED_ENDPOINT_TYPE')
    expect(await errorOf(BROKER, 2)).to.equal('MISMATCHED_ENDPOINT_TYPE')
    expect(await errorOf(CONTROLLER, 3)).to.equal('UNSUPPORTED_ENDPOINT_TYPE')
  })

  it('stores values of brokers as they are: one that is invalid is named in the log, and not in force', async () => {
    const { connect, complaints } = await start()
    const client = connect(CONTROLLER)
    const set = (value: string | null) =>
      client.call(IncrementalAlterConfigs, 1, {
        resources: [
          {
            resourceType: 4,
            resourceName: '',
            configs: [{ name: 'log.cleaner.threads', value, configOperation: value === null ? 1 : 0 }],
          },
        ],
        validateOnly: false,
      })
    expect((await set('many')).responses.map(({ errorCode }) => errorCode)).to.deep.equal([0])
    expect(complaints).to.have.length(1)
    expect(complaints[0]).to.match(/^log\.cleaner\.threads=many, a dynamic setting of all brokers, is not in force/)
    const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: ['log.cleaner.threads'] }]
    const { results } = await client.call(DescribeConfigs, 4, { resources })
    expect(results[0]!.configs[0]!.value).to.equal('1')
    await set(null)
    expect(complaints).to.have.length(1)
  })

  it('is no longer open once the broker has stopped', async () => {
    const { host, broker, connect } = await start()
    expect(broker.controllerAddresses.map(({ port }) => port)).to.deep.equal([CONTROLLER])
    await host.settle(broker.stop())
    expect(broker.controllerAddresses).to.deep.equal([])
    expect(() => connect(CONTROLLER)).to.throw(/nobody listens/)
  })
})
