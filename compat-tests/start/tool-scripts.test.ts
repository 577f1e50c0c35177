import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { extraJars } from '../../scripts/kafka-tool.ts'
import { stockTools } from '../../scripts/stock-tools.ts'
import { projectDirectory } from '../broker-program.ts'
import { needs } from '../requirements.ts'
import { type CommandResult, runCommand } from '../run-command.ts'
import { waitFor } from '../wait-for.ts'
import { expectOneLine } from './start-rig.ts'

const bin = join(projectDirectory, 'bin')
const script = (name: string) => join(bin, `${name}.sh`)

/** Scripts of the downloads of 2.8.2 and 4.4.0 that run no tool of the same name. */
const OTHERS = [
  ...['kafka-server-start', 'kafka-server-stop', 'kafka-run-class', 'kafka-jmx', 'trogdor'],
  ...['zookeeper-server-start', 'zookeeper-server-stop'],
]

/** Which version runs a command, where 4.4.0 is the default. */
const CHOICES: readonly (readonly [version: string, tool: string, ...args: string[]])[] = [
  ['4.4.0', 'kafka-topics', '--bootstrap-server', 'localhost:9092', '--list'],
  ['2.8.2', 'kafka-topics', '--list', '--zookeeper', 'localhost:2181'],
  ['2.8.2', 'kafka-topics', '--zookeeper=localhost:2181', '--list'],
  ['2.8.2', 'kafka-topics', '--bootstrap-server', 'localhost:9092', '--create', '--topic', 't', '--disable-rack-aware'],
  ['2.8.2', 'kafka-configs', '--zookeeper', 'localhost:2181', '--describe', '--entity-type', 'users'],
  ['2.8.2', 'kafka-configs', '--zk-tls-config-file', 'f', '--describe'],
  ['2.8.2', 'kafka-reassign-partitions', '--zookeeper', 'localhost:2181', '--verify'],
  ['2.8.2', 'kafka-acls', '--authorizer-properties', 'zookeeper.connect=localhost:2181', '--list'],
  ['2.8.2', 'kafka-console-producer', '--broker-list', 'localhost:9092', '--topic', 't'],
  ['4.4.0', 'kafka-console-producer', '--bootstrap-server', 'localhost:9092', '--topic', 't'],
  ['2.8.2', 'kafka-verifiable-producer', '--broker-list', 'localhost:9092', '--topic', 't'],
  ['2.8.2', 'kafka-verifiable-consumer', '--broker-list', 'localhost:9092', '--topic', 't'],
  ['4.4.0', 'kafka-replica-verification', '--broker-list', 'localhost:9092'],
  ['2.8.2', 'kafka-replica-verification', '--broker-list', 'localhost:9092', '--topic-white-list', 't'],
  ['2.8.2', 'kafka-console-consumer', '--bootstrap-server', 'localhost:9092', '--whitelist', 't'],
  ['1.1.1', 'kafka-console-consumer', '--zookeeper', 'localhost:2181', '--topic', 't'],
  ['1.1.1', 'kafka-console-consumer', '--new-consumer', '--bootstrap-server', 'localhost:9092', '--topic', 't'],
  ['1.1.1', 'kafka-console-consumer', '--whitelist', 't', '--zookeeper', 'localhost:2181', '--whitelist', 'u'],
  ['1.1.1', 'kafka-consumer-groups', '--zookeeper', 'localhost:2181', '--list'],
  ['1.1.1', 'kafka-consumer-groups', '--new-consumer', '--bootstrap-server', 'localhost:9092', '--list'],
  ['2.8.2', 'kafka-consumer-perf-test', '--broker-list', 'localhost:9092', '--topic', 't', '--threads', '2'],
  ['1.1.1', 'kafka-consumer-perf-test', '--zookeeper', 'localhost:2181', '--topic', 't'],
  ['2.8.2', 'kafka-streams-application-reset', '--bootstrap-servers', 'localhost:9092', '--application-id', 'a'],
]

const VERSIONS = ['4.4.0', '2.8.2', '1.1.1', '0.10.2.2']

describe("the scripts of Kafka's names", function () {
  this.timeout(60_000)
  let folder: string

  before(function () {
    if (process.platform === 'win32') this.skip()
    folder = mkdtempSync(join(tmpdir(), 'ottla scripts-'))
  })
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  /** A program instead of java, and prepared tools whose main class tells the version. */
  function pretendJava(body: string): Record<string, string> {
    const home = join(folder, 'java')
    mkdirSync(join(home, 'bin'), { recursive: true })
    writeFileSync(join(home, 'bin', 'java'), `#!/bin/sh\n${body}\n`)
    chmodSync(join(home, 'bin', 'java'), 0o755)
    const jars = join(folder, 'jars')
    for (const version of VERSIONS) {
      mkdirSync(join(jars, version, 'launch'), { recursive: true })
      for (const tool of [...Object.keys(stockTools), 'some.Class'])
        writeFileSync(join(jars, version, 'launch', tool), `Main-${version}\n/jars/a.jar:/jars/b.jar\n`)
    }
    return { JAVA_HOME: home, KAFKA_JARS: jars, OTTLA_TOOLS_VERSION: '', KAFKA_OPTS: '', KAFKA_HEAP_OPTS: '' }
  }

  it('are there for each tool of the downloads of 2.8.2 and 4.4.0, and run it', () => {
    const ours = readdirSync(bin).filter((name) => name.endsWith('.sh'))
    const tools = Object.keys(stockTools).filter((name) => !/^(trogdor-|kafka-jmx$|kafka-simple-)/.test(name))
    const expected = [...tools, ...OTHERS, 'run-tool'].map((name) => `${name}.sh`)
    expect(ours.sort()).to.deep.equal(expected.sort())
    for (const tool of tools) expect(readFileSync(script(tool), 'utf8')).to.contain(`run-tool.sh" ${tool} `)
    for (const name of ours) expect(statSync(join(bin, name)).mode & 0o111, name).to.equal(0o111)
  })

  it('choose the newest version that has the options', async () => {
    const env = pretendJava(`for a do case $a in Main-*) echo "\${a#Main-}";; esac; done`)
    for (const [version, tool, ...args] of CHOICES) {
      const { stdout } = await runCommand([script(tool), ...args], { env })
      expect(stdout, [tool, ...args].join(' ')).to.equal(`${version}\n`)
    }
  })

  it('use the version of OTTLA_TOOLS_VERSION, unless it is too new for an option', async () => {
    const env = pretendJava(`for a do case $a in Main-*) echo "\${a#Main-}";; esac; done`)
    const choose = async (wanted: string, ...args: string[]) =>
      (await runCommand([script('kafka-topics'), ...args], { env: { ...env, OTTLA_TOOLS_VERSION: wanted } })).stdout
    expect(await choose('1.1.1', '--list')).to.equal('1.1.1\n')
    expect(await choose('0.10.2.2', '--list', '--zookeeper', 'localhost:2181')).to.equal('0.10.2.2\n')
    expect(await choose('4.3.1', '--list', '--zookeeper', 'localhost:2181')).to.equal('2.8.2\n')
  })

  it('pass on arguments, standard input, both outputs and the exit code', async () => {
    const env = pretendJava(`for a do echo "[$a]"; done | sed -n '/Main/,$p'; cat; echo complaint >&2; exit 7`)
    const args = ['--topic', 'a b', '', '*', '$HOME', '"']
    const result = await runCommand([script('kafka-topics'), ...args], { env, input: 'line\n', cwd: folder })
    expect(result.stdout).to.equal(`[Main-4.4.0]\n${args.map((each) => `[${each}]\n`).join('')}line\n`)
    expect(result.stderr).to.equal('complaint\n')
    expect(result.code).to.equal(7)
  })

  it('become java, which therefore gets the signals', async () => {
    const env = pretendJava('kill -TERM $$; sleep 30')
    const { signal } = await runCommand([script('kafka-topics')], { env })
    expect(signal).to.equal('SIGTERM')
  })

  it("honour the variables of Kafka's kafka-run-class.sh", async () => {
    const env = pretendJava(`for a do echo "$a"; done`)
    const own = { KAFKA_HEAP_OPTS: '-Xmx1g -Xms1g', KAFKA_OPTS: '-Da=b -Dc=d', CLASSPATH: '/mine.jar' }
    const { stdout } = await runCommand([script('kafka-run-class'), 'some.Class', 'x'], { env: { ...env, ...own } })
    const lines = stdout.split('\n')
    expect(lines.slice(0, 2)).to.deep.equal(['-Xmx1g', '-Xms1g'])
    const rest = ['-cp', '/mine.jar:/jars/a.jar:/jars/b.jar', '-Da=b', '-Dc=d', 'Main-4.4.0', 'x', '']
    expect(lines.slice(lines.indexOf('-cp'))).to.deep.equal(rest)
    const logging = { KAFKA_LOG4J_OPTS: '-Dlog4j.configuration=mine' }
    const other = await runCommand([script('kafka-topics')], { env: { ...env, ...logging } })
    expect(other.stdout).to.contain('-Dlog4j.configuration=mine\n').and.not.to.contain('log4j2')
  })

  it('run Connect and any class in the background after -daemon', async () => {
    const env = { ...pretendJava(`echo "pid $$"; for a do echo "[$a]"; done`), LOG_DIR: join(folder, 'logs') }
    const started = await runCommand([script('connect-standalone'), '-daemon', 'worker.properties'], { env })
    expect(started.stdout + started.stderr).to.equal('')
    const named = ['-daemon', '-name', 'mine', '-loggc', 'some.Class', '-daemon']
    await runCommand([script('kafka-run-class'), ...named], { env })
    const hasPrinted = (name: string, text: string) => readFileSync(join(env.LOG_DIR, name), 'utf8').includes(text)
    await waitFor('both have run', () => hasPrinted('mine.out', '[Main-4.4.0]\n[-daemon]\n'))
    await waitFor('both have run', () => hasPrinted('connect-standalone.out', '[Main-4.4.0]\n[worker.properties]\n'))
  })

  it('say in one line that java is missing', async () => {
    const result = await runCommand([script('kafka-topics')], { env: { JAVA_HOME: join(folder, 'nowhere') } })
    expectOneLine(result)
    expect(result.stderr).to.match(/kafka-topics needs Java.*apt-get install openjdk/)
  })

  it('say what they do, and that Maven is missing', async () => {
    const path = join(folder, 'path')
    mkdirSync(path)
    for (const program of ['/bin/sh', '/usr/bin/dirname', process.execPath])
      symlinkSync(program, join(path, basename(program)))
    const env = { ...pretendJava('echo no'), KAFKA_JARS: join(folder, 'empty'), PATH: path }
    const result = await runCommand([script('kafka-topics')], { env })
    expect(result.stderr.trimEnd().split('\n')).to.deep.equal([
      'ottla: fetching the tools of Apache Kafka 4.4.0 through Maven, once ...',
      'ottla: cannot fetch Apache Kafka 4.4.0: Maven (mvn) is missing: on Debian, apt-get install maven',
    ])
    expect(result.code).to.equal(1)
    expect(readdirSync(join(folder, 'empty'))).to.deep.equal([])
  })

  it('run nothing from a folder of another user', async function () {
    if (process.getuid?.() !== 0) this.skip() // only root can give a folder away
    const { KAFKA_JARS: jars, ...env } = pretendJava('echo it ran')
    const temporary = join(folder, 'temporary')
    mkdirSync(temporary)
    symlinkSync(jars!, join(temporary, 'jars'))
    const inOwn = await runCommand([script('kafka-topics')], { env: { ...env, KAFKA_JARS: '', TMPDIR: temporary } })
    expect(inOwn.stdout).to.equal('it ran\n')
    chownSync(join(jars!, '4.4.0'), 1, 1)
    const result = await runCommand([script('kafka-topics')], { env: { ...env, KAFKA_JARS: '', TMPDIR: temporary } })
    expectOneLine(result)
    expect(result.stderr).to.contain('belongs to somebody else: set KAFKA_JARS')
  })

  describe('for ZooKeeper', () => {
    const run = (name: string, ...args: string[]): Promise<CommandResult> =>
      runCommand([script(name), ...args], { cwd: projectDirectory })

    for (const args of [['-daemon', 'config/zookeeper.properties'], ['config/zookeeper.properties']])
      it(`start nothing with ${args.join(' ')}, and say so in one line`, async () => {
        const { code, stdout, stderr } = await run('zookeeper-server-start', ...args)
        expect(stdout).to.match(/^Nothing to start: Ottla serves port 2181 itself[^\n]*\n$/)
        expect([code, stderr]).to.deep.equal([0, ''])
      })

    it('name the port of the file', async () => {
      const file = join(folder, 'zookeeper.properties')
      writeFileSync(file, 'dataDir=/tmp/zookeeper\n#clientPort=1\n clientPort : 2182 \n')
      expect((await run('zookeeper-server-start', file)).stdout)
        .to.contain('port 2182')
        .and.not.to.contain('2181')
    })

    it('refuse what Kafka would', async () => {
      const without = await run('zookeeper-server-start')
      expect(without.code).to.equal(1)
      expect(without.stdout).to.equal(`USAGE: ${script('zookeeper-server-start')} [-daemon] zookeeper.properties\n`)
      expectOneLine(await run('zookeeper-server-start', 'config/nowhere.properties'))
      expectOneLine(await run('zookeeper-server-start', '-daemon'))
    })

    it('stop nothing, and say so in one line', async () => {
      const { code, stdout } = await run('zookeeper-server-stop')
      expect(stdout).to.match(/^Nothing to stop: [^\n]*\n$/)
      expect(code).to.equal(0)
    })
  })

  describe('', () => {
    needs('shellcheck')
    it('satisfy shellcheck', async () => {
      const files = readdirSync(bin).filter((name) => name.endsWith('.sh'))
      const { stdout, code } = await runCommand(['shellcheck', ...files], { cwd: bin })
      expect([code, stdout]).to.deep.equal([0, ''])
    })
  })

  describe('with Java and Maven', function () {
    this.timeout(300_000)
    needs('java', 'maven')
    const versionOf = async (name: string, ...args: string[]) => {
      const { stdout, stderr } = await runCommand([script(name), ...args], { cwd: folder, timeoutMs: 300_000 })
      return `${stdout}${stderr}`
    }

    it('run the tools of 4.4.0', async () => {
      expect(await versionOf('kafka-topics', '--version')).to.match(/^4\.4\.0\b/m)
    })

    it('run those of 2.8.2 where 4.4.0 has none, by the name of a class, too', async () => {
      expect(await versionOf('kafka-preferred-replica-election', '--version')).to.contain('2.8.2')
      const offsets = await versionOf('kafka-run-class', 'kafka.tools.GetOffsetShell')
      expect(offsets).to.contain('--broker-list')
    })

    it('run those of 4.3.1 that Maven does not have for 4.4.0', async () => {
      expect(await versionOf('connect-standalone')).to.contain('Usage: ConnectStandalone')
      expect(await versionOf('kafka-metadata-shell', '--help')).to.contain('--snapshot')
      expect(await versionOf('trogdor', 'agent', '-h')).to.contain('trogdor-agent')
    })

    it('list the plugins of Connect in a jar, and check its manifests', async () => {
      const jar = (await extraJars('4.3.1', 'connect')).find((path) => /connect-file-[\d.]+\.jar$/.test(path))!
      const location = ['--plugin-location', jar]
      const listed = await versionOf('connect-plugin-path', 'list', ...location)
      expect(listed).to.match(
        /^org\.apache\.kafka\.connect\.file\.FileStreamSourceConnector\t.*\tsource\ttrue\ttrue\t/m,
      )
      expect(listed).to.match(/^Loadable plugins: *\t2$/m)
      const synced = await versionOf('connect-plugin-path', 'sync-manifests', '--dry-run', ...location)
      expect(synced).to.match(/^No changes required\.$/m)
    })

    it('find no such class as Kafka does', async () => {
      expect(await versionOf('kafka-run-class', 'no.such.Class')).to.contain('ClassNotFoundException')
    })
  })
})
