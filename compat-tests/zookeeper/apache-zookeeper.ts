import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mavenJars } from '../../scripts/maven-jars.ts'
import { type Dial, TestClient } from '../../src/zookeeper/test-client.fixture.ts'
import { freePort } from '../free-port.ts'
import { waitFor, within } from '../wait-for.ts'

const VERSION = '3.5.9'

/** A real Apache ZooKeeper: the second opinion of the tests in this folder. */
export class ApacheZooKeeper {
  readonly port: number
  readonly #directory: string
  readonly #child: ChildProcess

  private constructor(port: number, directory: string, child: ChildProcess) {
    this.port = port
    this.#directory = directory
    this.#child = child
  }

  /** Resolves once it serves clients. */
  static async start(): Promise<ApacheZooKeeper> {
    const jars = await mavenJars(`zookeeper-${VERSION}`, [
      { group: 'org.apache.zookeeper', name: 'zookeeper', version: VERSION },
    ])
    const directory = mkdtempSync(join(tmpdir(), 'ottla-zookeeper-'))
    const port = await freePort()
    const settings = {
      dataDir: join(directory, 'data'),
      clientPort: port,
      clientPortAddress: '127.0.0.1',
      tickTime: 3000,
      'admin.enableServer': false,
      '4lw.commands.whitelist': '*',
    }
    const text = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(join(directory, 'zoo.cfg'), text.join(''))
    const flags = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']
    const main = 'org.apache.zookeeper.server.ZooKeeperServerMain'
    const child = spawn('java', [...flags, '-cp', join(jars, '*'), main, 'zoo.cfg'], {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    process.once('exit', () => child.kill('SIGKILL'))
    const server = new ApacheZooKeeper(port, directory, child)
    try {
      await waitFor('Apache ZooKeeper serves clients', () => isServing(port), 60_000)
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  async stop(): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined
    this.#child.kill('SIGKILL')
    await ended
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The port is open before it serves; a word that comes in between may never be answered. */
async function isServing(port: number): Promise<boolean> {
  const client = await TestClient.dial(dialPort(port))
  try {
    return (await within('Apache ZooKeeper answers', client.word('srvr'), 2000)).includes('Mode: standalone')
  } finally {
    client.close()
  }
}

/** Connects over TCP. */
export function dialPort(port: number): Dial {
  return (client) =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        socket.on('error', () => {}) // 'close' follows
        socket.on('data', (chunk: Buffer) => client.onBytes(chunk))
        socket.on('close', () => client.onClose())
        resolve({ send: (bytes) => socket.write(bytes), close: () => socket.destroy() })
      })
    })
}
