import type { BufferPool } from '../../protocol/buffer-pool.ts'
import type { Host, Timer } from '../../storage/host/host.ts'
import { openLimits } from '../../storage/open-limits.ts'
import type { Logger } from '../observe/logger.ts'
import type { Exchange } from '../request/exchange.ts'
import { type AddressLimitSettings, AddressLimits } from './address-limits.ts'
import type { BytesInFlight } from './bytes-in-flight.ts'
import { Connection, type ConnectionParts } from './connection.ts'
import { type ConnectionQuotaSettings, ConnectionQuotas, type ListenerLimits } from './connection-quotas.ts'
import type { QueuedRequests } from './queued-requests.ts'
import type { Peer, PeerHandler } from './transport.ts'
import { TurnShares } from './turn-shares.ts'
import { WaitingRoom } from './waiting-room.ts'

/** Connection limits under their Kafka names. Read again on each use, since they may change. */
export interface ConnectionLimits extends ConnectionQuotaSettings, AddressLimitSettings {
  /** connections.max.idle.ms; negative: connections are never closed as idle. */
  readonly connectionsMaxIdleMs: number
  /** socket.request.max.bytes. */
  readonly socketRequestMaxBytes: number
  /** socket.listen.backlog.size. */
  readonly socketListenBacklogSize: number
}

/** Checks for idle connections in one connections.max.idle.ms. */
const SWEEPS_PER_IDLE_TIME = 10
const LONGEST_SWEEP_MS = 60_000

/** All connections of one broker. */
export class Connections {
  readonly #connections = new Set<Connection>()
  readonly #host: Host
  readonly #logger: Logger
  readonly #pool: BufferPool
  readonly #budget: BytesInFlight
  readonly #queued: QueuedRequests
  readonly #limits: () => ConnectionLimits
  readonly #addressLimits: AddressLimits
  readonly #turns: TurnShares
  readonly #quotas: ConnectionQuotas
  /** By listener. */
  readonly #rooms = new Map<string, WaitingRoom>()
  /** True while a line about full waiting rooms has been logged and peers still wait. */
  #warnedOfWaiting = false
  /** Connections that the process's open-file limit leaves room for. */
  readonly #openLimit: number
  readonly #all: Set<Connections>
  readonly #dispatch: (exchange: Exchange) => void
  readonly #tellClosed: (connectionId: string) => void
  #created = 0
  #sweep: Timer | undefined

  constructor(parts: {
    host: Host
    logger: Logger
    pool: BufferPool
    budget: BytesInFlight
    queued: QueuedRequests
    limits: () => ConnectionLimits
    listenerLimits: (listener: string) => ListenerLimits
    /** These two: see ConnectionQuotasParts. */
    protectedListener: string | undefined
    controllerListeners: ReadonlySet<string>
    lookUp: (host: string) => Promise<readonly string[]>
    dispatch: (exchange: Exchange) => void
    /** Called with the id of each connection that has closed. */
    closed?: (connectionId: string) => void
    /** All of the process, which share its open files; these are added. Left out: they are alone. */
    all?: Set<Connections>
  }) {
    this.#host = parts.host
    this.#logger = parts.logger
    this.#pool = parts.pool
    this.#budget = parts.budget
    this.#queued = parts.queued
    this.#limits = parts.limits
    this.#addressLimits = new AddressLimits({ settings: parts.limits, lookUp: parts.lookUp, logger: parts.logger })
    this.#quotas = new ConnectionQuotas({ ...parts, clock: parts.host.clock, addressLimits: this.#addressLimits })
    this.#openLimit = openLimits(parts.host.files.openLimit).connections
    this.#dispatch = parts.dispatch
    this.#tellClosed = parts.closed ?? (() => {})
    this.#turns = new TurnShares(parts.host.timers)
    this.#all = parts.all ?? new Set()
    this.#all.add(this)
  }

  /** Sockets of connections, and of peers that wait to be accepted. */
  get socketCount(): number {
    return this.#connections.size + this.#waitingCount()
  }

  get count(): number {
    return this.#connections.size
  }

  /** Applies limits that have changed. Resolves when the host names in max.connections.per.ip.overrides are resolved. */
  async refresh(): Promise<void> {
    await this.#addressLimits.refresh()
    this.#closeExcess()
    this.#admitWaiting()
  }

  /**
   * Accepts a peer of a listener once max.connections and max.connection.creation.rate allow it. Closes the peer if
   * another limit is exceeded.
   */
  accept(listener: string, peer: Peer): PeerHandler {
    const room = this.#room(listener)
    const mustWait = this.#quotas.hasCreationRate(listener) || this.#quotas.reachedBy(listener) !== undefined
    if (room.size === 0 && !mustWait) return this.#admit(listener, peer)
    const refusal = this.#roomIsFull(listener) ?? this.#openLimitReached()
    if (refusal !== undefined) return this.#refuse(peer, refusal)
    const handler = room.enter(peer)
    if (room.size > 0) this.#warnOfWaiting(listener)
    return handler
  }

  #roomIsFull(listener: string): string | undefined {
    const { socketListenBacklogSize: backlog } = this.#limits()
    if (this.#room(listener).size < backlog) return undefined
    return `${this.#quotas.waitsFor(listener)} is reached, and socket.listen.backlog.size=${backlog} connections are waiting`
  }

  #warnOfWaiting(listener: string): void {
    const limit = this.#quotas.reachedBy(listener)
    if (this.#warnedOfWaiting || limit === undefined) return
    this.#warnedOfWaiting = true
    this.#logger.warn({ listener }, `${limit} is reached: more connections get no answer until others end`)
  }

  #admit(listener: string, peer: Peer): PeerHandler {
    const refusal = this.#openLimitReached() ?? this.#quotas.refusal(listener, peer.remoteAddress)
    if (refusal !== undefined) return this.#refuse(peer, refusal)
    const connection = new Connection(this.#describe(listener, peer), peer, this.#parts())
    this.#connections.add(connection)
    this.#quotas.add(listener, peer.remoteAddress)
    this.#scheduleSweep()
    this.#closeExcess()
    return connection
  }

  #room(listener: string): WaitingRoom {
    let room = this.#rooms.get(listener)
    if (room === undefined) {
      room = new WaitingRoom({
        timers: this.#host.timers,
        delayMs: () => this.#quotas.creationDelayMs(listener),
        hasSlot: () => this.#quotas.reachedBy(listener) === undefined,
        admit: (peer) => this.#admit(listener, peer),
      })
      this.#rooms.set(listener, room)
    }
    return room
  }

  #admitWaiting(): void {
    for (const room of this.#rooms.values()) room.proceed()
    if (this.#waitingCount() === 0) this.#warnedOfWaiting = false
  }

  #waitingCount(): number {
    return [...this.#rooms.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** Closes the least recently used connections above max.connections. Source: Processor.closeExcessConnections. */
  #closeExcess(): void {
    const { excessCount } = this.#quotas
    if (excessCount === 0) return
    const reason = `max.connections=${this.#limits().maxConnections} is exceeded, and it was used least recently`
    const closable = [...this.#connections].filter(({ info }) => !this.#quotas.isProtected(info.listener))
    const leastRecentlyUsed = closable.sort((one, other) => one.lastActivityMs - other.lastActivityMs)
    for (const connection of leastRecentlyUsed.slice(0, excessCount)) connection.close(reason)
  }

  #openLimitReached(): string | undefined {
    let sockets = 0
    for (const connections of this.#all) sockets += connections.socketCount
    if (sockets < this.#openLimit) return undefined
    return `the limit of ${this.#host.files.openLimit} open files leaves room for ${this.#openLimit} connections: raise the limit with ulimit -n`
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
      // Kafka's connection id. The last number makes it unique if ports are reused.
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

  #parts(): ConnectionParts {
    return {
      pool: this.#pool,
      budget: this.#budget,
      queued: this.#queued,
      turns: this.#turns,
      logger: this.#logger,
      host: this.#host,
      requestLimitBytes: this.#limits().socketRequestMaxBytes,
      dispatch: this.#dispatch,
      monotonicMs: () => this.#host.clock.monotonicMs(),
      closed: (connection) => this.#closed(connection),
    }
  }

  #closed(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    this.#quotas.remove(connection.info.listener, connection.info.clientHost)
    this.#tellClosed(connection.info.id)
    this.#admitWaiting()
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
    for (const room of this.#rooms.values()) room.close()
    for (const connection of [...this.#connections]) connection.close()
    this.#all.delete(this)
  }
}
