import type { History, Transaction } from './history.ts'

/** A transaction, or the end of one: all that begins later comes after it and after all ends before it. */
type Event = Transaction | { readonly ended: Transaction }

/**
 * Transactions each of which must come before the next, and the last before the first; undefined if there are none.
 * A transaction comes after those that it `read`, and after those that had ended before it started.
 */
export function findCycle(
  history: History,
  read: (transaction: Transaction) => Iterable<Transaction>,
): readonly Transaction[] | undefined {
  const before = new Map<Event, readonly Event[]>()
  let lastEnd: Event | undefined
  for (const event of inTime(history)) {
    const earlier = lastEnd === undefined ? [] : [lastEnd]
    if ('ended' in event) {
      before.set(event, [event.ended, ...earlier])
      lastEnd = event
    } else before.set(event, [...read(event), ...earlier])
  }
  return cycleOf(before)?.filter((each) => !('ended' in each)) as readonly Transaction[] | undefined
}

/** Starts and ends. At the same time a start comes first: it need not come after the end. */
function inTime(history: History): readonly Event[] {
  const starts = history.map((each) => ({ atMs: each.startMs, event: each as Event }))
  const ends = history.flatMap((each) =>
    each.endMs === undefined ? [] : [{ atMs: each.endMs, event: { ended: each } as Event }],
  )
  return [...starts, ...ends].toSorted((a, b) => a.atMs - b.atMs).map(({ event }) => event)
}

/** Removes what has nothing before it until nothing is left, or a cycle and what comes after it. */
function cycleOf(before: ReadonlyMap<Event, readonly Event[]>): readonly Event[] | undefined {
  const left = new Map([...before].map(([event, events]) => [event, new Set(events).size]))
  const after = new Map<Event, Event[]>()
  for (const [event, events] of before)
    for (const earlier of new Set(events)) after.set(earlier, [...(after.get(earlier) ?? []), event])
  const free = [...left].flatMap(([event, count]) => (count === 0 ? [event] : []))
  for (let event = free.pop(); event !== undefined; event = free.pop()) {
    left.delete(event)
    for (const later of after.get(event) ?? []) {
      left.set(later, left.get(later)! - 1)
      if (left.get(later) === 0) free.push(later)
    }
  }
  const [first] = left.keys()
  if (first === undefined) return undefined
  // Each event that is left has another one before it that is left: going back ends in the cycle.
  const path: Event[] = [first]
  for (;;) {
    const earlier = before.get(path.at(-1)!)!.find((each) => left.has(each))!
    const start = path.indexOf(earlier)
    if (start >= 0) return path.slice(start).reverse()
    path.push(earlier)
  }
}
