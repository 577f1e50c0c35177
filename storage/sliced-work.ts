import type { Steps } from '../protocol/steps.ts'
import { type ConcurrencyLimit, placesForLargeContents } from './concurrency-limit.ts'
import type { Timers } from './host/host.ts'

/** Work that pauses for the event loop. */
export type Sliced<T> = Steps<T>

/** Work under way. */
export interface WorkUnderWay<T> {
  readonly result: Promise<T>
  /** Cancels the work unless it is done; the result then never settles. */
  cancel(): void
}

/** Bytes of one slice: 3 ms with the slowest of our codecs (zstd in JavaScript), less than 1 ms with others. */
const SLICE_BYTES = 262_144
/** Bytes that may be processed at once, besides slices, in one turn: this takes a few milliseconds at most. */
const AT_ONCE_BYTES_IN_TURN = 524_288

interface Entry {
  readonly work: Sliced<unknown>
  readonly done: (value: unknown) => void
  readonly failed: (error: unknown) => void
  isCancelled: boolean
}

/**
 * Runs work in slices, one in each turn of the event loop, round robin: no work waits for the end of another, and no
 * turn is long.
 */
export class SlicedWork {
  /** Places for contents that must be in memory as a whole, of whatever log. */
  readonly largeContents: ConcurrencyLimit
  readonly #timers: Timers
  readonly #ready: Entry[] = []
  #isScheduled = false
  #bytesInTurn = 0

  constructor(timers: Timers, largeContents = placesForLargeContents()) {
    this.#timers = timers
    this.largeContents = largeContents
  }

  /** Bytes that may still be processed at once in this turn. */
  get roomInTurn(): number {
    return Math.max(0, AT_ONCE_BYTES_IN_TURN - this.#bytesInTurn)
  }

  /** Counts bytes that were processed at once. */
  noteInTurn(bytes: number): void {
    if (this.#bytesInTurn === 0) {
      this.#timers.atTurnEnd(() => {
        this.#bytesInTurn = 0
      })
    }
    this.#bytesInTurn += bytes
  }

  /** Takes the first step at once: short work needs no more. */
  soon<T>(work: Sliced<T>): T | Promise<T> {
    const { value, done } = work.next()
    if (done === true) return value as T
    return this.run(resumed(value as number | Promise<unknown>, work)).result
  }

  run<T>(work: Sliced<T>): WorkUnderWay<T> {
    let entry: Entry | undefined
    const result = new Promise<T>((done, failed) => {
      entry = { work, done: done as (value: unknown) => void, failed, isCancelled: false }
      this.#enqueue(entry)
    })
    return { result, cancel: () => cancel(entry!) }
  }

  #enqueue(entry: Entry): void {
    this.#ready.push(entry)
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#timers.atTurnEnd(() => this.#turn())
  }

  #turn(): void {
    const entry = this.#ready.shift()
    if (entry !== undefined && !entry.isCancelled) this.#advance(entry)
    this.#isScheduled = this.#ready.length > 0
    if (this.#isScheduled) this.#timers.atTurnEnd(() => this.#turn())
  }

  #advance(entry: Entry): void {
    try {
      for (let bytes = 0; bytes < SLICE_BYTES; ) {
        const { value, done } = entry.work.next()
        if (done === true) {
          entry.done(value)
          return
        }
        if (typeof value !== 'number') {
          this.#waitFor(value as Promise<unknown>, entry)
          return
        }
        bytes += value
      }
    } catch (error) {
      entry.failed(error)
      return
    }
    this.#ready.push(entry)
  }

  #waitFor(promise: Promise<unknown>, entry: Entry): void {
    const goOn = () => {
      if (!entry.isCancelled) this.#enqueue(entry)
    }
    promise.then(goOn, (error) => {
      if (!entry.isCancelled) entry.failed(error)
    })
  }
}

function cancel(entry: Entry): void {
  entry.isCancelled = true
  entry.work.return(undefined)
}

function* resumed<T>(first: number | Promise<unknown>, work: Sliced<T>): Sliced<T> {
  yield first
  return yield* work
}
