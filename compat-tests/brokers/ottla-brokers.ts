import { type Logger, type RunningBroker, startBroker } from '../../src/embedded/index.ts'
import { CLUSTER_ID } from '../apache-kafka.ts'
import { freePorts } from '../free-port.ts'
import { brokersSettings, nodeIds, racks, type ThreeBrokers } from './three-brokers.ts'

/** Three brokers of Ottla in this process. */
export class OttlaBrokers implements ThreeBrokers {
  readonly name = 'Ottla'
  readonly ports: ReadonlyMap<number, number>
  readonly running = new Set(nodeIds)
  readonly errors: readonly string[]
  readonly #brokers: RunningBroker

  private constructor(brokers: RunningBroker, errors: readonly string[]) {
    this.#brokers = brokers
    this.errors = errors
    this.ports = new Map(nodeIds.map((nodeId) => [nodeId, brokers.broker(nodeId).port]))
  }

  static async start(): Promise<OttlaBrokers> {
    const [controllerPort] = await freePorts(1)
    const errors: string[] = []
    const error = (fields: object, message: string) => {
      const { err } = fields as { err?: Error }
      errors.push(err === undefined ? message : `${message}: ${err.stack}`)
    }
    const logger: Logger = { error, warn() {}, info() {}, debug() {} }
    const brokers = await startBroker({
      brokers: nodeIds.length,
      racks: nodeIds.map((nodeId) => racks[nodeId]!),
      logger,
      settings: {
        'cluster.id': CLUSTER_ID,
        'process.roles': 'broker,controller',
        'node.id': '1',
        listeners: `PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:${controllerPort}`,
        'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
        'controller.listener.names': 'CONTROLLER',
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
        ...brokersSettings,
      },
    })
    return new OttlaBrokers(brokers, errors)
  }

  async stop(nodeId: number): Promise<void> {
    await this.#brokers.broker(nodeId).stop()
    this.running.delete(nodeId)
  }

  async kill(nodeId: number): Promise<void> {
    await this.#brokers.broker(nodeId).kill()
    this.running.delete(nodeId)
  }

  async start(nodeId: number): Promise<void> {
    await this.#brokers.broker(nodeId).start()
    this.running.add(nodeId)
  }

  dispose(): Promise<void> {
    return this.#brokers.close()
  }
}
