import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { TurnSlices } from '../../storage/host/turn-slices.ts'
import { MemoryMetadata } from '../metadata/memory-metadata.fixture.ts'
import { configResourceKey, configResourceType } from '../metadata/metadata-image.ts'
import { silentLogger } from '../observe/logger.ts'
import { ClientMetrics, type Push, type TelemetryClient } from './client-metrics.ts'

const [NONE, GZIP] = [0, 1]
const MAX_BYTES = 1000
const HOUR_MS = 3_600_000
const client: TelemetryClient = {
  ...{ connectionId: 'connection-1', clientId: 'billing', softwareName: 'apache-kafka-java', softwareVersion: '4.4.0' },
  ...{ host: '127.0.0.1', port: 50_000 },
}

class Rig {
  readonly host = new SimulatedHost(1)
  readonly metadata = new MemoryMetadata()
  readonly clientMetrics = new ClientMetrics(this.host, silentLogger, this.metadata, () => MAX_BYTES)

  subscribe(name: string, settings: Record<string, string>): void {
    const configs = new Map(this.metadata.image.configs)
    const key = configResourceKey(configResourceType.clientMetrics, name)
    configs.set(key, new Map(Object.entries(settings)))
    this.metadata.image = { ...this.metadata.image, configs }
    this.metadata.tell({ topicsChanged: [], topicsDeleted: [], configsChanged: [key] })
  }

  ask(id?: string, changes: Partial<TelemetryClient> = {}) {
    return this.clientMetrics.subscriptionsOf(id, { ...client, ...changes })
  }

  push(push: Partial<Push> & { clientInstanceId: string }): Promise<string> {
    const whole = {
      terminating: false,
      compressionType: NONE,
      metrics: Buffer.from('metrics'),
      subscriptionId: 0,
      ...push,
    }
    return this.host.settle(this.clientMetrics.push(whole, client, new TurnSlices(this.host)))
  }

  /** A client that has asked, and what it was told. */
  subscribed() {
    const { id, wanted } = this.ask()
    return { clientInstanceId: id, subscriptionId: wanted.subscriptionId }
  }

  get kept(): string[] {
    return [...this.clientMetrics.pushed()].map(({ content }) => content.toString())
  }
}

describe('metrics of clients', () => {
  it('are asked for by all subscriptions that match, as often as the most frequent one wants', () => {
    const rig = new Rig()
    expect(rig.ask().wanted).to.include({ pushIntervalMs: 300_000 }).and.deep.include({ metrics: [] })
    rig.subscribe('a', { metrics: 'org.apache.kafka.producer.,org.apache.kafka.consumer.', 'interval.ms': '5000' })
    rig.subscribe('b', { metrics: 'org.apache.kafka.admin.', 'interval.ms': '1000', match: 'client_id=bill.*' })
    rig.subscribe('c', { metrics: '*', 'interval.ms': '100', match: 'client_id=bill' })
    expect(rig.ask().wanted.metrics).to.have.length(3)
    expect(rig.ask().wanted.pushIntervalMs).to.equal(1000)
    expect(rig.ask(undefined, { clientId: 'bill' }).wanted).to.deep.include({ metrics: ['*'], pushIntervalMs: 100 })
    expect(rig.ask(undefined, { clientId: null }).wanted.pushIntervalMs).to.equal(5000)
  })

  it('are matched in a time that no pattern can make long, and for nobody by one that is invalid here', () => {
    const rig = new Rig()
    rig.subscribe('slow', { metrics: '*', match: 'client_id=(a+)+' })
    rig.subscribe('of Java', { metrics: '*', match: 'client_id=(?=a).*' })
    expect(rig.ask(undefined, { clientId: `${'a'.repeat(1000)}b` }).wanted.metrics).to.deep.equal([])
    expect(rig.ask(undefined, { clientId: 'aaa' }).wanted.metrics).to.deep.equal(['*'])
  })

  it('are kept unpacked: the last push of each client', async () => {
    const rig = new Rig()
    rig.subscribe('all', { metrics: '*', 'interval.ms': '1000' })
    const own = rig.subscribed()
    expect(await rig.push({ ...own, metrics: Buffer.from('one') })).to.equal('NONE')
    await rig.host.advance(1000)
    expect(await rig.push({ ...own, compressionType: GZIP, metrics: gzipSync('two') })).to.equal('NONE')
    expect(rig.kept).to.deep.equal(['two'])
    const [pushed] = rig.clientMetrics.pushed()
    expect(pushed!.attributes).to.include({ client_id: 'billing', client_source_port: '50000' })
  })

  it('are refused once within an interval, of another subscription, or too large', async () => {
    const rig = new Rig()
    rig.subscribe('all', { metrics: '*', 'interval.ms': '1000' })
    const own = rig.subscribed()
    expect(await rig.push(own)).to.equal('NONE')
    expect(await rig.push(own)).to.equal('THROTTLING_QUOTA_EXCEEDED')
    const next = async (changes: Partial<Push>) => {
      await rig.host.advance(1000)
      return rig.push({ ...own, ...changes })
    }
    expect(await next({ subscriptionId: own.subscriptionId + 1 })).to.equal('UNKNOWN_SUBSCRIPTION_ID')
    expect(await next({ compressionType: 5 })).to.equal('UNSUPPORTED_COMPRESSION_TYPE')
    expect(await next({ metrics: Buffer.alloc(MAX_BYTES + 1) })).to.equal('TELEMETRY_TOO_LARGE')
    expect(await next({ compressionType: GZIP, metrics: gzipSync(Buffer.alloc(10 * MAX_BYTES)) })).to.equal(
      'INVALID_RECORD',
    )
    expect(await next({ compressionType: GZIP, metrics: Buffer.from('not gzip') })).to.equal('INVALID_RECORD')
    expect(rig.kept).to.deep.equal(['metrics'])
  })

  it('may be pushed early as the last ones, and never after them', async () => {
    const rig = new Rig()
    rig.subscribe('all', { metrics: '*', 'interval.ms': '1000' })
    const own = rig.subscribed()
    expect(await rig.push(own)).to.equal('NONE')
    expect(await rig.push({ ...own, terminating: true, metrics: Buffer.from('last') })).to.equal('NONE')
    await rig.host.advance(1000)
    expect(await rig.push(own)).to.equal('INVALID_REQUEST')
    expect(rig.kept).to.deep.equal(['last'])
  })

  it('are asked for once an interval, but at once after a change of subscriptions or an unknown one', async () => {
    const rig = new Rig()
    const { id } = rig.ask()
    expect(rig.ask(id).error).to.equal('THROTTLING_QUOTA_EXCEEDED')
    rig.subscribe('all', { metrics: '*', 'interval.ms': '1000' })
    const { error, wanted } = rig.ask(id)
    expect(error).to.equal('NONE')
    expect(await rig.push({ clientInstanceId: id, subscriptionId: wanted.subscriptionId + 1 })).to.equal(
      'UNKNOWN_SUBSCRIPTION_ID',
    )
    expect(rig.ask(id).error).to.equal('NONE')
    expect(rig.ask(id).error).to.equal('THROTTLING_QUOTA_EXCEEDED')
  })

  it('of a client that comes back on another connection are asked for at once', () => {
    const rig = new Rig()
    const { id } = rig.ask()
    rig.clientMetrics.connectionClosed('connection-1')
    expect(rig.ask(id, { connectionId: 'connection-2' }).error).to.equal('NONE')
  })

  it('are forgotten once they are out of date', async () => {
    const rig = new Rig()
    rig.subscribe('all', { metrics: '*', 'interval.ms': '100' })
    expect(await rig.push(rig.subscribed())).to.equal('NONE')
    await rig.host.advance(HOUR_MS)
    expect(rig.kept).to.deep.equal([])
    rig.clientMetrics.stop()
  })

  it('of many clients have a bounded memory', async () => {
    const rig = new Rig()
    rig.subscribe('all', { metrics: '*', 'interval.ms': '100000' })
    const clientMetrics = new ClientMetrics(rig.host, silentLogger, rig.metadata, () => 2 ** 21)
    const metrics = Buffer.alloc(2 ** 21)
    for (let i = 0; i < 20; i++) {
      const { id, wanted } = clientMetrics.subscriptionsOf(undefined, { ...client, connectionId: String(i) })
      const push = {
        clientInstanceId: id,
        subscriptionId: wanted.subscriptionId,
        terminating: false,
        compressionType: NONE,
        metrics,
      }
      await rig.host.settle(clientMetrics.push(push, { ...client, connectionId: String(i) }, new TurnSlices(rig.host)))
    }
    expect([...clientMetrics.pushed()]).to.have.length(8)
  })
})
