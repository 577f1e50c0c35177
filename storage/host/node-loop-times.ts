import fs from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Clock, LoopTimes } from './host.ts'

/** Of the calling thread: nanoseconds on a processor, nanoseconds ready for one, and the number of turns on one. */
const SCHEDSTAT = '/proc/thread-self/schedstat'
const SCHEDSTAT_BYTES = 128
const NS_PER_MS = 1e6

/** Asks the Linux kernel and Node.js. One for the whole thread: it keeps a file open. */
export class NodeLoopTimes implements LoopTimes {
  readonly #clock: Clock
  readonly #bytes = Buffer.alloc(SCHEDSTAT_BYTES)
  /** Undefined: not opened yet. */
  #descriptor: number | undefined
  #isTold = process.platform === 'linux'
  #withoutProcessorMs = 0
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  withoutProcessorMs(maxAgeMs: number): number {
    if (!this.#isTold) return 0
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#lookedMs < maxAgeMs) return this.#withoutProcessorMs
    this.#lookedMs = nowMs
    this.#withoutProcessorMs = this.#look() ?? this.#withoutProcessorMs
    return this.#withoutProcessorMs
  }

  idleMs(): number {
    return performance.eventLoopUtilization().idle
  }

  #look(): number | undefined {
    const waitedMs = this.#read() / NS_PER_MS
    if (!Number.isNaN(waitedMs)) return waitedMs
    // It is a hint only: a process beside this one is taken for a slow disk then.
    this.#isTold = false
    return undefined
  }

  /** Nanoseconds; NaN: the system does not tell. */
  #read(): number {
    try {
      this.#descriptor ??= fs.openSync(SCHEDSTAT, 'r')
      const bytes = this.#bytes.subarray(0, fs.readSync(this.#descriptor, this.#bytes, 0, SCHEDSTAT_BYTES, 0))
      return Number(bytes.toString('latin1').split(' ')[1])
    } catch {
      // Some containers hide it.
      return Number.NaN
    }
  }
}
