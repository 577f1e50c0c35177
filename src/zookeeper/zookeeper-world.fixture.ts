import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import { SimulatedTransport } from '../network/simulated-transport.ts'
import type { Logger } from '../observe/logger.ts'
import { ZooKeeperEndpoint, type ZooKeeperEndpointOptions } from './endpoint.ts'
import { MemoryNodeStore } from './memory-node-store.fixture.ts'
import type { Stat } from './node-state.ts'
import { opCodes } from './op-codes.ts'
import { bodies, type Connected, type ConnectOptions, readStat, TestClient } from './test-client.fixture.ts'

const PORT = 2181

/** An endpoint in virtual time, and clients of it. */
export class ZooKeeperWorld {
  readonly host: SimulatedHost
  readonly transport: SimulatedTransport
  readonly store: MemoryNodeStore
  readonly complaints: string[] = []
  endpoint!: ZooKeeperEndpoint

  constructor(host = new SimulatedHost(1), store = new MemoryNodeStore()) {
    this.host = host
    this.store = store
    this.transport = new SimulatedTransport(host.timers)
  }

  async start(options: Partial<ZooKeeperEndpointOptions> = {}): Promise<this> {
    const complain = (fields: object, message: string) => {
      const { err } = fields as { err?: Error }
      this.complaints.push(err === undefined ? message : `${message}: ${err.message}`)
    }
    const logger: Logger = { error: complain, warn: complain, info() {}, debug() {} }
    const { host, transport, store } = this
    this.endpoint = new ZooKeeperEndpoint({ host, transport, store, logger, ...options })
    await this.host.settle(this.endpoint.listen('localhost', PORT))
    return this
  }

  dial(): Promise<TestClient> {
    return dial(this.transport, PORT)
  }

  /** A client with a session. */
  client(options: ConnectOptions = {}): Promise<WorldClient> {
    return openClient(this.host, this.transport, PORT, options)
  }
}

function dial(transport: SimulatedTransport, port: number): Promise<TestClient> {
  return TestClient.dial((client) => {
    const connection = transport.connect(port, client)
    return { send: (bytes) => connection.send(bytes), close: () => connection.close() }
  })
}

/** A client with a session at an endpoint in virtual time. */
export async function openClient(
  host: SimulatedHost,
  transport: SimulatedTransport,
  port = PORT,
  options: ConnectOptions = {},
): Promise<WorldClient> {
  const client = await dial(transport, port)
  const connected = await host.settle(client.connect(options))
  if (connected === undefined) throw new Error('the connection was closed')
  return new WorldClient(host, client, connected)
}

/** A client whose calls let virtual time pass. Results are the error's name, or what the answer has. */
export class WorldClient {
  readonly raw: TestClient
  readonly session: Connected
  readonly #host: SimulatedHost

  constructor(host: SimulatedHost, raw: TestClient, session: Connected) {
    this.#host = host
    this.raw = raw
    this.session = session
  }

  get events(): string[] {
    return this.raw.events
  }

  call(type: number, body?: Buffer, xid?: number) {
    return this.#host.settle(this.raw.call(type, body, xid))
  }

  /** The path or the error. */
  async create(path: string, data: string | null = '', flags = 0, acl?: Parameters<typeof bodies.create>[2]) {
    const { error, body } = await this.call(opCodes.create, bodies.create(path, data, acl, flags))
    return error === 'OK' ? body.string() : error
  }

  async remove(path: string, version = -1): Promise<string> {
    return (await this.call(opCodes.delete, bodies.pathAndVersion(path, version))).error
  }

  async set(path: string, data: string, version = -1): Promise<Stat | string> {
    const { error, body } = await this.call(opCodes.setData, bodies.setData(path, data, version))
    return error === 'OK' ? readStat(body) : error
  }

  async exists(path: string, watch = false): Promise<Stat | string> {
    const { error, body } = await this.call(opCodes.exists, bodies.pathAndWatch(path, watch))
    return error === 'OK' ? readStat(body) : error
  }

  /** The data, or the error. */
  async get(path: string, watch = false): Promise<string | null> {
    const { error, body } = await this.call(opCodes.getData, bodies.pathAndWatch(path, watch))
    return error === 'OK' ? body.string() : error
  }

  /** Names in order, or the error. */
  async children(path: string, watch = false): Promise<string[] | string> {
    const { error, body } = await this.call(opCodes.getChildren, bodies.pathAndWatch(path, watch))
    return error === 'OK' ? body.vector(4, (reader) => reader.string()!)!.sort() : error
  }

  async end(): Promise<string> {
    return (await this.call(opCodes.closeSession)).error
  }
}
