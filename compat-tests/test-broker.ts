import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { apacheKafka } from './apache-kafka.ts'
import { type BrokerProgram, ottla } from './broker-program.ts'
import { freePorts } from './free-port.ts'
import { waitFor, within } from './wait-for.ts'

export interface TestBrokerOptions {
  /** Settings under Kafka's names; they override the defaults of all tests. */
  readonly settings?: Readonly<Record<string, string>>
  /** Default: Ottla, or the program named by OTTLA_TEST_AGAINST. */
  readonly program?: BrokerProgram
}

/** True if the tests run against Apache Kafka itself to verify them: OTTLA_TEST_AGAINST=apache-kafka. */
export const againstApacheKafka = process.env.OTTLA_TEST_AGAINST === 'apache-kafka'

// Apache Kafka needs more than a minute for ten thousand partitions.
const START_WITHIN_MS = 180_000
const STOP_WITHIN_MS = 60_000

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * A broker in a separate process, on a free port of 127.0.0.1, with its own data directory. It is Ottla, or Apache
 * Kafka if `againstApacheKafka`. `dispose()` stops it if it still runs and removes its directory.
 */
export class TestBroker {
  readonly port: number
  readonly bootstrap: string
  readonly directory: string
  readonly dataDir: string
  /** Output of all processes of this broker so far, oldest first. */
  logs = ''
  readonly #program: BrokerProgram
  readonly #settings: Readonly<Record<string, string>>
  /** Port of the controller, of programs that have a listener for it; see also secondPort. */
  readonly controllerPort: number
  #child: ChildProcess | undefined

  private constructor(program: BrokerProgram, directory: string, ports: number[], options: TestBrokerOptions) {
    this.#program = program
    this.directory = directory
    this.dataDir = join(directory, 'data')
    this.port = ports[0]!
    this.controllerPort = ports[1]!
    this.bootstrap = `127.0.0.1:${this.port}`
    this.#settings = options.settings ?? {}
  }

  /** Resolves once the broker serves clients. */
  static async start(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const broker = await TestBroker.stopped(options)
    await broker.#launch()
    return broker
  }

  /** Starts several in parallel. If one does not start, all are stopped. */
  static async startAll(options: readonly TestBrokerOptions[]): Promise<TestBroker[]> {
    const started = await Promise.allSettled(options.map((each) => TestBroker.start(each)))
    const failed = started.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
    const brokers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    if (failed === undefined) return brokers
    await Promise.all(brokers.map((each) => each.dispose()))
    throw failed.reason
  }

  /** Prepares its directory without starting it; `restart()` starts it. */
  static async stopped(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const directory = mkdtempSync(join(tmpdir(), 'ottla-test-'))
    const program = options.program ?? (againstApacheKafka ? apacheKafka : ottla)
    const broker = new TestBroker(program, directory, await freePorts(2), options)
    mkdirSync(broker.dataDir)
    await broker.#program.prepare?.(broker.#place())
    return broker
  }

  /** The second port of its place: the controller's, or ZooKeeper's. */
  get secondPort(): number {
    return this.controllerPort
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the broker does not run')
    return this.#child.pid
  }

  /** Stops it as an administrator would and resolves to its exit code. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | null> {
    return this.#end(signal)
  }

  /** Kills it without warning. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Starts it again with the same port and data; stops it first if it still runs. */
  async restart(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.#child) await this.stop()
    await this.#launch(settings)
  }

  async dispose(): Promise<void> {
    if (this.#child) await this.kill9()
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 })
  }

  #place(extra: Readonly<Record<string, string>> = {}) {
    return {
      directory: this.directory,
      dataDir: this.dataDir,
      port: this.port,
      controllerPort: this.controllerPort,
      settings: { ...this.#settings, ...extra },
    }
  }

  async #launch(extra: Readonly<Record<string, string>> = {}): Promise<void> {
    const place = this.#place(extra)
    const [file, ...args] = await this.#program.command(place)
    const from = this.logs.length
    const child = spawn(file!, args, { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    child.once('exit', () => running.delete(child))
    const collect = (chunk: Buffer) => {
      this.logs += chunk.toString('utf8')
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    this.#child = child
    const ready = () => {
      if (child.exitCode !== null) throw new Error(`the broker ended with ${child.exitCode}`)
      return this.#program.isReady(this.logs.slice(from), place)
    }
    try {
      await waitFor('the broker is ready', ready, START_WITHIN_MS)
    } catch (error) {
      await this.dispose()
      throw new Error(`the broker did not start:\n${this.logs.slice(from)}`, { cause: error })
    }
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (!child) throw new Error('the broker does not run')
    this.#child = undefined
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const closed = once(child, 'close')
    child.kill(signal)
    await within(`the broker ends after ${signal}`, closed, STOP_WITHIN_MS)
    return child.exitCode
  }
}
