// Loaded into the broker under test: prints what it holds after garbage collection, as one JSON line per period.
import { appendFileSync, readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const PERIOD_MS = Number(process.env.OTTLA_SOAK_PERIOD_MS)
const MB = 1024 * 1024
const timers = new Set()
const { setTimeout: start, clearTimeout: cancel } = globalThis

globalThis.setTimeout = (callback, delayMs, ...rest) => {
  const timer = start(() => {
    timers.delete(timer)
    callback(...rest)
  }, delayMs)
  timers.add(timer)
  return timer
}
globalThis.clearTimeout = (timer) => {
  timers.delete(timer)
  cancel(timer)
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

setInterval(() => {
  const resident = process.memoryUsage.rss() / MB
  collect()
  const { heapUsed, external } = process.memoryUsage()
  const sample = {
    resident,
    heap: heapUsed / MB,
    external: external / MB,
    handles: process.getActiveResourcesInfo().length,
    timers: timers.size,
    files: openFiles(),
  }
  appendFileSync(process.env.OTTLA_SOAK_FILE, `${JSON.stringify(sample)}\n`)
}, PERIOD_MS).unref()

function openFiles() {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0 // only Linux has them there
  }
}
