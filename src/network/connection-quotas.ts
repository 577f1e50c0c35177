import type { Clock } from '../../storage/host/host.ts'
import type { AddressLimits } from './address-limits.ts'
import { CreationRate } from './creation-rate.ts'

/** Limits that can be set for each listener (`listener.name.x.`); the default is the broker's limit. */
export interface ListenerLimits {
  /** max.connections. */
  readonly maxConnections: number
  /** max.connection.creation.rate, connections per second. */
  readonly maxConnectionCreationRate: number
}

/** Limits of the whole broker under their Kafka names. Read again on each use, since they may change. */
export interface ConnectionQuotaSettings extends ListenerLimits {
  /** quota.window.num: number of windows for the connection creation rate. */
  readonly quotaWindowNum: number
  /** quota.window.size.seconds: length of a window. */
  readonly quotaWindowSizeSeconds: number
}

export interface ConnectionQuotasParts {
  readonly clock: Clock
  readonly limits: () => ConnectionQuotaSettings
  readonly listenerLimits: (listener: string) => ListenerLimits
  readonly addressLimits: AddressLimits
  /**
   * Listener for connections between brokers, exempt from the limits of the whole broker; undefined if it is the only
   * listener.
   */
  readonly protectedListener: string | undefined
  /** Listeners of the controller, whose connections are counted by themselves: in Kafka it has its own server. */
  readonly controllerListeners: ReadonlySet<string>
}

/** No limit: the default of max.connection.creation.rate. */
const UNLIMITED_RATE = 2 ** 31 - 1

/** Counts connections and compares them with the limits. Source: SocketServer.ConnectionQuotas. */
export class ConnectionQuotas {
  readonly #parts: ConnectionQuotasParts
  readonly #countsByHost = { broker: new Map<string, number>(), controller: new Map<string, number>() }
  readonly #countsByListener = new Map<string, number>()
  readonly #rates = new Map<string, CreationRate>()
  readonly #brokerRate = new CreationRate()
  #count = 0

  constructor(parts: ConnectionQuotasParts) {
    this.#parts = parts
  }

  add(listener: string, address: string): void {
    if (!this.#isController(listener)) this.#count++
    increase(this.#countsByListener, listener)
    increase(this.#countsByHostAt(listener), address)
  }

  remove(listener: string, address: string): void {
    if (!this.#isController(listener)) this.#count--
    decrease(this.#countsByListener, listener)
    decrease(this.#countsByHostAt(listener), address)
  }

  /** Counts a new connection of the listener. Returns the milliseconds it must wait to keep the creation rates. */
  creationDelayMs(listener: string): number {
    const { quotaWindowNum, quotaWindowSizeSeconds } = this.#parts.limits()
    const windows = { count: quotaWindowNum, sizeMs: quotaWindowSizeSeconds * 1000 }
    const nowMs = this.#parts.clock.monotonicMs()
    const own = this.#rateOf(listener).record(nowMs, this.#listenerLimits(listener).maxConnectionCreationRate, windows)
    if (this.isProtected(listener)) return own
    return Math.max(own, this.#brokerRate.record(nowMs, this.#parts.limits().maxConnectionCreationRate, windows))
  }

  hasCreationRate(listener: string): boolean {
    return this.#creationRate(listener) < UNLIMITED_RATE
  }

  /** The limit why a new connection of the listener has to wait for another one to end; undefined: it need not. */
  reachedBy(listener: string): string | undefined {
    const { maxConnections } = this.#parts.limits()
    if (!this.isProtected(listener) && this.#count >= maxConnections) return `max.connections=${maxConnections}`
    const own = this.#listenerLimits(listener).maxConnections
    if ((this.#countsByListener.get(listener) ?? 0) < own) return undefined
    return `max.connections=${own} of the listener ${listener}`
  }

  /** The limit for which connections of the listener wait at the moment; of several the first that they wait for. */
  waitsFor(listener: string): string {
    return this.reachedBy(listener) ?? `max.connection.creation.rate=${this.#creationRate(listener)}`
  }

  /**
   * Connections above max.connections of the broker: the limit was lowered, or the protected listener took one more.
   * They are closed on the other listeners.
   */
  get excessCount(): number {
    return Math.max(0, this.#count - this.#parts.limits().maxConnections)
  }

  /** True if the limits of the whole broker do not apply to the listener. */
  isProtected(listener: string): boolean {
    return listener === this.#parts.protectedListener || this.#isController(listener)
  }

  /** The reason to close one more connection of the address to the listener; undefined if it is allowed. */
  refusal(listener: string, address: string): string | undefined {
    const { setting, count } = this.#parts.addressLimits.of(address)
    if ((this.#countsByHostAt(listener).get(address) ?? 0) < count) return undefined
    return `${setting} allows ${address} ${count} ${count === 1 ? 'connection' : 'connections'}`
  }

  #countsByHostAt(listener: string): Map<string, number> {
    return this.#countsByHost[this.#isController(listener) ? 'controller' : 'broker']
  }

  #isController(listener: string): boolean {
    return this.#parts.controllerListeners.has(listener)
  }

  #listenerLimits(listener: string): ListenerLimits {
    return this.#parts.listenerLimits(listener)
  }

  #creationRate(listener: string): number {
    const own = this.#listenerLimits(listener).maxConnectionCreationRate
    return this.isProtected(listener) ? own : Math.min(own, this.#parts.limits().maxConnectionCreationRate)
  }

  #rateOf(listener: string): CreationRate {
    let rate = this.#rates.get(listener)
    if (rate === undefined) {
      rate = new CreationRate()
      this.#rates.set(listener, rate)
    }
    return rate
  }
}

function increase(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function decrease(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 1) - 1
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
