import type { Timer, Timers } from '../../storage/host/host.ts'
import type { Peer, PeerHandler } from './transport.ts'

/** What a waiting room needs from its listener. */
export interface WaitingRoomParts {
  readonly timers: Timers
  /** Delay for the next peer in milliseconds. Counts the peer as created. */
  readonly delayMs: () => number
  /** False while max.connections is reached. The owner calls `proceed` when that may have changed. */
  readonly hasSlot: () => boolean
  /** Accepts the peer or closes it. */
  readonly admit: (peer: Peer) => PeerHandler
}

/**
 * Peers of one listener waiting for max.connection.creation.rate and max.connections. They are not read until admitted.
 * Kafka leaves them in the backlog of the port. Source: ConnectionQuotas.waitForConnectionSlot.
 */
export class WaitingRoom {
  readonly #parts: WaitingRoomParts
  #queue: WaitingPeer[] = []
  #timer: Timer | undefined
  /** True once the first peer counts in the creation rate. */
  #isFirstCounted = false

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#queue.length
  }

  /** Admits the peer after all earlier ones, once the limits allow it; at once if possible. */
  enter(peer: Peer): PeerHandler {
    const waiting = new WaitingPeer(peer, () => this.#left(waiting))
    this.#queue.push(waiting)
    this.proceed()
    if (waiting.handler === undefined) peer.pauseReading()
    return waiting
  }

  /** Admits as many peers as the limits allow now. */
  proceed(): void {
    while (this.#queue.length > 0 && this.#timer === undefined) {
      if (!this.#isFirstCounted) this.#count()
      if (this.#timer !== undefined || !this.#parts.hasSlot()) return
      this.#admitFirst()
    }
  }

  /** Closes all waiting peers. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isFirstCounted = false
    for (const { peer } of this.#queue.splice(0)) peer.destroy()
  }

  #count(): void {
    this.#isFirstCounted = true
    const delayMs = this.#parts.delayMs()
    if (delayMs === 0) return
    this.#timer = this.#parts.timers.after(delayMs, () => {
      this.#timer = undefined
      this.proceed()
    })
  }

  #admitFirst(): void {
    const first = this.#queue.shift() as WaitingPeer
    this.#isFirstCounted = false
    first.handler = this.#parts.admit(first.peer)
    first.peer.resumeReading()
  }

  /** The delay of a first peer that left goes on for the next one: it was counted for a connection. */
  #left(peer: WaitingPeer): void {
    this.#queue = this.#queue.filter((each) => each !== peer)
  }
}

/** Handler of a waiting peer. Forwards events once the peer is admitted. */
class WaitingPeer implements PeerHandler {
  readonly peer: Peer
  readonly #left: () => void
  handler: PeerHandler | undefined

  constructor(peer: Peer, left: () => void) {
    this.peer = peer
    this.#left = left
  }

  onBytes(chunk: Buffer): void {
    this.handler?.onBytes(chunk)
  }

  onClose(error?: Error): void {
    if (this.handler === undefined) this.#left()
    else this.handler.onClose(error)
  }
}
