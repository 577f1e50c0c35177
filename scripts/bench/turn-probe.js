// Loaded into a broker before anything else (node --import): finds the longest turn of its event loop, what it was spent
// on, and the longest synchronous file operations of each kind. The first SIGUSR2 starts the measurement; the second
// prints the result as a line of JSON. Costs nothing before that.
// Plain JavaScript, because the broker runs without a loader.
import fs from 'node:fs'
import { Session } from 'node:inspector'
import { basename, extname } from 'node:path'
import { PerformanceObserver } from 'node:perf_hooks'

const TICK_MS = 1
const original = { ...fs }
const calls = Object.keys(fs).filter((name) => name.endsWith('Sync') && typeof fs[name] === 'function')
/** What each open descriptor is: `.log`, `.index`, `recovery-point-offset-checkpoint`. */
const kinds = new Map()

let watch
process.on('SIGUSR2', () => {
  if (watch === undefined) watch = startWatch()
  else {
    process.stdout.write(`${JSON.stringify(watch.stop())}\n`)
    watch = undefined
  }
})

// Descriptors are opened before a measurement begins as well.
fs.openSync = (path, ...rest) => {
  const descriptor = original.openSync(path, ...rest)
  kinds.set(descriptor, kindOf(path))
  return descriptor
}

function startWatch() {
  const times = threadTimes()
  const garbage = []
  const observer = new PerformanceObserver((list) => garbage.push(...list.getEntries()))
  observer.observe({ entryTypes: ['gc'] })
  const profiler = startProfiler()
  /** Milliseconds of this turn, by call. */
  let files = new Map()
  /** Longest call of each kind since the start. */
  const longestCalls = new Map()
  const wrapped = Object.fromEntries(calls.map((name) => [name, fs[name]]))
  for (const name of calls) {
    fs[name] = (...args) => {
      const startMs = performance.now()
      try {
        return wrapped[name](...args)
      } finally {
        const ms = performance.now() - startMs
        const call = `${name} ${typeof args[0] === 'number' ? (kinds.get(args[0]) ?? '?') : kindOf(args[0])}`
        files.set(call, (files.get(call) ?? 0) + ms)
        if (ms > (longestCalls.get(call) ?? 0)) longestCalls.set(call, ms)
      }
    }
  }
  let longest = { ms: 0, waitMs: 0, cpuMs: 0 }
  let [lastMs, last] = [performance.now(), times.now()]
  const look = () => {
    const [nowMs, now] = [performance.now(), times.now()]
    const ms = nowMs - lastMs - TICK_MS
    if (ms > longest.ms) {
      const [waitMs, cpuMs] = [now.waitMs - last.waitMs, now.cpuMs - last.cpuMs]
      longest = { ms, fromMs: lastMs, toMs: nowMs, files, waitMs, cpuMs }
    }
    files = new Map()
    lastMs = nowMs
    last = now
  }
  const timer = setInterval(look, TICK_MS)
  return {
    stop() {
      clearInterval(timer)
      garbage.push(...observer.takeRecords())
      observer.disconnect()
      for (const name of calls) fs[name] = wrapped[name]
      times.close()
      const { ms, fromMs, toMs, waitMs, cpuMs } = longest
      const within = garbage.filter(({ startTime, duration }) => startTime < toMs && startTime + duration > fromMs)
      const garbageMs = within.reduce((sum, { duration }) => sum + duration, 0)
      const functions = profiler.stop(fromMs, toMs)
      const turn = { ms, waitMs, cpuMs, garbageMs, functions, files: Object.fromEntries(longest.files ?? []) }
      return { turn, calls: Object.fromEntries(longestCalls) }
    },
  }
}

function kindOf(path) {
  const name = basename(String(path)).replace(/^__.*|\.[0-9a-f]{32}-/, 'log directory')
  return extname(name) || name.replace(/^.*-\d+$/, 'log directory')
}

/** Samples the function that runs, every millisecond. */
function startProfiler() {
  const session = new Session()
  session.connect()
  let profile
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: 1000 * TICK_MS })
  session.post('Profiler.start')
  return {
    /** Milliseconds by function within that time, the largest first. */
    stop(fromMs, toMs) {
      session.post('Profiler.stop', (_, result) => {
        profile = result.profile
      })
      session.disconnect()
      return functionsWithin(profile, fromMs, toMs)
    },
  }
}

/** Profiles count microseconds of the monotonic clock; so does hrtime, from which performance.now is derived. */
function functionsWithin({ nodes, samples, timeDeltas, startTime }, fromMs, toMs) {
  const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName || callFrame.url || '?']))
  const spent = {}
  let atUs = startTime
  for (const [index, sample] of samples.entries()) {
    const before = atUs
    atUs += timeDeltas[index]
    const [startMs, endMs] = [before / 1000 - offsetMs, atUs / 1000 - offsetMs]
    const ms = Math.min(endMs, toMs) - Math.max(startMs, fromMs)
    if (ms > 0) spent[names.get(sample)] = (spent[names.get(sample)] ?? 0) + ms
  }
  const sorted = Object.entries(spent).sort(([, a], [, b]) => b - a)
  return Object.fromEntries(sorted.slice(0, 8))
}

/** How long this thread ran, and how long it was runnable but had no processor, because of other programs. Linux only. */
function threadTimes() {
  let descriptor
  try {
    descriptor = original.openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  } catch {
    return { now: () => ({ cpuMs: 0, waitMs: 0 }), close() {} }
  }
  const buffer = Buffer.alloc(100)
  return {
    now() {
      const size = original.readSync(descriptor, buffer, 0, buffer.length, 0)
      const [cpuNs, waitNs] = buffer.toString('latin1', 0, size).split(' ')
      return { cpuMs: Number(cpuNs) / 1e6, waitMs: Number(waitNs) / 1e6 }
    },
    close: () => original.closeSync(descriptor),
  }
}
