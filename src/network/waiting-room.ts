import type { Timer, Timers } from '../../storage/host/host.ts'
import type { Peer, PeerHandler } from './transport.ts'

/** What a waiting room needs from its listener. */
export interface WaitingRoomParts {
  readonly timers: Timers
  /** Delay for the next peer in milliseconds. Counts the peer as created. */
  readonly delayMs: () => number
  /** Accepts the peer or closes it. */
  readonly admit: (peer: Peer) => PeerHandler
}

/** Peers of one listener waiting for max.connection.creation.rate. They are not read until admitted. */
export class WaitingRoom {
  readonly #parts: WaitingRoomParts
  readonly #queue: WaitingPeer[] = []
  #timer: Timer | undefined

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0
  }

  get size(): number {
    return this.#queue.length
  }

  /** Admits the peer after all earlier ones, once the rate allows it; at once if possible. */
  enter(peer: Peer): PeerHandler {
    const waiting = new WaitingPeer(peer)
    this.#queue.push(waiting)
    this.#proceed()
    if (waiting.handler === undefined) peer.pauseReading()
    return waiting
  }

  /** Closes all waiting peers. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const { peer } of this.#queue.splice(0)) peer.destroy()
  }

  #proceed(): void {
    while (this.#timer === undefined && this.#queue.length > 0) {
      const delayMs = this.#parts.delayMs()
      if (delayMs === 0) this.#admitFirst()
      else
        this.#timer = this.#parts.timers.after(delayMs, () => {
          this.#timer = undefined
          this.#admitFirst()
          this.#proceed()
        })
    }
  }

  #admitFirst(): void {
    const first = this.#queue.shift()
    if (first === undefined || first.isGone) return
    first.handler = this.#parts.admit(first.peer)
    first.peer.resumeReading()
  }
}

/** Handler of a waiting peer. Forwards events once the peer is admitted. */
class WaitingPeer implements PeerHandler {
  readonly peer: Peer
  handler: PeerHandler | undefined
  isGone = false

  constructor(peer: Peer) {
    this.peer = peer
  }

  onBytes(chunk: Buffer): void {
    this.handler?.onBytes(chunk)
  }

  onClose(error?: Error): void {
    this.isGone = true
    this.handler?.onClose(error)
  }
}
