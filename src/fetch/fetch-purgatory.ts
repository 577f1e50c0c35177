import type { Timer, Timers } from '../../storage/host/host.ts'

/** A fetch that waits for data. */
export interface ParkedFetch {
  /** What it waits for: an append to, or a change of, any of these. */
  readonly keys: readonly object[]
  /** How long it waits at most. */
  readonly waitMs: number
  /** Bytes that must come in before it is worth another look. */
  readonly missingBytes: number
  /** Called once, unless the fetch is cancelled. */
  readonly complete: (reason: 'data' | 'changed' | 'timeout') => void
}

/** Takes a fetch out of the purgatory, whose client is gone; it is not completed then. */
export type CancelFetch = () => void

interface Waiting {
  readonly fetch: ParkedFetch
  missingBytes: number
  readonly timer: Timer
}

/**
 * Fetches that found too little. Nothing polls: each append tells how many bytes became readable, and a fetch is looked
 * at again only when enough have.
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
    for (const key of fetch.keys) {
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
      waiting.missingBytes -= bytes
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
    for (const key of waiting.fetch.keys) {
      const watchers = this.#waiting.get(key)
      if (watchers?.delete(waiting) && watchers.size === 0) this.#waiting.delete(key)
    }
  }
}
