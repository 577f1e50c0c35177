import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { projectDirectory } from '../broker-program.ts'
import { freePorts } from '../free-port.ts'
import { needs } from '../requirements.ts'
import { waitFor } from '../wait-for.ts'

describe('the package, installed into an empty folder', () => {
  let folder: string
  const npm = (cwd: string, ...args: string[]) =>
    execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, encoding: 'utf8' })

  before(function () {
    this.timeout(120_000)
    folder = mkdtempSync(join(tmpdir(), 'ottla-package-'))
    // Packs the existing build: npm test has made sure that it is current.
    const packed = npm(projectDirectory, 'pack', '--ignore-scripts', '--pack-destination', folder)
      .trim()
      .split('\n')
      .at(-1)!
    writeFileSync(join(folder, 'package.json'), '{ "name": "somebody", "private": true, "type": "module" }')
    npm(folder, 'install', join(folder, packed))
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  it('tells its version', () => {
    const { version } = JSON.parse(readFileSync(join(projectDirectory, 'package.json'), 'utf8'))
    expect(execFileSync('npx', ['ottla', '--version'], { cwd: folder, encoding: 'utf8' })).to.equal(`${version}\n`)
  })

  it('holds nothing but what a user needs', () => {
    const files = execFileSync('find', ['node_modules/ottla', '-name', '*.test.*'], { cwd: folder, encoding: 'utf8' })
    expect(files).to.equal('')
  })

  it('serves a client from npx ottla start, and stops when told', async function () {
    this.timeout(120_000)
    const [port] = await freePorts(1)
    const listeners = `listeners=PLAINTEXT://127.0.0.1:${port}`
    // A separate process group, because npx starts the broker in a child process.
    const child = spawn('npx', ['ottla', 'start', '--override', listeners], {
      cwd: folder,
      detached: true,
      stdio: 'pipe',
    })
    let printed = ''
    child.stdout.on('data', (chunk) => (printed += chunk))
    child.stderr.on('data', (chunk) => (printed += chunk))
    const closed = once(child, 'close')
    try {
      await waitFor('the broker is ready', () => printed.includes(`127.0.0.1:${port}`), 60_000)
      const admin = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic: 'packed', numPartitions: 2 }] })
      expect(await admin.listTopics()).to.deep.equal(['packed'])
      await admin.disconnect()
    } finally {
      process.kill(-child.pid!, 'SIGTERM')
      await closed
    }
  })

  it('is embedded in a program, whose types resolve', async function () {
    this.timeout(60_000)
    const program = `import { startBroker, type RunningBroker } from 'ottla'
const broker: RunningBroker = await startBroker()
const address: string = broker.bootstrapServers
console.log(/^127\\.0\\.0\\.1:\\d+$/.test(address))
await broker.close()
`
    writeFileSync(join(folder, 'program.ts'), program)
    symlinkSync(join(projectDirectory, 'node_modules', '@types'), join(folder, 'node_modules', '@types'))
    const tsc = join(projectDirectory, 'node_modules', 'typescript', 'bin', 'tsc')
    const options = ['--strict', '--target', 'es2023', '--noEmit']
    for (const resolution of [
      ['--types', 'node', '--module', 'nodenext'],
      ['--types', 'node', '--module', 'esnext', '--moduleResolution', 'bundler'],
      // Its declarations need none of Node.js.
      ['--types', '', '--lib', 'es2023,dom', '--module', 'nodenext'],
    ])
      execFileSync(process.execPath, [tsc, ...options, ...resolution, 'program.ts'], { cwd: folder, encoding: 'utf8' })
    const tsx = join(projectDirectory, 'node_modules', 'tsx', 'dist', 'cli.mjs')
    expect(execFileSync(process.execPath, [tsx, 'program.ts'], { cwd: folder, encoding: 'utf8' })).to.equal('true\n')
  })

  describe('with Java and Maven', () => {
    needs('java', 'maven')
    it("runs Kafka's own tools by Kafka's names", function () {
      this.timeout(300_000)
      const script = join('node_modules', 'ottla', 'bin', 'kafka-topics.sh')
      expect(execFileSync(script, ['--version'], { cwd: folder, encoding: 'utf8' })).to.match(/^4\.4\.0/)
    })
  })
})
