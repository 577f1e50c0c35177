// Loaded into a broker before anything else (node --import): finds the longest turn of its event loop and its cause.
// The first SIGUSR2 starts the measurement; the second prints the result as a line of JSON. Costs nothing before that.
// Plain JavaScript, because the broker runs without a loader.
import fs from 'node:fs'
import { PerformanceObserver, performance } from 'node:perf_hooks'

const TICK_MS = 1
const original = { ...fs }
const calls = Object.keys(fs).filter((name) => name.endsWith('Sync') && typeof fs[name] === 'function')

let watch
process.on('SIGUSR2', () => {
  if (watch === undefined) watch = startWatch()
  else {
    process.stdout.write(`${JSON.stringify({ turn: watch.stop() })}\n`)
    watch = undefined
  }
})

function startWatch() {
  const waits = cpuWaits()
  const garbage = []
  const observer = new PerformanceObserver((list) => garbage.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  let files = new Map()
  for (const name of calls) {
    fs[name] = (...args) => {
      const startMs = performance.now()
      try {
        return original[name](...args)
      } finally {
        files.set(name, (files.get(name) ?? 0) + performance.now() - startMs)
      }
    }
  }
  let longest = { ms: 0 }
  let [lastMs, lastWaitMs] = [performance.now(), waits.totalMs()]
  const look = () => {
    const [nowMs, waitMs] = [performance.now(), waits.totalMs()]
    const ms = nowMs - lastMs - TICK_MS
    if (ms > longest.ms) longest = { ms, fromMs: lastMs, toMs: nowMs, files, waitMs: waitMs - lastWaitMs }
    files = new Map()
    lastMs = nowMs
    lastWaitMs = waitMs
  }
  const timer = setInterval(look, TICK_MS)
  return {
    stop() {
      clearInterval(timer)
      observer.disconnect()
      for (const name of calls) fs[name] = original[name]
      waits.close()
      const { ms, fromMs, toMs, waitMs } = longest
      const within = garbage.filter(({ startTime, duration }) => startTime < toMs && startTime + duration > fromMs)
      const garbageMs = within.reduce((sum, { duration }) => sum + duration, 0)
      return { ms, waitMs, garbageMs, files: Object.fromEntries(longest.files ?? []) }
    },
  }
}

// How long this thread was runnable but had no processor, because of other programs. Linux only.
function cpuWaits() {
  let descriptor
  try {
    descriptor = original.openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  } catch {
    return { totalMs: () => 0, close() {} }
  }
  const buffer = Buffer.alloc(100)
  return {
    totalMs() {
      const size = original.readSync(descriptor, buffer, 0, buffer.length, 0)
      return Number(buffer.toString('latin1', 0, size).split(' ')[1]) / 1e6
    },
    close: () => original.closeSync(descriptor),
  }
}
