import { expect } from 'chai'
import { IncrementalAlterConfigs } from '../../../protocol/apis/incremental-alter-configs.ts'
import { type RunningBroker, startBroker } from '../../../src/embedded/index.ts'
import { ToolRunner } from '../../console-tools/tool-runner.ts'
import { RawClient } from '../../raw-client.ts'
import { needs } from '../../requirements.ts'

const KEPT = 'kept the metrics of a client'
const METRICS = 16

describe('metrics that Java clients push', function () {
  this.timeout(120_000)
  needs('java', 'maven')
  let broker: RunningBroker
  let tools: ToolRunner
  const kept: { clientId?: string; softwareName?: string; bytes?: number }[] = []
  const complaints: string[] = []

  before(async () => {
    const complain = (_: object, line: string) => complaints.push(line)
    const debug = (fields: object, line: string) => {
      if (line === KEPT) kept.push(fields)
    }
    broker = await startBroker({ logger: { error: complain, warn: complain, info() {}, debug } })
    tools = await ToolRunner.start('4.4.0')
  })
  after(async () => {
    await tools?.close()
    await broker?.close()
  })

  async function subscribe(settings: Record<string, string>): Promise<void> {
    const client = await RawClient.connect(broker.port)
    const configs = Object.entries(settings).map(([name, value]) => ({ name, value, configOperation: 0 }))
    const resources = [{ resourceType: METRICS, resourceName: 'all', configs }]
    await client.send(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
    client.close()
  }

  async function produce(): Promise<void> {
    const args = ['--topic', 't', '--num-records', '200', '--record-size', '10', '--throughput', '100']
    const server = ['--bootstrap-server', broker.bootstrapServers]
    const { code, stdout, stderr } = await tools.run('kafka-producer-perf-test', [...server, ...args])
    expect(code, stdout + stderr).to.equal(0)
  }

  it('are not asked for without a subscription', async () => {
    await produce()
    expect(kept).to.deep.equal([])
  })

  it('are kept with one', async () => {
    await subscribe({
      metrics: 'org.apache.kafka.producer.',
      'interval.ms': '200',
      match: 'client_software_name=apache.*',
    })
    await produce()
    // In its two seconds, and once more when it ends.
    expect(kept.length).to.be.greaterThan(2)
    expect(kept[0]).to.include({ clientId: 'perf-producer-client', softwareName: 'apache-kafka-java' })
    expect(kept[0]!.bytes).to.be.greaterThan(100)
    expect(complaints).to.deep.equal([])
  })
})
