import { ByteReader } from '../../protocol/byte-reader.ts'
import { decode } from '../../protocol/codegen.ts'
import { readResponseHeader } from '../../protocol/headers.ts'
import type { ApiSchema, Fields, InputValue, ValueOf } from '../../protocol/schema.ts'
import { Cluster } from '../../src/cluster.ts'
import { startSettingsOf } from '../../src/config/start-settings.ts'
import type { PartitionImage } from '../../src/metadata/metadata-image.ts'
import {
  type SimulatedClient,
  type SimulatedConnection,
  SimulatedTransport,
} from '../../src/network/simulated-transport.ts'
import type { Logger } from '../../src/observe/logger.ts'
import { SimulatedCrash } from '../../storage/host/faulty-files.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { requestFrame } from '../raw-client.ts'
import type { NetworkFaults } from './network-faults.ts'
import { check } from './storage-model.ts'

const PORT = 9092
/** Node id of the first broker. */
export const FIRST_NODE = 1

/** A client's side of a connection. wasCut: the network ended it. */
export type ClientConnection = SimulatedConnection & { readonly wasCut?: boolean }

/** Error of a client whose broker ended before it answered. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

/** The brokers of a run; left out: one, whose connections are in order. */
export interface SeveralBrokers {
  /** The cluster may have more than one. */
  readonly isSeveral: boolean
  /** Of brokers in turn; empty: they have none. */
  readonly racks: readonly string[]
  readonly network: NetworkFaults | undefined
  readonly random: SeededRandom
}

/**
 * A whole broker on a simulated machine, or several in one process. The process can be ended and started again on the
 * same disk.
 */
export class SimulatedBroker {
  readonly #host: SimulatedHost
  readonly #settings: ReadonlyMap<string, string>
  readonly #logger: Logger
  readonly #several: SeveralBrokers | undefined
  /** Number of brokers at the next start. */
  brokerCount = 1
  /** The highest node id of a broker that was ever added. */
  #highestAdded = 0
  #broker!: Cluster
  #transport!: SimulatedTransport
  /** True after a start and until a stop begins. */
  #isServing = false
  /** Rejects the outstanding requests of this run. */
  #waiting = new Set<(error: ConnectionLost) => void>()
  /** Callbacks of connected clients for the end of the broker. */
  readonly #connected = new Set<() => void>()

  constructor(
    host: SimulatedHost,
    settings: Readonly<Record<string, string>>,
    logger: Logger,
    several?: SeveralBrokers,
  ) {
    this.#host = host
    this.#several = several
    this.#settings = new Map(Object.entries({ 'log.dirs': '/data', listeners: `PLAINTEXT://:${PORT}`, ...settings }))
    this.#logger = logger
  }

  /** Throws if the start takes longer than the limit, in virtual time. */
  async start(limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.#transport = new SimulatedTransport(this.#host.timers)
    const settings = new Map(this.#settings)
    if (this.isSeveral) settings.set('num.brokers', String(this.brokerCount))
    const racks = this.#several?.racks ?? []
    const rackOf = (_: unknown, index: number) => racks[index % racks.length]
    if (racks.length > 0) settings.set('broker.racks', Array.from({ length: this.brokerCount }, rackOf).join())
    this.#broker = new Cluster(startSettingsOf(settings), this.#host, this.#transport, this.#logger)
    await this.#host.settle(this.#within(limitMs, this.#broker.start()))
    this.#isServing = true
  }

  #within(limitMs: number, started: Promise<void>): Promise<void> {
    if (limitMs === Number.POSITIVE_INFINITY) return started
    return new Promise((resolve, reject) => {
      const tooLate = this.#host.timers.after(limitMs, () => reject(new Error(`no start within ${limitMs} ms`)))
      started.then(resolve, reject).finally(() => tooLate.cancel())
    })
  }

  /** True while clients must get responses. */
  get isServing(): boolean {
    return this.#isServing && !this.#host.files.crashed
  }

  get isSeveral(): boolean {
    return this.#several?.isSeveral === true
  }

  /** The running brokers of this process. Throws before the first start. */
  get cluster(): Cluster {
    return this.#broker
  }

  /** True while clients of this broker must get responses. */
  serves(nodeId: number): boolean {
    if (!this.isSeveral) return this.isServing
    return this.isServing && this.#broker.brokers.running.has(nodeId)
  }

  /** Node ids of the running brokers. */
  get running(): number[] {
    return this.isServing ? [...this.#broker.brokers.running.keys()] : []
  }

  /** A running broker. Throws ConnectionLost if none runs. */
  get anyNode(): number {
    if (!this.isSeveral) return FIRST_NODE
    const { running } = this
    if (running.length === 0) throw new ConnectionLost()
    return this.#several!.random.pick(running)
  }

  /** The partition's leader if it runs. */
  leaderOf(topic: string, partition: number): number | undefined {
    if (!this.isSeveral) return FIRST_NODE
    const leader = this.partitionOf(topic, partition)?.leader ?? -1
    return this.serves(leader) ? leader : undefined
  }

  /** The partition in the metadata of the cluster. */
  partitionOf(topic: string, partition: number): PartitionImage | undefined {
    return this.#broker.metadata.image.topicsByName.get(topic)?.partitions[partition]
  }

  /** Kills or stops one broker of the cluster. */
  endOne(nodeId: number, how: 'kill' | 'stop'): Promise<void> {
    const { brokers } = this.#broker
    return this.#host.settle(how === 'kill' ? brokers.kill(nodeId) : brokers.stop(nodeId))
  }

  startOne(nodeId: number): Promise<void> {
    return this.#host.settle(this.#broker.brokers.start(nodeId))
  }

  /** Adds a broker, and starts it. Returns its node id. */
  async addOne(rack: string | undefined): Promise<number> {
    const nodeId = await this.#host.settle(this.#broker.brokers.add(rack))
    this.#highestAdded = Math.max(this.#highestAdded, nodeId)
    return nodeId
  }

  /** Stops a broker if it runs, and removes it from the cluster. */
  removeOne(nodeId: number): Promise<void> {
    return this.#host.settle(this.#broker.brokers.remove(nodeId))
  }

  /** Null: none, or there is no such broker. */
  rackOf(nodeId: number): string | null {
    return this.#broker.metadata.image.brokers.get(nodeId)?.rack ?? null
  }

  /** At least that many brokers, and all that were ever added: some of them may have the only replica of a partition. */
  startWithAll(brokerCount: number): void {
    this.brokerCount = Math.max(brokerCount, this.#highestAdded)
  }

  /** Opens a connection to a broker of the cluster, which may fail unless it is reliable. Throws like `connect`. */
  connectTo(nodeId: number, client: SimulatedClient, { isReliable = false } = {}): ClientConnection {
    if (!this.serves(nodeId)) throw new ConnectionLost()
    const { port } = this.#broker.brokers.addressesOf(nodeId)[0]!
    const network = this.#several?.network
    if (network === undefined || isReliable) return this.connect(client, port)
    return this.#registered(client, (outer) => network.connect(outer, (inner) => this.#transport.connect(port, inner)))
  }

  /**
   * Opens a simulated network connection. Throws ConnectionLost if the broker is down. The client's onClose is called
   * once, when either side or the broker's end closes it.
   */
  connect(client: SimulatedClient, port = PORT): SimulatedConnection {
    if (!this.isServing) throw new ConnectionLost()
    return this.#registered(client, (outer) => this.#transport.connect(port, outer))
  }

  #registered<C>(client: SimulatedClient, open: (client: SimulatedClient) => C): C {
    const gone = () => {
      if (this.#connected.delete(gone)) client.onClose()
    }
    this.#connected.add(gone)
    return open({ onBytes: (chunk) => client.onBytes(chunk), onClose: gone })
  }

  /** Ends the run: a clean stop, the end of the process, or a power loss in which unsynced data is lost. */
  async end(how: 'stop' | 'process' | 'power'): Promise<void> {
    this.#isServing = false
    if (how === 'stop') await this.#host.settle(this.#broker.stop())
    for (const gone of [...this.#connected]) gone()
    for (const lose of this.#waiting) lose(new ConnectionLost())
    this.#waiting.clear()
    this.#host.crash()
    if (how === 'power') this.#host.memory.losePower(this.#host.random)
  }

  /** Rejects with ConnectionLost if the broker ends before it answers. */
  ask<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): Promise<ValueOf<S>> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      const settle = (answer: Buffer | undefined) => {
        if (!this.#waiting.delete(reject)) return
        check(answer !== undefined, `${api.name} was not answered`)
        const reader = new ByteReader(answer)
        readResponseHeader(reader, api, version)
        resolve(decode(api.response, version, reader) as ValueOf<S>)
      }
      this.#broker.first.inject(requestFrame(api, version, request).subarray(4)).then(settle, (error) => {
        if (!this.#waiting.delete(reject)) return
        reject(error instanceof SimulatedCrash || !this.#isServing ? new ConnectionLost() : error)
      })
    })
  }
}
