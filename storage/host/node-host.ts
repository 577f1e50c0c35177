import { randomBytes, randomInt } from 'node:crypto'
import type { Clock, Host, Random, Timer, Timers } from './host.ts'
import { NodeFiles } from './node-files.ts'
import { NodeLoopTimes } from './node-loop-times.ts'
import { nodeOffload } from './node-offload.ts'
import { NodeWriteback } from './node-writeback.ts'
import { uuidText } from './uuid-text.ts'

/** The real machine. `fatal` ends a process that must not go on. */
export function nodeHost(fatal: (reason: Error) => void): Host {
  return {
    clock: nodeClock,
    timers: timersThat(fatal),
    random: nodeRandom,
    files: new NodeFiles(),
    threads: threadCount(),
    offload: nodeOffload,
    writeback: nodeWriteback,
    loop: nodeLoopTimes,
    fatal,
  }
}

/** libuv reads it from the environment when it starts its first thread. */
function threadCount(): number {
  const wanted = Number.parseInt(process.env.UV_THREADPOOL_SIZE ?? '', 10)
  return Number.isNaN(wanted) ? 4 : Math.min(1024, Math.max(1, wanted))
}

const nodeClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

const nodeWriteback = new NodeWriteback(nodeClock)
const nodeLoopTimes = new NodeLoopTimes(nodeClock)

/** Longest delay of setTimeout; with a longer one it fires at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

/** An error thrown by a callback is fatal: no caller would get it (failure-policy.ts). */
function timersThat(fatal: (reason: Error) => void): Timers {
  const call = (callback: () => void): void => {
    try {
      callback()
    } catch (error) {
      fatal(error as Error)
    }
  }
  return {
    after(delayMs: number, callback: () => void): Timer {
      let timeout: NodeJS.Timeout
      const wait = (restMs: number): void => {
        const stepMs = Math.min(Math.max(0, restMs), LONGEST_DELAY_MS)
        timeout = setTimeout(() => (restMs > stepMs ? wait(restMs - stepMs) : call(callback)), stepMs)
        timeout.unref()
      }
      wait(delayMs)
      return { cancel: () => clearTimeout(timeout) }
    },
    atTurnEnd(callback: () => void): void {
      setImmediate(() => call(callback))
    },
  }
}

const nodeRandom: Random = {
  bytes: (size) => randomBytes(size),
  below: (bound) => randomInt(bound),
  uuid: () => uuidText(nodeRandom),
}
