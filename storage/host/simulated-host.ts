import { codecNamed } from '../../protocol/compression/codecs.ts'
import { EventQueue, type QueuedEvent } from './event-queue.ts'
import { FaultyFiles } from './faulty-files.ts'
import type { Clock, Host, LoopTimes, Offload, Timer, Timers, Writeback } from './host.ts'
import { MemoryFiles } from './memory-files.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedContent } from './simulated-content.ts'

interface Event extends QueuedEvent {
  readonly callback: () => void
  isCancelled: boolean
}

/** Longest time that another thread takes for a piece of content. */
const LONGEST_PIECE_MS = 3

const LONGEST_SETTLE_MS = 3_600_000

/** 2026-01-01, so that timestamps look real. */
const START_MS = 1_767_225_600_000

/**
 * A machine in virtual time. `run` fires the earliest event, sets the clock to it, lets all microtasks run, and repeats:
 * so ordinary asynchronous code gives the same history for the same seed.
 */
export class SimulatedHost implements Host {
  readonly random: SeededRandom
  readonly memory: MemoryFiles
  readonly files: FaultyFiles
  readonly clock: Clock
  readonly timers: Timers
  readonly threads = 4
  readonly offload: Offload
  readonly writeback: Writeback = { isUnderWay: () => this.writesBack(this.#elapsedMs) }
  readonly loop: LoopTimes = {
    withoutProcessorMs: () => this.withoutProcessorMs,
    idleMs: () => this.#elapsedMs - this.#stalledMs,
  }
  /** How long other processes had the processor while the loop was ready. Part of the virtual time. */
  withoutProcessorMs = 0
  /** Whether the system writes back at that time. */
  writesBack: (elapsedMs: number) => boolean = () => false
  /** The error passed to `fatal`. */
  fatalReason: Error | undefined
  /** Called after each turn with its processor time in real milliseconds. */
  onTurn: ((cpuMs: number) => void) | undefined
  /** Real processor time so far, in milliseconds: of the whole process, unless replaced. */
  processorMs: () => number = processorMs

  readonly #events = new EventQueue<Event>()
  #sequence = 0
  #isRunning = false
  #elapsedMs = 0
  /** Of it: the loop stood still in a call. */
  #stalledMs = 0
  /** Wall clock less virtual time: a test may make the wall clock jump. */
  #wallClockOffsetMs = START_MS
  #boot = 0

  constructor(seed = 1, memory?: MemoryFiles) {
    this.random = new SeededRandom(seed)
    this.clock = {
      nowMs: () => this.#wallClockOffsetMs + Math.floor(this.#elapsedMs),
      monotonicMs: () => this.#elapsedMs,
    }
    this.offload = {
      decompress: (codec, bytes) =>
        new SimulatedContent(codec, bytes, (callback) => {
          this.#schedule(this.random.below(LONGEST_PIECE_MS + 1), callback)
        }),
      compress: (codec, bytes, level) =>
        new Promise((resolve) => {
          const callback = () => resolve(codecNamed(codec).compress(bytes, level))
          this.#schedule(this.random.below(LONGEST_PIECE_MS + 1), callback)
        }),
    }
    this.memory = memory ?? new MemoryFiles(() => this.clock.nowMs())
    this.files = new FaultyFiles(this.memory, new SeededRandom(seed + 1), {
      schedule: (delayMs, callback) => this.#schedule(delayMs, callback),
      stall: (durationMs) => {
        this.#elapsedMs += durationMs
        this.#stalledMs += durationMs
      },
    })
    this.timers = {
      after: (delayMs, callback) => this.#schedule(Math.max(0, delayMs), callback),
      atTurnEnd: (callback) => {
        this.#schedule(0, callback)
      },
    }
  }

  fatal = (reason: Error): void => {
    this.fatalReason ??= reason
  }

  /** Lets `durationMs` of virtual time pass. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + durationMs
    await drainMicrotasks()
    await this.#runWhile((event) => event.atMs <= untilMs)
    this.#elapsedMs = Math.max(this.#elapsedMs, untilMs)
  }

  /** Runs until the promise is settled, and returns its result. Fails after an hour of virtual time. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    const untilMs = this.#elapsedMs + LONGEST_SETTLE_MS
    let settled = false
    const end = (): void => {
      settled = true
    }
    promise.then(end, end)
    await drainMicrotasks()
    await this.#runWhile((next) => !settled && next.atMs <= untilMs)
    if (!settled) throw new Error('the simulation stands still: nothing has settled the promise within an hour')
    return promise
  }

  jumpWallClock(byMs: number): void {
    this.#wallClockOffsetMs += byMs
  }

  /** Ends the process: no timer fires any more, no operation under way completes, and every open file is closed. */
  crash(): void {
    this.#events.clear()
    this.#boot++
    this.files.reboot()
  }

  async #runWhile(condition: (next: Event) => boolean): Promise<void> {
    if (this.#isRunning) throw new Error('virtual time is under way already: advance or settle it once at a time')
    this.#isRunning = true
    try {
      for (;;) {
        const next = this.#events.earliest()
        // A process that has ended does nothing more.
        if (next === undefined || this.files.crashed || !condition(next)) return
        this.#events.removeEarliest()
        this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs)
        const before = this.onTurn === undefined ? 0 : this.processorMs()
        next.callback()
        await drainMicrotasks()
        this.onTurn?.(this.processorMs() - before)
      }
    } finally {
      this.#isRunning = false
    }
  }

  #schedule(delayMs: number, callback: () => void): Timer {
    const boot = this.#boot
    const event: Event = {
      atMs: this.#elapsedMs + delayMs,
      rank: this.random.below(1 << 16),
      sequence: this.#sequence++,
      callback: () => boot === this.#boot && callback(),
      isCancelled: false,
    }
    this.#events.add(event)
    return {
      cancel: () => {
        event.isCancelled = true
      },
    }
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** A turn of the real event loop: when it ends, all ready microtasks have run. */
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
