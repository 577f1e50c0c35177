import { ByteReader } from '../../protocol/byte-reader.ts'
import { decode } from '../../protocol/codegen.ts'
import { readResponseHeader } from '../../protocol/headers.ts'
import type { ApiSchema, Fields, InputValue, ValueOf } from '../../protocol/schema.ts'
import { Cluster } from '../../src/cluster.ts'
import { startSettingsOf } from '../../src/config/start-settings.ts'
import {
  type SimulatedClient,
  type SimulatedConnection,
  SimulatedTransport,
} from '../../src/network/simulated-transport.ts'
import type { Logger } from '../../src/observe/logger.ts'
import { SimulatedCrash } from '../../storage/host/faulty-files.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { requestFrame } from '../raw-client.ts'
import { check } from './storage-model.ts'

const PORT = 9092

/** Error of a client whose broker ended before it answered. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

/** A whole broker on a simulated machine, which can be ended and started again on the same disk. */
export class SimulatedBroker {
  readonly #host: SimulatedHost
  readonly #settings: ReadonlyMap<string, string>
  readonly #logger: Logger
  #broker!: Cluster
  #transport!: SimulatedTransport
  /** True after a start and until a stop begins. */
  #isServing = false
  /** Rejects the outstanding requests of this run. */
  #waiting = new Set<(error: ConnectionLost) => void>()
  /** Callbacks of connected clients for the end of the broker. */
  readonly #connected = new Set<() => void>()

  constructor(host: SimulatedHost, settings: Readonly<Record<string, string>>, logger: Logger) {
    this.#host = host
    this.#settings = new Map(Object.entries({ 'log.dirs': '/data', listeners: `PLAINTEXT://:${PORT}`, ...settings }))
    this.#logger = logger
  }

  /** Throws if the start takes longer than the limit, in virtual time. */
  async start(limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.#transport = new SimulatedTransport(this.#host.timers)
    this.#broker = new Cluster(startSettingsOf(this.#settings), this.#host, this.#transport, this.#logger)
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

  /**
   * Opens a simulated network connection. Throws ConnectionLost if the broker is down. The client's onClose is called
   * once, when either side or the broker's end closes it.
   */
  connect(client: SimulatedClient, port = PORT): SimulatedConnection {
    if (!this.isServing) throw new ConnectionLost()
    const gone = () => {
      if (this.#connected.delete(gone)) client.onClose()
    }
    this.#connected.add(gone)
    return this.#transport.connect(port, { onBytes: (chunk) => client.onBytes(chunk), onClose: gone })
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
