import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { mavenJars } from '../../../scripts/maven-jars.ts'
import { propertiesText } from '../../apache-kafka.ts'
import { freePort } from '../../free-port.ts'
import { javaProgram } from '../../java-program.ts'
import { LongProgram } from '../../long-program.ts'
import { needs } from '../../requirements.ts'
import { TestBroker } from '../../test-broker.ts'
import { BrokerTopics } from '../transactions/broker-topics.ts'

const VERSION = '4.4.0'
const COUNT = 2000
const CONVERTER = 'org.apache.kafka.connect.storage.StringConverter'

describe('a distributed worker of Kafka Connect with exactly.once.source.support', function () {
  needs('java', 'maven')
  this.timeout(300_000)
  let broker: TestBroker
  let topics: BrokerTopics
  let folder: string
  let port: number
  let worker: LongProgram

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-connect-'))
    const settings = { 'group.min.session.timeout.ms': '1000', 'transaction.state.log.num.partitions': '2' }
    broker = await TestBroker.start({ settings })
    topics = new BrokerTopics([broker.port], 1)
    await topics.create('numbers')
    port = await freePort()
    writeFileSync(join(folder, 'worker.properties'), propertiesText(workerSettings()))
  })
  after(async () => {
    await worker?.kill()
    await broker?.dispose()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  function workerSettings(): Record<string, string> {
    const own = ['config', 'offset', 'status'].flatMap((each) => [
      [`${each}.storage.topic`, `connect-${each}s`],
      [`${each}.storage.replication.factor`, '1'],
    ])
    return {
      'bootstrap.servers': broker.bootstrap,
      listeners: `http://127.0.0.1:${port}`,
      'exactly.once.source.support': 'enabled',
      'group.id': 'connect',
      'key.converter': CONVERTER,
      'value.converter': CONVERTER,
      'session.timeout.ms': '2000',
      'heartbeat.interval.ms': '400',
      'scheduled.rebalance.max.delay.ms': '0',
      'offset.storage.partitions': '1',
      ...Object.fromEntries(own),
    }
  }

  async function start(): Promise<void> {
    const artifact = { group: 'org.apache.kafka', name: 'connect-runtime', version: VERSION }
    const jars = await mavenJars(`connect-${VERSION}`, [artifact])
    const program = await javaProgram(join(import.meta.dirname, 'NumbersSource.java'), join(jars, '*'), '-Xmx256m')
    worker = new LongProgram([...program, join(folder, 'worker.properties')])
    await worker.until('the worker answers', async () => (await ask('GET', '')).ok)
  }

  function ask(method: string, path: string, body?: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' }
    return fetch(`http://127.0.0.1:${port}/connectors${path}`, { method, headers, body: JSON.stringify(body) })
  }

  /** Records may be committed, or in an open transaction. */
  const isOpen = () => topics.isOpen('numbers')

  it('writes each record once although it is killed in a transaction, and then the broker', async () => {
    await start()
    const config = {
      'connector.class': 'NumbersSource',
      'tasks.max': '1',
      topic: 'numbers',
      count: String(COUNT),
      // Longer than the default, a transaction for each poll, to be killed in one.
      'transaction.boundary': 'interval',
      'transaction.boundary.interval.ms': '500',
    }
    await worker.until('the connector is accepted', async () => (await ask('PUT', '/numbers/config', config)).ok)
    await worker.until('a transaction is open', isOpen)
    await worker.kill()
    await start()
    await worker.until('a transaction is open', isOpen)
    await broker.kill9()
    await broker.restart()
    await worker.until('all is committed', async () => {
      const [values] = await topics.committed('numbers')
      if (values!.length < COUNT) throw new Error(`${values!.length} of ${COUNT}`)
      return true
    })
    const [values] = await topics.committed('numbers')
    expect(values).to.deep.equal(Array.from({ length: COUNT }, (_, number) => String(number)))
  })

  it('knows the offsets that it committed with its records', async () => {
    const answer = await (await ask('GET', '/numbers/offsets')).json()
    expect(answer).to.deep.equal({ offsets: [{ partition: { numbers: 'all' }, offset: { next: COUNT } }] })
    expect(await worker.end('SIGTERM')).to.equal(143)
  })
})
