import type { BufferPool } from '../../protocol/buffer-pool.ts'
import type { Host, Timer } from '../../storage/host/host.ts'
import { openLimits } from '../../storage/open-limits.ts'
import type { Logger } from '../observe/logger.ts'
import type { Exchange } from '../request/exchange.ts'
import type { BytesInFlight } from './bytes-in-flight.ts'
import { Connection, type ConnectionParts } from './connection.ts'
import type { Peer, PeerHandler } from './transport.ts'

/** Limits on connections, under their Kafka names; read anew on each use, since they may change while we run. */
export interface ConnectionLimits {
  /** max.connections. */
  readonly maxConnections: number
  /** max.connections.per.ip. */
  readonly maxConnectionsPerIp: number
  /** connections.max.idle.ms; negative: connections never count as idle. */
  readonly connectionsMaxIdleMs: number
  /** socket.request.max.bytes. */
  readonly socketRequestMaxBytes: number
}

/** Idle connections are looked for this many times in the allowed idle time. */
const SWEEPS_PER_IDLE_TIME = 10
const LONGEST_SWEEP_MS = 60_000

/** All connections of one broker. */
export class Connections {
  readonly #connections = new Set<Connection>()
  readonly #countsByHost = new Map<string, number>()
  readonly #host: Host
  readonly #logger: Logger
  readonly #pool: BufferPool
  readonly #budget: BytesInFlight
  readonly #limits: () => ConnectionLimits
  /** What the process may open leaves room for so many. */
  readonly #openLimit: number
  readonly #dispatch: (exchange: Exchange) => void
  #created = 0
  #sweep: Timer | undefined

  constructor(parts: {
    host: Host
    logger: Logger
    pool: BufferPool
    budget: BytesInFlight
    limits: () => ConnectionLimits
    dispatch: (exchange: Exchange) => void
  }) {
    this.#host = parts.host
    this.#logger = parts.logger
    this.#pool = parts.pool
    this.#budget = parts.budget
    this.#limits = parts.limits
    this.#openLimit = openLimits(parts.host.files.openLimit).connections
    this.#dispatch = parts.dispatch
  }

  get count(): number {
    return this.#connections.size
  }

  /** Takes in a peer that connected to a listener. Beyond a limit it is closed at once. */
  accept(listener: string, peer: Peer): PeerHandler {
    const refusal = this.#refusal(peer.remoteAddress)
    if (refusal !== undefined) return this.#refuse(peer, refusal)
    const connection = new Connection(this.#describe(listener, peer), peer, this.#parts(peer.remoteAddress))
    this.#connections.add(connection)
    this.#countsByHost.set(peer.remoteAddress, (this.#countsByHost.get(peer.remoteAddress) ?? 0) + 1)
    this.#scheduleSweep()
    return connection
  }

  #refusal(host: string): string | undefined {
    const { maxConnections, maxConnectionsPerIp } = this.#limits()
    if (this.#connections.size >= maxConnections) return `max.connections=${maxConnections} is reached`
    if (this.#connections.size >= this.#openLimit)
      return `the process may have ${this.#host.files.openLimit} files open, which leaves room for ${this.#openLimit} connections: raise the limit with ulimit -n`
    if ((this.#countsByHost.get(host) ?? 0) < maxConnectionsPerIp) return undefined
    return `max.connections.per.ip=${maxConnectionsPerIp} is reached`
  }

  #refuse(peer: Peer, refusal: string): PeerHandler {
    const client = `${peer.remoteAddress}:${peer.remotePort}`
    this.#logger.warn({ client }, `refused the connection of ${client}: ${refusal}`)
    peer.destroy()
    return { onBytes() {}, onClose() {} }
  }

  #describe(listener: string, peer: Peer) {
    const { remoteAddress, remotePort, localAddress, localPort } = peer
    return {
      // As Kafka composes it; the last number makes it unique where ports are used again.
      id: `${localAddress}:${localPort}-${remoteAddress}:${remotePort}-${this.#created++}`,
      listener,
      principal: 'User:ANONYMOUS',
      clientHost: remoteAddress,
      clientPort: remotePort,
      localAddress,
      localPort,
      clientSoftware: { name: '', version: '' },
    }
  }

  #parts(host: string): ConnectionParts {
    return {
      pool: this.#pool,
      budget: this.#budget,
      logger: this.#logger,
      requestLimitBytes: this.#limits().socketRequestMaxBytes,
      dispatch: this.#dispatch,
      monotonicMs: () => this.#host.clock.monotonicMs(),
      closed: (connection) => this.#closed(connection, host),
    }
  }

  #closed(connection: Connection, host: string): void {
    if (!this.#connections.delete(connection)) return
    const count = (this.#countsByHost.get(host) ?? 1) - 1
    if (count === 0) this.#countsByHost.delete(host)
    else this.#countsByHost.set(host, count)
  }

  #scheduleSweep(): void {
    const { connectionsMaxIdleMs } = this.#limits()
    if (this.#sweep !== undefined || connectionsMaxIdleMs < 0) return
    const delayMs = Math.min(LONGEST_SWEEP_MS, Math.ceil(connectionsMaxIdleMs / SWEEPS_PER_IDLE_TIME))
    this.#sweep = this.#host.timers.after(delayMs, () => {
      this.#sweep = undefined
      this.#closeIdle(connectionsMaxIdleMs)
      if (this.#connections.size > 0) this.#scheduleSweep()
    })
  }

  #closeIdle(connectionsMaxIdleMs: number): void {
    const before = this.#host.clock.monotonicMs() - connectionsMaxIdleMs
    for (const connection of this.#connections) {
      if (connection.idleSinceMs() > before) continue
      this.#logger.debug({ connection: connection.info.id }, 'closed a connection that was idle for too long')
      connection.close()
    }
  }

  closeAll(): void {
    this.#sweep?.cancel()
    this.#sweep = undefined
    for (const connection of [...this.#connections]) connection.close()
  }
}
