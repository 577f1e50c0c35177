import type { Clock, Timers } from './host.ts'

/** Time for all sliced work of one turn: with its other work, a turn then takes at most about 10 ms. */
const SLICE_MS = 4
/** Most steps of one slice. A simulated clock stands still within a turn, and its slices should be short too. */
const STEPS_PER_SLICE = 1024

/** A long task calls this between two steps. */
export interface Slices {
  /**
   * Undefined while the slice lasts; else a promise of the next slice: await it before the next step. It rejects if the
   * task should end, because nobody waits for its result any more. Check again whatever was true before the wait.
   */
  next(): Promise<void> | undefined
}

/**
 * Shares the turns of the event loop among long tasks. The tasks of one turn share one slice; unfinished ones wait in
 * line, and each later turn resumes one of them.
 */
export class TurnSlices implements Slices {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #timers: Pick<Timers, 'atTurnEnd'>
  readonly #waiting = new Set<() => void>()
  /** When the slice of this turn began; undefined: no task has run a step in it. */
  #startMs: number | undefined
  #steps = 0

  constructor(host: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly timers: Pick<Timers, 'atTurnEnd'> }) {
    this.#clock = host.clock
    this.#timers = host.timers
  }

  next(): Promise<void> | undefined {
    if (this.#startMs === undefined) this.#begin()
    const isSpent = ++this.#steps > STEPS_PER_SLICE || this.#clock.monotonicMs() - this.#startMs! >= SLICE_MS
    return isSpent ? new Promise((resolve) => this.#waiting.add(resolve)) : undefined
  }

  #begin(): void {
    this.#startMs = this.#clock.monotonicMs()
    this.#steps = 0
    this.#timers.atTurnEnd(() => this.#endTurn())
  }

  #endTurn(): void {
    this.#startMs = undefined
    const [first] = this.#waiting
    if (first === undefined) return
    this.#waiting.delete(first)
    this.#begin()
    first()
  }
}

/**
 * Runs steps that a generator separates by `yield`: at once if one slice is enough. It may yield a promise, and then
 * goes on when that has resolved.
 */
export function runInSlices<T>(steps: Iterator<unknown, T>, slices: Slices): T | Promise<T> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    const wait = waitAfter(value, slices)
    if (wait !== undefined) return resumeAfter(wait, steps, slices)
  }
}

function waitAfter(yielded: unknown, slices: Slices): Promise<unknown> | undefined {
  return yielded instanceof Promise ? yielded : slices.next()
}

async function resumeAfter<T>(firstWait: Promise<unknown>, steps: Iterator<unknown, T>, slices: Slices): Promise<T> {
  try {
    for (let wait: Promise<unknown> | undefined = firstWait; ; ) {
      if (wait !== undefined) await wait
      const { done, value } = steps.next()
      if (done === true) return value
      wait = waitAfter(value, slices)
    }
  } catch (error) {
    steps.return?.()
    throw error
  }
}

/** Runs all steps in this turn. */
export function atOnce<T>(steps: Iterator<unknown, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** `map` of each item in order, a step each. */
export async function mapInSlices<T, R>(
  items: Iterable<T>,
  slices: Slices,
  map: (item: T, index: number) => R | Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for (const item of items) {
    const wait = slices.next()
    if (wait !== undefined) await wait
    const result = map(item, results.length)
    results.push(result instanceof Promise ? await result : result)
  }
  return results
}

/** Sorts in slices, by code units: a merge sort whose steps are runs of a thousand. */
export async function sortInSlices(texts: readonly string[], slices: Slices): Promise<string[]> {
  return await runInSlices(sortSteps(texts), slices)
}

const RUN_LENGTH = 1024

function* sortSteps(texts: readonly string[]): Generator<void, string[]> {
  let runs: string[][] = []
  for (let start = 0; start < texts.length; start += RUN_LENGTH) {
    runs.push(texts.slice(start, start + RUN_LENGTH).sort())
    yield
  }
  while (runs.length > 1) {
    const merged: string[][] = []
    for (let i = 0; i < runs.length; i += 2) merged.push(yield* mergeSteps(runs[i]!, runs[i + 1] ?? []))
    runs = merged
  }
  return runs[0] ?? []
}

function* mergeSteps(left: readonly string[], right: readonly string[]): Generator<void, string[]> {
  const merged: string[] = []
  let [i, j] = [0, 0]
  while (i < left.length || j < right.length) {
    const takesLeft = j >= right.length || (i < left.length && left[i]! <= right[j]!)
    merged.push(takesLeft ? left[i++]! : right[j++]!)
    if (merged.length % RUN_LENGTH === 0) yield
  }
  return merged
}
