import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Admin } from 'kafkajs'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { KafkaJsApplication } from '../clients/kafkajs/kafkajs-application.ts'
import { runKafkaTool } from '../kafka-tool.ts'
import { RawClient } from '../raw-client.ts'
import { needs } from '../requirements.ts'
import { againstApacheKafka } from '../test-broker.ts'
import { waitFor, within } from '../wait-for.ts'
import { expectOneLine, StartRig } from './start-rig.ts'

const TOPICS = ['one', 'two', 'three', 'four']
const dataPage = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'data.md'), 'utf8')
const TEN_DAYS_MS = 10 * 86_400_000
/** Retention runs at once and continuously. */
const eager = { 'log.initial.task.delay.ms': '100', 'log.retention.check.interval.ms': '100' }

describe('ottla start on data directories that are not what they were', function () {
  this.timeout(180_000)
  let rig: StartRig
  let a: string
  let b: string

  before(function () {
    if (againstApacheKafka) this.skip() // Ottla's own behaviour
  })
  beforeEach(async () => {
    rig = await StartRig.make()
    a = join(rig.folder, 'a')
    b = join(rig.folder, 'b')
  })
  afterEach(() => rig.end())

  const both = () => ({ 'log.dirs': `${a},${b}` })

  async function withClients<T>(task: (application: KafkaJsApplication) => Promise<T>): Promise<T> {
    const application = new KafkaJsApplication(`127.0.0.1:${rig.port}`)
    try {
      return await task(application)
    } finally {
      await application.close()
    }
  }

  /** Creates topics with one record each in two directories, then stops the broker. */
  async function filled(): Promise<void> {
    const { child } = await rig.runs(rig.startArgs(both()))
    await withClients(async (application) => {
      const admin = await application.admin()
      await admin.createTopics({ topics: TOPICS.map((topic) => ({ topic, numPartitions: 1 })) })
      const producer = await application.producer()
      for (const topic of TOPICS) await producer.send({ topic, messages: [{ value: topic }] })
    })
    await rig.stops(child, 'SIGTERM')
  }

  /** kafkajs cannot: it asks for all topics first, and fails if one has no leader. */
  async function deleteTopic(name: string): Promise<void> {
    const client = await RawClient.connect(rig.port)
    const { responses } = await client.send(DeleteTopics, 5, { topics: [], topicNames: [name], timeoutMs: 10_000 })
    client.socket.destroy()
    expect(responses.map(({ errorCode }) => errorCode)).to.deep.equal([0])
  }

  const partitionsIn = (directory: string) => readdirSync(directory).filter((name) => /^[a-z]+-0$/.test(name))

  /** A broker without its second directory, and a topic deleted that has its partition there. */
  async function deletedWhileAway() {
    await filled()
    const [name] = partitionsIn(b) as [string]
    const topic = name.slice(0, -2)
    renameSync(b, join(rig.folder, 'away'))
    writeFileSync(b, 'a file in the place of a directory')
    const { child } = await rig.runs(rig.startArgs(both()))
    await deleteTopic(topic)
    return { name, topic, child }
  }

  /** Stops that broker, and puts the directory back. */
  async function backAfter(child: ChildProcess): Promise<void> {
    await rig.stops(child, 'SIGTERM')
    rmSync(b)
    renameSync(join(rig.folder, 'away'), b)
  }

  async function refusal(settings: Record<string, string>): Promise<string> {
    const result = await rig.fails(settings)
    expectOneLine(result)
    return result.stderr
  }

  const size = async (admin: Admin, topic: string) => {
    const [offsets] = await admin.fetchTopicOffsets(topic)
    return `${offsets!.low}..${offsets!.high}`
  }

  it('a directory that is not mounted: one line, and nothing is made in its place', async () => {
    await filled()
    renameSync(b, `${b}-away`)
    expect(await refusal(both()))
      .to.contain('ottla error: cannot start: ')
      .and.contain(`are in a missing data directory`)
      .and.contain(`${b} is empty: mount its disk`)
    expect(partitionsIn(b)).to.deep.equal([])
    expect(existsSync(join(b, 'meta.properties'))).to.equal(false)
    rmSync(b, { recursive: true })
    renameSync(`${b}-away`, b)
    const { stderr } = await rig.runs(rig.startArgs(both()))
    expect(stderr).to.equal('')
    await withClients(async (application) => {
      const admin = await application.admin()
      for (const topic of TOPICS) expect(await size(admin, topic)).to.equal('0..1')
    })
  })

  it('one that fails while the broker runs is offline with one line; with the metadata directory the broker ends', async () => {
    await filled()
    const quick = { ...both(), 'log.flush.offset.checkpoint.interval.ms': '100' }
    const running = await rig.runs(rig.startArgs(quick))
    const lines = () => running.stderr.trimEnd().split('\n')
    // The checkpoint cannot be written: its temporary file is a directory.
    const inTheWay = (directory: string) => join(directory, 'recovery-point-offset-checkpoint.aside.tmp')
    await putDirectory(inTheWay(b))
    await waitFor('the line of b', () => running.stderr.includes(`the data directory ${b} failed: EISDIR`))
    await withClients(async (application) => {
      const admin = await application.admin()
      for (const name of partitionsIn(a)) expect(await size(admin, name.slice(0, -2))).to.equal('0..1')
      await admin.createTopics({ topics: [{ topic: 'later', numPartitions: 1 }] })
    })
    expect(partitionsIn(a)).to.include('later-0')
    expect(lines(), running.stderr).to.have.length(1)
    const closed = once(running.child, 'close')
    await putDirectory(inTheWay(a))
    await within('it ends', closed)
    expect(running.child.exitCode).to.equal(1)
    expect(lines(), running.stderr).to.have.length(2)
    expect(lines()[1]).to.match(/stopping at once: the data directory .*\/a failed: EISDIR.*the metadata log is in it/)
    for (const directory of [a, b]) rmSync(inTheWay(directory), { recursive: true, force: true })
    await rig.runs(rig.startArgs(both()))
    await withClients(async (application) => {
      const admin = await application.admin()
      for (const topic of TOPICS) expect(await size(admin, topic)).to.equal('0..1')
    })
  })

  it('one that cannot be read: its partitions answer an error, the others are served, and nothing is lost', async () => {
    await filled()
    renameSync(b, join(rig.folder, 'away'))
    writeFileSync(b, 'a file in the place of a directory')
    const { child, stderr } = await rig.runs(rig.startArgs(both()))
    expect(stderr.trimEnd().split('\n'), stderr).to.have.length(2)
    expect(stderr).to.contain(`the data directory ${b} cannot be used: ENOTDIR`)
    await withClients(async (application) => {
      const admin = await application.admin()
      for (const name of partitionsIn(a)) expect(await size(admin, name.slice(0, -2))).to.equal('0..1')
    })
    await rig.stops(child, 'SIGTERM')
    rmSync(b)
    renameSync(join(rig.folder, 'away'), b)
    const again = await rig.runs(rig.startArgs(both()))
    expect(again.stderr).to.equal('')
    await withClients(async (application) => {
      const admin = await application.admin()
      for (const topic of TOPICS) expect(await size(admin, topic)).to.equal('0..1')
    })
  })

  it('a topic made again while one of them was away: the old copy is set aside, one line', async () => {
    const { name, topic, child } = await deletedWhileAway()
    await withClients(async (application) => {
      // Creates the topic: kafkajs's admin asks for all topics first, and fails as one has no leader.
      const producer = await application.producer()
      await producer.send({ topic, messages: [{ value: 'new' }, { value: 'newer' }] })
    })
    await backAfter(child)
    const { stderr } = await rig.runs(rig.startArgs(both()))
    expect(stderr.trimEnd().split('\n'), stderr).to.have.length(1)
    expect(stderr).to.match(
      new RegExp(`ottla warn: ${join(b, name)} is of another topic ${topic}, .* set aside as ${b}/${name}\\..*-stray`),
    )
    await withClients(async (application) => {
      const admin = await application.admin()
      for (const each of TOPICS) expect(await size(admin, each)).to.equal(each === topic ? '0..2' : '0..1')
    })
  })

  describe('after a topic was deleted while one of them was away', () => {
    needs('java', 'maven')

    it('its partition is set aside, and served again with the commands of docs/data.md', async () => {
      const { topic, child } = await deletedWhileAway()
      await backAfter(child)
      const again = await rig.runs(rig.startArgs(both()))
      expect(again.stderr).to.match(
        /of a topic that is not in the metadata: it is set aside as .*-stray.*docs\/data\.md/,
      )
      const [, createLine, moves] =
        /### Serve a partition that was set aside.*?```sh\nkafka-topics\.sh (.*?)\n```.*?```sh\n(.*?)```/s.exec(
          dataPage,
        )!
      const create = createLine!.replace('localhost:9092', `127.0.0.1:${rig.port}`).replace('orders', topic)
      const created = await runKafkaTool('4.4.0', 'kafka-topics', create.split(' '))
      expect(created.code, created.stderr).to.equal(0)
      await rig.stops(again.child, 'SIGTERM')
      execFileSync('sh', ['-ec', moves!.replaceAll('orders', topic)], { cwd: b })
      const served = await rig.runs(rig.startArgs(both()))
      expect(served.stderr).to.equal('')
      await withClients(async (application) => {
        const producer = await application.producer()
        await producer.send({ topic, messages: [{ value: 'newer' }] })
        expect(await size(await application.admin(), topic)).to.equal('0..2')
      })
      const read = ['--topic', topic, '--from-beginning', '--max-messages', '2', '--timeout-ms', '20000']
      const where = ['--bootstrap-server', `127.0.0.1:${rig.port}`]
      const { stdout } = await runKafkaTool('4.4.0', 'kafka-console-consumer', [...where, ...read])
      expect(stdout).to.equal(`${topic}\nnewer\n`)
    })
  })

  it('two copies of a partition: both are named', async () => {
    await filled()
    const [name] = partitionsIn(b) as [string]
    cpSync(join(b, name), join(a, name), { recursive: true })
    expect(await refusal(both()))
      .to.contain(`${name} is in two data directories, ${join(a, name)} and ${join(b, name)}`)
      .and.contain('move the older copy away')
  })

  it('a copied directory, one of another cluster, one without meta.properties, another node.id', async () => {
    await filled()
    const [own, other] = [a, b].map((directory) => join(directory, 'meta.properties')) as [string, string]
    const properties = readFileSync(other, 'utf8')
    writeFileSync(other, readFileSync(own))
    expect(await refusal(both())).to.contain(`${a} and ${b} both have directory.id=`)
    writeFileSync(other, properties.replace(/cluster\.id=.*/, 'cluster.id=4L6g3nShT-eMCtK--X86sw'))
    expect(await refusal(both())).to.contain(`${other} has cluster.id=4L6g3nShT-eMCtK--X86sw`)
    rmSync(other)
    expect(await refusal(both()))
      .to.contain(`but no meta.properties`)
      .and.contain(`restore ${other}`)
    writeFileSync(other, '')
    expect(await refusal(both())).to.contain(`${other} has no node.id`)
    writeFileSync(other, properties)
    expect(await refusal({ ...both(), 'node.id': '7' })).to.contain('the settings have node.id=7')
    const { stderr } = await rig.runs(rig.startArgs(both()))
    expect(stderr).to.equal('')
  })

  it('an empty directory that was added on purpose: no line', async () => {
    await filled()
    const c = join(rig.folder, 'c')
    mkdirSync(c)
    const { stderr } = await rig.runs(rig.startArgs({ 'log.dirs': `${a},${b},${c}` }))
    expect(stderr).to.equal('')
    expect(existsSync(join(c, 'meta.properties'))).to.equal(true)
  })

  it('a damaged metadata log that no crash leaves: one line, no stack', async () => {
    await filled()
    const log = join(a, '__cluster_metadata-0', '00000000000000000000.log')
    renameSync(log, log.replace('00.log', '09.log'))
    expect(await refusal(both()))
      .to.contain('the metadata of the cluster cannot be read: ')
      .and.contain('09.log')
  })

  describe('without a metadata log', () => {
    needs('java', 'maven')

    it('a topic keeps its records, and the command that the line tells makes it compacted again', async () => {
      const { child } = await rig.runs()
      await withClients(async (application) => {
        const admin = await application.admin()
        const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
        await admin.createTopics({ topics: [{ topic: 'registry', numPartitions: 1, configEntries }] })
        const timestamp = String(Date.now() - TEN_DAYS_MS)
        const messages = ['a', 'b', 'a'].map((key) => ({ key, value: key, timestamp }))
        await (await application.producer()).send({ topic: 'registry', messages })
      })
      await rig.stops(child, 'SIGTERM')
      rmSync(join(rig.dataDir, '__cluster_metadata-0'), { recursive: true })
      const running = await rig.runs(rig.startArgs(eager))
      const [lost, adopted, ...others] = running.stderr.trimEnd().split('\n') as [string, string, ...string[]]
      expect(lost).to.contain(`${join(rig.dataDir, '__cluster_metadata-0')} is missing or empty`)
      expect(others).to.deep.equal([])
      const told = /to change it: kafka-configs\.sh (.*) \(or cleanup\.policy=delete\)$/.exec(adopted)
      await withClients(async (application) => {
        const admin = await application.admin()
        expect(await policy(admin)).to.equal('')
        await retentionPasses(admin)
        expect(await size(admin, 'registry')).to.equal('0..3')
        const { code, stderr } = await runKafkaTool('4.4.0', 'kafka-configs', told![1]!.split(' '))
        expect(code, stderr).to.equal(0)
        expect(await policy(admin)).to.equal('compact')
      })
    })

    const policy = async (admin: Admin) => {
      const wanted = { type: 2, name: 'registry', configNames: ['cleanup.policy'] }
      const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [wanted] })
      return resources[0]!.configEntries[0]!.configValue
    }

    /** Waits until another topic loses records of the same age: retention has run. */
    async function retentionPasses(admin: Admin): Promise<void> {
      await withClients(async (application) => {
        await admin.createTopics({ topics: [{ topic: 'passing', numPartitions: 1 }] })
        const timestamp = String(Date.now() - TEN_DAYS_MS)
        await (await application.producer()).send({ topic: 'passing', messages: [{ value: 'old', timestamp }] })
      })
      await waitFor('retention has removed what is old', async () => (await size(admin, 'passing')) === '1..1')
    }
  })
})

/** Makes a directory where the broker has a file now and then. */
function putDirectory(path: string): Promise<unknown> {
  return waitFor(`${path} is a directory`, () => {
    mkdirSync(path)
    return true
  })
}
