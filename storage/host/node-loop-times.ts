import { performance } from 'node:perf_hooks'
import type { Clock, LoopTimes } from './host.ts'
import { ProcFile } from './node-proc-file.ts'

const SCHEDSTAT_BYTES = 128
const NS_PER_MS = 1e6

/** Asks the Linux kernel and Node.js. One for the whole thread: it keeps a file open. */
export class NodeLoopTimes implements LoopTimes {
  readonly #clock: Clock
  /** Of the thread that opens it: nanoseconds on a processor, nanoseconds ready for one, number of turns on one. */
  readonly #schedstat = new ProcFile('/proc/thread-self/schedstat', SCHEDSTAT_BYTES)
  #withoutProcessorMs = 0
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  withoutProcessorMs(maxAgeMs: number): number {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#lookedMs < maxAgeMs) return this.#withoutProcessorMs
    this.#lookedMs = nowMs
    // Where nothing is told, a process beside this one is taken for a slow disk.
    this.#withoutProcessorMs = Number(this.#schedstat.read().split(' ')[1] ?? 0) / NS_PER_MS
    return this.#withoutProcessorMs
  }

  idleMs(): number {
    return performance.eventLoopUtilization().idle
  }
}
