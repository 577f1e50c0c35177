import type { BufferPool } from '../../protocol/buffer-pool.ts'
import type { Host, Timer } from '../../storage/host/host.ts'
import { openLimits } from '../../storage/open-limits.ts'
import type { Logger } from '../observe/logger.ts'
import type { Exchange } from '../request/exchange.ts'
import { type AddressLimitSettings, AddressLimits } from './address-limits.ts'
import type { BytesInFlight } from './bytes-in-flight.ts'
import { Connection, type ConnectionParts } from './connection.ts'
import { CreationRate } from './creation-rate.ts'
import type { QueuedRequests } from './queued-requests.ts'
import type { Peer, PeerHandler } from './transport.ts'
import { TurnShares } from './turn-shares.ts'
import { WaitingRoom } from './waiting-room.ts'

/** Limits that can be set for each listener (`listener.name.x.`); the default is the broker's limit. */
export interface ListenerLimits {
  /** max.connections. */
  readonly maxConnections: number
  /** max.connection.creation.rate, connections per second. */
  readonly maxConnectionCreationRate: number
}

/** Connection limits under their Kafka names. Read again on each use, since they may change. */
export interface ConnectionLimits extends ListenerLimits, AddressLimitSettings {
  /** connections.max.idle.ms; negative: connections are never closed as idle. */
  readonly connectionsMaxIdleMs: number
  /** socket.request.max.bytes. */
  readonly socketRequestMaxBytes: number
  /** socket.listen.backlog.size. */
  readonly socketListenBacklogSize: number
  /** quota.window.num: number of windows for the connection creation rate. */
  readonly quotaWindowNum: number
  /** quota.window.size.seconds: length of a window. */
  readonly quotaWindowSizeSeconds: number
}

/** No limit: the default of max.connection.creation.rate. */
const UNLIMITED_RATE = 2 ** 31 - 1

/** Checks for idle connections in one connections.max.idle.ms. */
const SWEEPS_PER_IDLE_TIME = 10
const LONGEST_SWEEP_MS = 60_000

/** State of one listener. */
interface ListenerState {
  count: number
  readonly rate: CreationRate
  readonly room: WaitingRoom
}

/** All connections of one broker. */
export class Connections {
  readonly #connections = new Set<Connection>()
  readonly #countsByHost = new Map<string, number>()
  readonly #host: Host
  readonly #logger: Logger
  readonly #pool: BufferPool
  readonly #budget: BytesInFlight
  readonly #queued: QueuedRequests
  readonly #limits: () => ConnectionLimits
  readonly #listenerLimits: (listener: string) => ListenerLimits
  readonly #addressLimits: AddressLimits
  readonly #turns: TurnShares
  readonly #listeners = new Map<string, ListenerState>()
  readonly #creationRate = new CreationRate()
  /** Connections that the process's open-file limit leaves room for. */
  readonly #openLimit: number
  readonly #dispatch: (exchange: Exchange) => void
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
    lookUp: (host: string) => Promise<readonly string[]>
    dispatch: (exchange: Exchange) => void
  }) {
    this.#host = parts.host
    this.#logger = parts.logger
    this.#pool = parts.pool
    this.#budget = parts.budget
    this.#queued = parts.queued
    this.#limits = parts.limits
    this.#listenerLimits = parts.listenerLimits
    this.#addressLimits = new AddressLimits({ settings: parts.limits, lookUp: parts.lookUp, logger: parts.logger })
    this.#openLimit = openLimits(parts.host.files.openLimit).connections
    this.#dispatch = parts.dispatch
    this.#turns = new TurnShares(parts.host.timers)
  }

  get count(): number {
    return this.#connections.size
  }

  /** Resolves the host names in max.connections.per.ip.overrides if the setting has changed. */
  refresh(): Promise<void> {
    return this.#addressLimits.refresh()
  }

  /**
   * Accepts a peer of a listener once max.connection.creation.rate allows it. Closes the peer if another limit is
   * exceeded.
   */
  accept(listener: string, peer: Peer): PeerHandler {
    const { room } = this.#listener(listener)
    if (room.isEmpty && this.#rateBounds(listener).every((bound) => bound >= UNLIMITED_RATE))
      return this.#admit(listener, peer)
    const refusal = this.#limitReached(listener) ?? this.#openLimitReached()
    return refusal === undefined ? room.enter(peer) : this.#refuse(peer, refusal)
  }

  #limitReached(listener: string): string | undefined {
    const { socketListenBacklogSize: backlog } = this.#limits()
    if (this.#listener(listener).room.size < backlog) return undefined
    const bound = Math.min(...this.#rateBounds(listener))
    return `max.connection.creation.rate=${bound} is reached, and socket.listen.backlog.size=${backlog} others wait`
  }

  #admit(listener: string, peer: Peer): PeerHandler {
    const refusal = this.#refusal(listener, peer.remoteAddress)
    if (refusal !== undefined) return this.#refuse(peer, refusal)
    const state = this.#listener(listener)
    const connection = new Connection(this.#describe(listener, peer), peer, this.#parts(state, peer.remoteAddress))
    this.#connections.add(connection)
    state.count++
    this.#countsByHost.set(peer.remoteAddress, (this.#countsByHost.get(peer.remoteAddress) ?? 0) + 1)
    this.#scheduleSweep()
    return connection
  }

  #listener(name: string): ListenerState {
    let state = this.#listeners.get(name)
    if (state === undefined) {
      const room = new WaitingRoom({
        timers: this.#host.timers,
        delayMs: () => this.#creationDelayMs(name),
        admit: (peer) => this.#admit(name, peer),
      })
      state = { count: 0, rate: new CreationRate(), room }
      this.#listeners.set(name, state)
    }
    return state
  }

  #rateBounds(listener: string): readonly [broker: number, listener: number] {
    return [this.#limits().maxConnectionCreationRate, this.#listenerLimits(listener).maxConnectionCreationRate]
  }

  #creationDelayMs(listener: string): number {
    const { quotaWindowNum, quotaWindowSizeSeconds } = this.#limits()
    const windows = { count: quotaWindowNum, sizeMs: quotaWindowSizeSeconds * 1000 }
    const nowMs = this.#host.clock.monotonicMs()
    const [brokerBound, listenerBound] = this.#rateBounds(listener)
    return Math.max(
      this.#creationRate.record(nowMs, brokerBound, windows),
      this.#listener(listener).rate.record(nowMs, listenerBound, windows),
    )
  }

  #refusal(listener: string, address: string): string | undefined {
    const { maxConnections } = this.#limits()
    if (this.#connections.size >= maxConnections) return `max.connections=${maxConnections} is reached`
    const own = this.#listenerLimits(listener).maxConnections
    if (this.#listener(listener).count >= own) return `max.connections=${own} of the listener ${listener} is reached`
    const openLimitReached = this.#openLimitReached()
    if (openLimitReached !== undefined) return openLimitReached
    const { setting, count } = this.#addressLimits.of(address)
    return (this.#countsByHost.get(address) ?? 0) < count
      ? undefined
      : `${setting} allows ${address} ${count} ${count === 1 ? 'connection' : 'connections'}`
  }

  /** Peers in waiting rooms count: they have a socket already. */
  #openLimitReached(): string | undefined {
    const waiting = [...this.#listeners.values()].reduce((sum, { room }) => sum + room.size, 0)
    if (this.#connections.size + waiting < this.#openLimit) return undefined
    return `the process may have ${this.#host.files.openLimit} files open, which leaves room for ${this.#openLimit} connections: raise the limit with ulimit -n`
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

  #parts(listener: ListenerState, host: string): ConnectionParts {
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
      closed: (connection) => this.#closed(connection, listener, host),
    }
  }

  #closed(connection: Connection, listener: ListenerState, host: string): void {
    if (!this.#connections.delete(connection)) return
    listener.count--
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
    for (const { room } of this.#listeners.values()) room.close()
    for (const connection of [...this.#connections]) connection.close()
  }
}
