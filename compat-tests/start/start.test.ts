import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { ottlaCommand, overrides, projectDirectory } from '../broker-program.ts'
import { KafkaJsApplication } from '../clients/kafkajs/kafkajs-application.ts'
import { freePort } from '../free-port.ts'
import { RawClient } from '../raw-client.ts'
import { runCommand } from '../run-command.ts'
import { againstApacheKafka } from '../test-broker.ts'
import { waitFor } from '../wait-for.ts'
import { canConnect, expectOneLine, refused, StartRig } from './start-rig.ts'

const VERSION = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8')).version as string

describe('ottla start', function () {
  this.timeout(60_000)
  let rig: StartRig
  let folder: string
  let dataDir: string
  let port: number

  before(function () {
    if (againstApacheKafka) this.skip() // Ottla's own behaviour
  })
  beforeEach(async () => {
    rig = await StartRig.make()
    ;({ folder, dataDir, port } = rig)
  })
  afterEach(() => rig.end())

  const own = () => ({ listeners: `PLAINTEXT://127.0.0.1:${port}`, 'log.dirs': dataDir })
  const startArgs = (settings: Record<string, string> = {}) => rig.startArgs(settings)
  const fails = (settings: Record<string, string> = {}) => rig.fails(settings)
  const runs = (args?: string[]) => rig.runs(args)
  const stops = (child: ChildProcess, signal: NodeJS.Signals) => rig.stops(child, signal)

  it('prints one line when it is ready: address, data directory, milliseconds', async () => {
    const { stdout, stderr } = await runs()
    const lines = stdout.trimEnd().split('\n')
    expect(lines).to.have.length(1)
    expect(lines[0])
      .to.contain(`127.0.0.1:${port}`)
      .and.to.contain(dataDir)
      .and.to.match(/\b\d+ ms\b/)
    expect(stderr).to.equal('')
    await canConnect(port)
  })

  it('listens on any free port where the port is 0, and says which', async () => {
    const { stdout } = await runs(startArgs({ listeners: 'PLAINTEXT://127.0.0.1:0' }))
    const [, actual] = /127\.0\.0\.1:(\d+)/.exec(stdout)!
    expect(Number(actual)).to.be.above(0)
    await canConnect(Number(actual))
  })

  it('reads a server.properties; what is overridden wins', async () => {
    const file = join(folder, 'server.properties')
    writeFileSync(file, `# a comment\nlisteners=PLAINTEXT://127.0.0.1:1\nlog.dirs=${dataDir}\nnum.partitions : 7\n`)
    await runs(['start', file, '--override', `listeners=PLAINTEXT://127.0.0.1:${port}`])
    const application = new KafkaJsApplication(`127.0.0.1:${port}`)
    try {
      const producer = await application.producer()
      await producer.send({ topic: 'made', messages: [{ value: 'a' }] })
      const { topics } = await (await application.admin()).fetchTopicMetadata({ topics: ['made'] })
      expect(topics[0]!.partitions).to.have.length(7)
    } finally {
      await application.close()
    }
  })

  it("starts with this project's own server.properties", async () => {
    const file = join(projectDirectory, 'config', 'server.properties')
    const { stderr } = await runs(['start', file, ...overrides(own())])
    expect(stderr).to.equal('')
  })

  it('warns of a setting that it does not know, and goes on', async () => {
    const { stderr } = await runs(startArgs({ 'no.such.setting': '1' }))
    const lines = stderr.trimEnd().split('\n')
    expect(lines).to.have.length(1)
    expect(lines[0]).to.contain('no.such.setting')
  })

  it('accepts the largest numbers of Java', async () => {
    await runs(
      startArgs({ 'log.retention.ms': '9223372036854775807', 'log.flush.interval.messages': '9223372036854775807' }),
    )
  })

  for (const [name, value] of [
    ['num.partitions', 'many'],
    ['num.partitions', '0'],
    ['auto.create.topics.enable', 'maybe'],
    ['log.retention.ms', '9223372036854775808'],
    ['listeners', 'nonsense'],
    ['compression.type', 'rar'],
  ] as const) {
    it(`ends with one line about ${name}=${value}`, async () => {
      const result = await fails({ [name]: value })
      expectOneLine(result)
      expect(result.stderr).to.contain(name).and.to.contain(value)
    })
  }

  it('ends with one line about a settings file that is not there', async () => {
    const result = await runCommand(ottlaCommand('start', join(folder, 'nowhere.properties')), { cwd: folder })
    expectOneLine(result)
    expect(result.stderr).to.contain('nowhere.properties')
  })

  for (const directory of ['/proc/ottla', '/dev/null', '/dev/null/data', '/proc/ottla/a/b']) {
    it(`ends with one line where log.dirs=${directory} cannot be made`, async function () {
      if (process.platform !== 'linux') this.skip()
      const result = await fails({ 'log.dirs': directory })
      expectOneLine(result)
      expect(result.stderr).to.contain(directory)
    })
  }

  it('ends with one line where the port is in use', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    try {
      const result = await fails()
      expectOneLine(result)
      expect(result.stderr).to.contain(String(port))
    } finally {
      await new Promise<void>((resolve) => server.close(() => resolve()))
    }
  })

  it('ends with one line where another one uses the data directory, which goes on', async () => {
    await runs()
    const result = await fails({ listeners: `PLAINTEXT://127.0.0.1:${await freePort()}` })
    expectOneLine(result)
    expect(result.stderr).to.contain(dataDir)
    await canConnect(port)
  })

  it('takes over the data directory of one that was killed', async () => {
    const first = await runs()
    await stops(first.child, 'SIGKILL')
    await runs()
    await canConnect(port)
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`stops cleanly on ${signal}`, async () => {
      const running = await runs()
      const application = new KafkaJsApplication(`127.0.0.1:${port}`)
      await (await application.producer()).send({ topic: 'made', messages: [{ value: 'a' }] })
      const code = await stops(running.child, signal)
      await application.close()
      expect(code).to.equal(0)
      expect(running.stderr).to.equal('')
      expect(existsSync(join(dataDir, '.kafka_cleanshutdown'))).to.equal(true)
      expect(await refused(port)).to.equal(true)
    })
  }

  it('makes few and small files in an empty data directory', async () => {
    await runs()
    const files = readdirSync(dataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).size)
    expect(files.length).to.be.within(1, 20)
    expect(files.reduce((sum, size) => sum + size, 0)).to.be.below(1024 * 1024)
  })

  it('keeps the cluster id that it finds, and refuses another one in one line', async () => {
    const first = await runs()
    await stops(first.child, 'SIGTERM')
    const file = join(dataDir, 'meta.properties')
    const [, id] = /^cluster\.id=(\S+)$/m.exec(readFileSync(file, 'utf8'))!
    const second = await runs()
    await stops(second.child, 'SIGTERM')
    expect(readFileSync(file, 'utf8')).to.contain(`cluster.id=${id}\n`)
    const other = '4L6g3nShT-eMCtK--X86sw'
    const result = await fails({ 'cluster.id': other })
    expectOneLine(result)
    expect(result.stderr).to.contain(file).and.to.contain(id!).and.to.contain(other)
  })

  it('prints help and version', async () => {
    const help = await runCommand(ottlaCommand('--help'), { cwd: folder })
    expect(help.code).to.equal(0)
    expect(help.stdout).to.contain('Usage:').and.to.contain('--override')
    const version = await runCommand(ottlaCommand('--version'), { cwd: folder })
    expect(version.code).to.equal(0)
    expect(version.stdout).to.equal(`${VERSION}\n`)
  })

  it('tells clients the address of advertised.listeners, where that is set', async () => {
    await runs(startArgs({ 'advertised.listeners': 'PLAINTEXT://broker.example:1234' }))
    const client = await RawClient.connect(port)
    const everything = {
      topics: [],
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }
    const { brokers } = await client.send(Metadata, 1, everything)
    client.close()
    expect(brokers.map(({ host, port }) => `${host}:${port}`)).to.deep.equal(['broker.example:1234'])
  })

  it("is started and stopped by scripts of Kafka's names", async function () {
    if (process.platform === 'win32') this.skip()
    const bin = (name: string) => join(projectDirectory, 'bin', name)
    const file = join(folder, 'server.properties')
    writeFileSync(file, `listeners=PLAINTEXT://127.0.0.1:${port}\nlog.dirs=${dataDir}\n`)
    const env = { LOG_DIR: join(folder, 'logs') }
    const start = await runCommand([bin('kafka-server-start.sh'), '-daemon', file], {
      cwd: folder,
      env,
      timeoutMs: 20_000,
    })
    expect(start.code).to.equal(0)
    await waitFor('it listens', () => canConnect(port).then(() => true))
    const stop = await runCommand([bin('kafka-server-stop.sh')], { cwd: folder })
    expect(stop.code).to.equal(0)
    await waitFor('it is gone', async () => (await refused(port)) && existsSync(join(dataDir, '.kafka_cleanshutdown')))
    // The process ends a moment after it has released its port and data.
    const again = await waitFor('nothing is left to stop', async () => {
      const result = await runCommand([bin('kafka-server-stop.sh')], { cwd: folder })
      return result.code === 0 ? undefined : result
    })
    expect(again.code).to.equal(1)
    expect(again.stdout + again.stderr).to.contain('No kafka server to stop')
  })
})
