import type { Clock, Random, Timer, Timers } from '../../storage/host/host.ts'
import { TICK_MS } from './limits.ts'

/** A client, beyond its connections. */
export interface Session {
  readonly id: bigint
  /** 16 bytes that the client shows when it comes back. */
  readonly password: Buffer
  /** As the connection that it uses asked for. */
  timeoutMs: number
  /** In monotonic time. */
  expiresMs: number
  /** The connection that it uses. */
  connection: SessionConnection | undefined
  isClosing: boolean
}

/** The connection of a session. */
export interface SessionConnection {
  /** Closes at once: the session has ended, or uses another connection. */
  drop(): void
}

interface SessionHost {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
}

const PASSWORD_BYTES = 16
const SHORTEST_TICKS = 2
const LONGEST_TICKS = 20

/** Who is connected, or was a moment ago. Source: SessionTrackerImpl. */
export class Sessions {
  readonly #host: SessionHost
  readonly #onExpired: (session: Session) => void
  readonly #byId = new Map<bigint, Session>()
  #nextId: bigint
  #timer: Timer | undefined
  /** When the timer fires, in monotonic time. Sessions were touched since, so that it may find nothing to end. */
  #firesMs = Number.POSITIVE_INFINITY

  constructor(host: SessionHost, onExpired: (session: Session) => void) {
    this.#host = host
    this.#onExpired = onExpired
    // The time is in it, so that ids of an earlier run are unknown. Source: SessionTrackerImpl.initializeNextSession.
    this.#nextId = ((BigInt(host.clock.nowMs()) << 24n) & 0xffff_ffff_ffff_ffffn) >> 8n
  }

  get all(): Iterable<Session> {
    return this.#byId.values()
  }

  get count(): number {
    return this.#byId.size
  }

  get(id: bigint): Session | undefined {
    return this.#byId.get(id)
  }

  /** An id that no session has or gets. */
  takeId(): bigint {
    return this.#nextId++
  }

  open(timeoutMs: number): Session {
    const session: Session = {
      id: this.takeId(),
      password: this.#host.random.bytes(PASSWORD_BYTES),
      timeoutMs,
      expiresMs: this.#expiry(timeoutMs),
      connection: undefined,
      isClosing: false,
    }
    this.#byId.set(session.id, session)
    if (session.expiresMs < this.#firesMs) this.stop()
    this.#schedule()
    return session
  }

  /** The client has shown that it lives. */
  touch(session: Session): void {
    session.expiresMs = this.#expiry(session.timeoutMs)
  }

  /** Forgets a session. Its connection stays as it is. */
  remove(session: Session): void {
    this.#byId.delete(session.id)
    if (this.#byId.size === 0) this.stop()
  }

  /** No session expires any more. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#firesMs = Number.POSITIVE_INFINITY
  }

  /** Rounded up to a tick, so that many end at one time. Source: ExpiryQueue. */
  #expiry(timeoutMs: number): number {
    return (Math.floor((this.#host.clock.monotonicMs() + timeoutMs) / TICK_MS) + 1) * TICK_MS
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#byId.size === 0) return
    let earliest = Number.POSITIVE_INFINITY
    for (const { expiresMs, isClosing } of this.#byId.values()) if (!isClosing) earliest = Math.min(earliest, expiresMs)
    if (earliest === Number.POSITIVE_INFINITY) return
    this.#firesMs = earliest
    this.#timer = this.#host.timers.after(earliest - this.#host.clock.monotonicMs(), () => {
      this.#timer = undefined
      this.#expire()
      this.#schedule()
    })
  }

  #expire(): void {
    const nowMs = this.#host.clock.monotonicMs()
    for (const session of [...this.#byId.values()]) {
      if (session.isClosing || session.expiresMs > nowMs) continue
      session.isClosing = true
      this.#onExpired(session)
    }
  }
}

/** The timeout that a client gets. */
export function negotiatedTimeoutMs(wantedMs: number): number {
  return Math.min(LONGEST_TICKS * TICK_MS, Math.max(SHORTEST_TICKS * TICK_MS, wantedMs))
}
