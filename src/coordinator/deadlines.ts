import type { Host, Timer } from '../../storage/host/host.ts'

interface Deadline<T> {
  readonly key: string
  dueMs: number
  /** Sort key in the heap; less than dueMs if the deadline was postponed. */
  queuedMs: number
  payload: T
  cancelled: boolean
}

/** Limit of cancelled deadlines in the queue, in addition to one per live deadline. */
const MOST_CANCELLED = 64

/**
 * Named deadlines on one timer of the host. Every heartbeat postpones a deadline, so that is one assignment: the queue
 * is updated only when the old time comes. Times are monotonic milliseconds.
 */
export class Deadlines<T> {
  readonly #host: Host
  readonly #fire: (payload: T) => void
  readonly #byKey = new Map<string, Deadline<T>>()
  /** Binary heap by queuedMs. */
  readonly #heap: Deadline<T>[] = []
  #timer: Timer | undefined
  #timerMs = Number.POSITIVE_INFINITY
  #closed = false

  constructor(host: Host, fire: (payload: T) => void) {
    this.#host = host
    this.#fire = fire
  }

  /** Sets a deadline; replaces one with the same name. */
  set(key: string, delayMs: number, payload: T): void {
    if (this.#closed) return
    const dueMs = this.#host.clock.monotonicMs() + Math.max(delayMs, 0)
    const known = this.#byKey.get(key)
    if (known !== undefined && known.queuedMs <= dueMs) {
      known.dueMs = dueMs
      known.payload = payload
      return
    }
    if (known !== undefined) this.#drop(known)
    const deadline = { key, dueMs, queuedMs: dueMs, payload, cancelled: false }
    this.#byKey.set(key, deadline)
    this.#push(deadline)
    this.#arm()
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  cancel(key: string): void {
    const known = this.#byKey.get(key)
    if (known !== undefined) this.#drop(known)
  }

  /** Entries in the queue, cancelled deadlines included. */
  get queueLength(): number {
    return this.#heap.length
  }

  #drop(deadline: Deadline<T>): void {
    deadline.cancelled = true
    this.#byKey.delete(deadline.key)
    if (this.#heap.length <= 2 * this.#byKey.size + MOST_CANCELLED) return
    const live = this.#heap.filter((each) => !each.cancelled)
    // A sorted array is a heap.
    live.sort((a, b) => a.queuedMs - b.queuedMs)
    this.#heap.length = 0
    for (const each of live) this.#heap.push(each)
  }

  /** Stops all deadlines; no new ones can be set. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#byKey.clear()
    this.#heap.length = 0
  }

  #arm(): void {
    const next = this.#heap[0]
    if (next === undefined || next.queuedMs >= this.#timerMs) return
    this.#timer?.cancel()
    this.#timerMs = next.queuedMs
    const delayMs = Math.max(next.queuedMs - this.#host.clock.monotonicMs(), 0)
    // A host timer rounds up. A deadline due now (a rebalance without delay) need not wait for it.
    if (delayMs === 0) this.#host.timers.atTurnEnd(() => this.#expire())
    else this.#timer = this.#host.timers.after(delayMs, () => this.#expire())
  }

  #expire(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerMs = Number.POSITIVE_INFINITY
    const nowMs = this.#host.clock.monotonicMs()
    // A deadline set meanwhile runs in the next turn even if it is due: it may set itself again without end.
    const due: Deadline<T>[] = []
    for (let next = this.#heap[0]; next !== undefined && next.queuedMs <= nowMs; next = this.#heap[0]) {
      this.#pop()
      due.push(next)
    }
    for (const deadline of due) this.#settle(deadline, nowMs)
    this.#arm()
  }

  #settle(deadline: Deadline<T>, nowMs: number): void {
    if (deadline.cancelled || this.#closed) return
    if (deadline.dueMs > nowMs) {
      deadline.queuedMs = deadline.dueMs
      this.#push(deadline)
      return
    }
    this.#byKey.delete(deadline.key)
    this.#fire(deadline.payload)
  }

  #push(deadline: Deadline<T>): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(deadline)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]!.queuedMs <= deadline.queuedMs) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = deadline
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.queuedMs < heap[child]!.queuedMs) child++
      if (heap[child]!.queuedMs >= last.queuedMs) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}
