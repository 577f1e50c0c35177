import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import { CLUSTER_ID, logConfig, propertiesText } from '../apache-kafka.ts'
import { freePorts } from '../free-port.ts'
import { runCommandWell } from '../run-command.ts'
import { waitFor, within } from '../wait-for.ts'
import { brokersSettings, nodeIds, racks, type ThreeBrokers } from './three-brokers.ts'

const VERSION = '4.4.0'
/** Says when a node has started; the rest only if something is wrong. */
const LOG_CONFIG = logConfig('WARN', '    Logger: {name: kafka.server.KafkaRaftServer, level: INFO}\n')
const START_WITHIN_MS = 120_000
const STOP_WITHIN_MS = 60_000
const JVM_FLAGS = ['-Xms96m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Three nodes of a real Apache Kafka: one that is broker and controller, and two brokers. */
export class ApacheKafkaBrokers implements ThreeBrokers {
  readonly name = 'Apache Kafka'
  readonly errors: readonly string[] = []
  readonly ports: ReadonlyMap<number, number>
  readonly #directory: string
  readonly #controllerPort: number
  readonly #classPath: string
  readonly #children = new Map<number, ChildProcess>()

  private constructor(directory: string, ports: readonly number[], classPath: string) {
    this.#directory = directory
    this.ports = new Map(nodeIds.map((nodeId, index) => [nodeId, ports[index]!]))
    this.#controllerPort = ports[nodeIds.length]!
    this.#classPath = classPath
  }

  static async start(): Promise<ApacheKafkaBrokers> {
    const directory = mkdtempSync(join(tmpdir(), 'ottla-test-brokers-'))
    const cluster = new ApacheKafkaBrokers(
      directory,
      await freePorts(nodeIds.length + 1),
      await kafkaClassPath(VERSION),
    )
    try {
      for (const nodeId of nodeIds) cluster.#writeFiles(nodeId)
      // The others find their controller when it is there.
      const others = nodeIds.filter((nodeId) => nodeId !== 1).map((nodeId) => cluster.start(nodeId))
      await Promise.all([cluster.#format(1).then(() => cluster.start(1)), ...others])
      return cluster
    } catch (error) {
      await cluster.dispose()
      throw error
    }
  }

  get running(): ReadonlySet<number> {
    return new Set(this.#children.keys())
  }

  stop(nodeId: number): Promise<void> {
    return this.#end(nodeId, 'SIGTERM')
  }

  kill(nodeId: number): Promise<void> {
    return this.#end(nodeId, 'SIGKILL')
  }

  async start(nodeId: number): Promise<void> {
    const log = '-Dlog4j2.configurationFile=log4j2.yaml'
    const args = [...JVM_FLAGS, log, '-cp', this.#classPath, 'kafka.Kafka', 'server.properties']
    const child = spawn('java', args, { cwd: this.#folder(nodeId), stdio: ['ignore', 'pipe', 'pipe'] })
    children.add(child)
    child.once('exit', () => children.delete(child))
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8')
      })
    this.#children.set(nodeId, child)
    const isStarted = () => {
      if (child.exitCode !== null) throw new Error(`node ${nodeId} ended with ${child.exitCode}`)
      return output.includes('Kafka Server started')
    }
    await waitFor(`node ${nodeId} is started`, isStarted, START_WITHIN_MS).catch((cause) => {
      throw new Error(`node ${nodeId} did not start:\n${output.slice(-4000)}`, { cause })
    })
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((nodeId) => this.kill(nodeId)))
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 })
  }

  async #end(nodeId: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(nodeId)
    if (child === undefined) throw new Error(`node ${nodeId} does not run`)
    this.#children.delete(nodeId)
    if (child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill(signal)
    await within(`node ${nodeId} ends after ${signal}`, closed, STOP_WITHIN_MS)
  }

  #folder(nodeId: number): string {
    return join(this.#directory, `node-${nodeId}`)
  }

  /** Brokers find everything else in the metadata log, so that only the controller needs Kafka's own tool. */
  #writeFiles(nodeId: number): void {
    const data = join(this.#folder(nodeId), 'data')
    mkdirSync(data, { recursive: true })
    writeFileSync(join(this.#folder(nodeId), 'server.properties'), propertiesText(this.#settings(nodeId)))
    writeFileSync(join(this.#folder(nodeId), 'log4j2.yaml'), LOG_CONFIG)
    if (nodeId === 1) return
    const meta = { version: '1', 'cluster.id': CLUSTER_ID, 'node.id': String(nodeId) }
    writeFileSync(join(data, 'meta.properties'), propertiesText(meta))
  }

  async #format(nodeId: number): Promise<void> {
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', 'server.properties']
    const command = ['java', ...JVM_FLAGS, '-cp', this.#classPath, ...format]
    await runCommandWell(command, { cwd: this.#folder(nodeId) })
  }

  #settings(nodeId: number): Record<string, string> {
    const listener = `PLAINTEXT://127.0.0.1:${this.ports.get(nodeId)}`
    const isController = nodeId === 1
    const controller = `127.0.0.1:${this.#controllerPort}`
    return {
      'process.roles': isController ? 'broker,controller' : 'broker',
      'node.id': String(nodeId),
      'controller.quorum.voters': `1@${controller}`,
      listeners: isController ? `${listener},CONTROLLER://${controller}` : listener,
      'advertised.listeners': listener,
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      'broker.rack': racks[nodeId]!,
      'log.dirs': join(this.#folder(nodeId), 'data'),
      ...brokersSettings,
    }
  }
}
