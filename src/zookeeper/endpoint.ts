import type { Host } from '../../storage/host/host.ts'
import type { Listening, Peer, PeerHandler, Transport } from '../network/transport.ts'
import type { Logger } from '../observe/logger.ts'
import type { BrokerNodes } from './broker-nodes.ts'
import { ClientConnection } from './connection.ts'
import { answerToWord } from './four-letter-words.ts'
import { limits } from './limits.ts'
import type { NodeStore } from './node-store.ts'
import { ZooKeeperServer } from './server.ts'
import { Traffic } from './traffic.ts'
import type { Word } from './word-names.ts'

/** Where and with what an endpoint serves ZooKeeper's clients. */
export interface ZooKeeperEndpointOptions {
  readonly host: Pick<Host, 'clock' | 'timers' | 'random' | 'fatal'>
  readonly transport: Pick<Transport, 'listen'>
  readonly logger: Logger
  readonly store: NodeStore
  /** Undefined: all nodes belong to clients. */
  readonly nodes?: BrokerNodes | undefined
  /** Path below which the broker's nodes are; '' is the root. */
  readonly chroot?: string
  /** No smaller zxid is given to a change. */
  readonly firstZxid?: number
  /** Shown to clients that ask where nodes are stored. */
  readonly dataDirectory?: string
}

/** Connections waiting to be accepted. Source: NIOServerCnxnFactory, Java's default. */
const BACKLOG = 50

/** Speaks ZooKeeper's client protocol, as Apache ZooKeeper 3.5 does on one machine. */
export class ZooKeeperEndpoint {
  readonly #options: ZooKeeperEndpointOptions
  readonly #server: ZooKeeperServer
  readonly #traffic = new Traffic()
  readonly #connections = new Set<ClientConnection>()
  #listening: Listening | undefined

  constructor(options: ZooKeeperEndpointOptions) {
    this.#options = options
    this.#server = new ZooKeeperServer(options)
    this.#server.onLost = () => this.#dropAll()
  }

  /** Starts to listen; nothing else is done before a client connects. Rejects as Transport.listen does. Returns the port. */
  async listen(host: string, port: number): Promise<number> {
    const endpoint = { host, port, backlog: BACKLOG }
    this.#listening = await this.#options.transport.listen(endpoint, (peer) => this.accept(peer))
    return this.#listening.port
  }

  /** Serves a connection. */
  accept(peer: Peer): PeerHandler {
    if (this.#connections.size >= limits.connections) {
      this.#server.warnings.warn({}, `ZooKeeper clients are refused: there are ${limits.connections} connections`)
      peer.destroy()
      return { onBytes() {}, onClose() {} }
    }
    const connection: ClientConnection = new ClientConnection(peer, {
      host: this.#options.host,
      server: this.#server,
      traffic: this.#traffic,
      answerWord: (word, rest, asker) => answerToWord(word as Word, rest, this.#facts(), asker),
      onClosed: (closed) => this.#connections.delete(closed),
    })
    this.#connections.add(connection)
    return connection
  }

  /** Stops listening and drops all clients. */
  async stop(): Promise<void> {
    await this.#listening?.close()
    this.#listening = undefined
    this.#server.unload()
    this.#dropAll()
  }

  #dropAll(): void {
    for (const connection of [...this.#connections]) connection.drop()
  }

  #facts() {
    const { clock } = this.#options.host
    return {
      server: this.#server,
      traffic: this.#traffic,
      connections: this.#connections,
      port: this.#listening?.port ?? 0,
      dataDirectory: this.#options.dataDirectory ?? '',
      hostName: this.#listening?.host ?? '',
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
    }
  }
}
