import type { Timer, Timers } from '../../storage/host/host.ts'

/** A fetch that waits for data. */
export interface ParkedFetch {
  /** Appends to, and changes of, any of these wake it: each with the bytes that it may still add to the answer. */
  readonly roomBytes: Map<object, number>
  /** How long it waits at most. */
  readonly waitMs: number
  /** Bytes that must come in before it is worth another look. */
  readonly missingBytes: number
  /** Called once, unless the fetch is cancelled. */
  readonly complete: (reason: 'data' | 'changed' | 'timeout') => void
}

/** Takes a fetch out of the purgatory, whose client is gone; it is not completed then. */
export type CancelFetch = () => void

/** A parked fetch, and how many bytes it still lacks. */
interface Waiting {
  readonly fetch: ParkedFetch
  missingBytes: number
  readonly timer: Timer
}

/**
 * Fetches that found too little. Nothing polls: each append tells how many bytes became readable, and a fetch is looked
 * at again only when enough have, of each partition no more than it may add.
 */
export class FetchPurgatory {
  readonly #waiting = new Map<object, Set<Waiting>>()
  readonly #timers: Timers

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Number of partitions that somebody waits for. */
  get watchedCount(): number {
    return this.#waiting.size
  }

  park(fetch: ParkedFetch): CancelFetch {
    const timer = this.#timers.after(fetch.waitMs, () => this.#complete(waiting, 'timeout'))
    const waiting: Waiting = { fetch, missingBytes: fetch.missingBytes, timer }
    for (const key of fetch.roomBytes.keys()) {
      const others = this.#waiting.get(key)
      if (others === undefined) this.#waiting.set(key, new Set([waiting]))
      else others.add(waiting)
    }
    return () => this.#remove(waiting)
  }

  /** So many more bytes can be read from key. */
  appended(key: object, bytes: number): void {
    const watchers = this.#waiting.get(key)
    if (watchers === undefined) return
    for (const waiting of [...watchers]) {
      const room = waiting.fetch.roomBytes.get(key)!
      const counted = Math.min(bytes, room)
      waiting.fetch.roomBytes.set(key, room - counted)
      waiting.missingBytes -= counted
      if (waiting.missingBytes <= 0) this.#complete(waiting, 'data')
    }
  }

  /** Something other than data changed: another leader, a deletion, a transaction's end. Everybody looks again. */
  changed(key: object): void {
    const watchers = this.#waiting.get(key)
    if (watchers === undefined) return
    for (const waiting of [...watchers]) this.#complete(waiting, 'changed')
  }

  #complete(waiting: Waiting, reason: 'data' | 'changed' | 'timeout'): void {
    this.#remove(waiting)
    waiting.fetch.complete(reason)
  }

  #remove(waiting: Waiting): void {
    waiting.timer.cancel()
    for (const key of waiting.fetch.roomBytes.keys()) {
      const watchers = this.#waiting.get(key)
      if (watchers?.delete(waiting) && watchers.size === 0) this.#waiting.delete(key)
    }
  }
}
