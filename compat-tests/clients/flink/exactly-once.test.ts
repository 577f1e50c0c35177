import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { type Artifact, mavenJars } from '../../../scripts/maven-jars.ts'
import { javaProgram } from '../../java-program.ts'
import { LongProgram } from '../../long-program.ts'
import { needs } from '../../requirements.ts'
import { TestBroker } from '../../test-broker.ts'
import { BrokerTopics } from '../transactions/broker-topics.ts'

const VERSION = '2.2.1'
const CONNECTOR_VERSION = '5.0.0-2.2'
const COUNT = 2000
/** What its serializers look into. */
const OPENED = ['util', 'lang', 'util.concurrent', 'net', 'io', 'time']

describe('an exactly-once KafkaSink of Flink in a local cluster', function () {
  needs('java', 'maven')
  this.timeout(300_000)
  let broker: TestBroker
  let topics: BrokerTopics
  let folder: string
  let job: LongProgram

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-flink-'))
    broker = await TestBroker.start({ settings: { 'transaction.state.log.num.partitions': '2' } })
    topics = new BrokerTopics([broker.port], 1)
    await topics.create('numbers', 'copied')
  })
  after(async () => {
    await job?.kill()
    await broker?.dispose()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  /** Starts the job from its newest complete checkpoint. */
  async function start(): Promise<void> {
    const flink = (name: string): Artifact => ({ group: 'org.apache.flink', name, version: VERSION })
    const jars = await mavenJars(`flink-${VERSION}`, [
      { group: 'org.apache.flink', name: 'flink-connector-kafka', version: CONNECTOR_VERSION },
      ...['flink-connector-base', 'flink-clients', 'flink-streaming-java'].map(flink),
      { group: 'org.slf4j', name: 'slf4j-simple', version: '1.7.36' },
    ])
    const opened = OPENED.map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`)
    const flags = ['-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', ...opened]
    const program = await javaProgram(join(import.meta.dirname, 'Copy.java'), join(jars, '*'), ...flags)
    job = new LongProgram([...program, broker.bootstrap, pathToFileURL(folder).href, ...newestCheckpoint()])
  }

  function newestCheckpoint(): string[] {
    const found = readdirSync(folder, { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => path.endsWith('_metadata') && existsSync(path))
      .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)
    return found.slice(-1).map((path) => pathToFileURL(dirname(path)).href)
  }

  const hasCheckpoints = (count: number) => (output: string) => output.split('complete: ').length > count
  const isOpen = () => topics.isOpen('copied')

  it('copies each record once although it is killed in a transaction, and then the broker', async () => {
    await topics.write('numbers', [Array.from({ length: COUNT }, (_, number) => String(number))])
    await start()
    await job.until('some checkpoints are complete', hasCheckpoints(2))
    await job.until('a transaction is open', isOpen)
    await job.kill()
    await start()
    await job.until('more checkpoints are complete', hasCheckpoints(2))
    await job.until('a transaction is open', isOpen)
    await broker.kill9()
    await broker.restart()
    await job.until('all is committed', async () => {
      const [values] = await topics.committed('copied')
      if (values!.length < COUNT) throw new Error(`${values!.length} of ${COUNT}`)
      return true
    })
    const [values] = await topics.committed('copied')
    expect(values).to.deep.equal(Array.from({ length: COUNT }, (_, number) => String(number)))
  })
})
