import type { Timer, Timers } from '../../storage/host/host.ts'
import type { Visibility } from './plan-fetch.ts'

/** A fetch that waits for data. */
export interface ParkedFetch {
  /** Partitions that the fetch waits for, each with the bytes that it may still add to the answer. */
  readonly roomBytes: Map<object, number>
  /** Longest time to wait. */
  readonly waitMs: number
  /** Bytes that must arrive before reading again makes sense. */
  readonly missingBytes: number
  /** How far it reads: only bytes below that count. */
  readonly visibility: Visibility
  /** Called once, unless the fetch is cancelled. */
  readonly complete: (reason: 'data' | 'changed' | 'timeout') => void
}

/** Removes a fetch whose client has disconnected. The fetch is not completed. */
export type CancelFetch = () => void

/** A parked fetch and the bytes it still lacks. */
interface Waiting {
  readonly fetch: ParkedFetch
  missingBytes: number
  readonly timer: Timer
}

/**
 * Fetches that found too little data. Nothing polls: the log reports how many bytes became readable. A fetch is
 * completed once its missing bytes are there; each partition counts no more than it may add.
 */
export class FetchPurgatory {
  readonly #waiting = new Map<object, Set<Waiting>>()
  readonly #timers: Timers

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Number of partitions that fetches wait for. */
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

  /**
   * Reports that many more bytes of a partition below its high watermark, and below its last stable offset. Infinity: the
   * partition is to be read again.
   */
  appended(key: object, bytes: number, stableBytes: number): void {
    const watchers = this.#waiting.get(key)
    if (watchers === undefined) return
    for (const waiting of [...watchers]) {
      const room = waiting.fetch.roomBytes.get(key)!
      const added = readableBytes(waiting.fetch.visibility, bytes, stableBytes)
      if (added === Number.POSITIVE_INFINITY) {
        this.#complete(waiting, 'changed')
        continue
      }
      const counted = Math.min(added, room)
      waiting.fetch.roomBytes.set(key, room - counted)
      waiting.missingBytes -= counted
      if (waiting.missingBytes <= 0) this.#complete(waiting, 'data')
    }
  }

  /**
   * Reports a change other than data: another leader, a deletion, the end of a transaction. Completes all fetches that
   * wait for the partition.
   */
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

/** The bytes that a reader sees. */
function readableBytes(visibility: Visibility, bytes: number, stableBytes: number): number {
  return visibility === 'lastStableOffset' ? stableBytes : bytes
}
