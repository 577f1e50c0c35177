/** Orders the events of a simulated machine. */
export interface QueuedEvent {
  readonly atMs: number
  /** Order of events at the same time: a seeded number, then the order of their creation. */
  readonly rank: number
  readonly sequence: number
  readonly isCancelled: boolean
}

/** Events of a simulated machine, the earliest first: a binary heap, in which each event precedes both of its children. */
export class EventQueue<E extends QueuedEvent> {
  readonly #heap: E[] = []

  add(event: E): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = event
  }

  /** The earliest event that is not cancelled. */
  earliest(): E | undefined {
    while (this.#heap[0]?.isCancelled === true) this.removeEarliest()
    return this.#heap[0]
  }

  /** Removes what `earliest` returned. */
  removeEarliest(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }

  clear(): void {
    this.#heap.length = 0
  }
}

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs
  return a.rank !== b.rank ? a.rank < b.rank : a.sequence < b.sequence
}
