import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { projectDirectory } from '../broker-program.ts'
import { PrivateNetwork } from '../private-network.ts'
import { needs } from '../requirements.ts'
import { type CommandResult, runCommand, runCommandWell } from '../run-command.ts'
import { waitFor } from '../wait-for.ts'

const START_ZOOKEEPER = 'bin/zookeeper-server-start.sh -daemon config/zookeeper.properties'
const START_KAFKA = 'bin/kafka-server-start.sh config/server.properties'
const CREATE =
  'bin/kafka-topics.sh --create --zookeeper localhost:2181 --replication-factor 1 --partitions 1 --topic test'
const LIST = 'bin/kafka-topics.sh --list --zookeeper localhost:2181'
const PRODUCE = 'bin/kafka-console-producer.sh --broker-list localhost:9092 --topic test'
const CONSUME = 'bin/kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic test --from-beginning'
const DESCRIBE = 'bin/kafka-topics.sh --describe --zookeeper localhost:2181 --topic test'

const checkedOut = [
  ...['bin', 'config', 'protocol', 'scripts', 'src', 'storage'],
  ...['package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'tsconfig.types.json'],
]

describe('the commands that a decade of tutorials teaches, word for word in a checkout', function () {
  this.timeout(300_000)
  needs('java', 'maven')
  let folder: string
  let network: PrivateNetwork
  let broker: ChildProcess | undefined
  let printed = ''

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-tutorial-'))
    for (const name of checkedOut) cpSync(join(projectDirectory, name), join(folder, name), { recursive: true })
    symlinkSync(join(projectDirectory, 'node_modules'), join(folder, 'node_modules'))
    await runCommandWell([process.execPath, 'scripts/bootstrap.js', 'build'], { cwd: folder, timeoutMs: 120_000 })
    // What the first use fetches: the commands themselves run where there is no network.
    for (const each of [CREATE, PRODUCE, CONSUME])
      await runCommandWell(['sh', '-c', `${each} --version`], { cwd: folder, timeoutMs: 250_000 })
    network = await PrivateNetwork.make()
  })
  after(async () => {
    if (broker !== undefined && broker.exitCode === null) {
      const closed = once(broker, 'close')
      broker.kill('SIGKILL')
      await closed
    }
    network?.close()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  const start = (line: string): ChildProcess => {
    const [file, ...args] = [...network.prefix, 'sh', '-c', `exec ${line}`]
    return spawn(file!, args, { cwd: folder, stdio: 'pipe' })
  }
  const run = (line: string, input = ''): Promise<CommandResult> =>
    runCommand([...network.prefix, 'sh', '-c', line], { cwd: folder, input })

  it('starts ZooKeeper, which says that there is nothing to start', async () => {
    const { code, stdout, stderr } = await run(START_ZOOKEEPER)
    expect(stdout).to.contain('Ottla serves port 2181 itself')
    expect([code, stderr]).to.deep.equal([0, ''])
  })

  it('starts the broker', async () => {
    broker = start(START_KAFKA)
    for (const stream of [broker.stdout!, broker.stderr!]) stream.on('data', (chunk) => (printed += chunk))
    await waitFor('it listens', () => printed.includes('is listening on'), 60_000)
  })

  it('creates a topic and lists it', async () => {
    const created = await run(CREATE)
    expect(created.stdout + created.stderr).to.contain('Created topic test.')
    expect(created.code).to.equal(0)
    expect((await run(LIST)).stdout).to.equal('test\n')
    const again = await run(CREATE)
    expect(again.stdout).to.contain("Topic 'test' already exists")
    expect(again.code).to.equal(1)
  })

  it('writes records and reads them back until it is interrupted', async () => {
    const written = await run(PRODUCE, 'This is a message\nThis is another message\n')
    expect(written.code, written.stderr).to.equal(0)
    const consumer = start(CONSUME)
    let read = ''
    consumer.stdout!.on('data', (chunk) => (read += chunk))
    const closed = once(consumer, 'close')
    await waitFor('both are read', () => read.split('\n').length > 2, 60_000)
    consumer.kill('SIGINT')
    await closed
    expect(read).to.equal('This is a message\nThis is another message\n')
  })

  it('describes the topic', async () => {
    const { code, stdout } = await run(DESCRIBE)
    expect(stdout.replaceAll(/TopicId: \S+/g, 'TopicId: ID').replaceAll(/\s+/g, ' ')).to.equal(
      'Topic: test TopicId: ID PartitionCount: 1 ReplicationFactor: 1 Configs: ' +
        'Topic: test Partition: 0 Leader: 1 Replicas: 1 Isr: 1 ',
    )
    expect(code).to.equal(0)
  })

  it('says nothing but where the broker listens, and stops it', async () => {
    expect(printed.trimEnd().split('\n'), printed).to.have.length(1)
    const closed = once(broker!, 'close')
    expect((await run('bin/kafka-server-stop.sh')).code).to.equal(0)
    expect((await closed)[0]).to.equal(0)
    expect((await run('bin/zookeeper-server-stop.sh')).code).to.equal(0)
  })
})
