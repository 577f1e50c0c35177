import { WASI } from 'node:wasi'

/** WASI's name for the clock of the calling thread's processor time. */
const THREAD_CPUTIME = 3
const NANOSECONDS_IN_MS = 1e6

// The types of Node.js have no values of WebAssembly.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } }
}

/**
 * Returns a clock of the processor time used by the calling thread, in milliseconds. `process.cpuUsage` also counts the
 * threads of the garbage collector and the compiler, and Node.js 20 gives no other access to a thread's own time.
 */
export function threadClock(): () => number {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const wasi = new WASI({ version: 'preview1' })
  wasi.initialize({ exports: { memory } })
  const result = new DataView(memory.buffer)
  const readClock = wasi.wasiImport.clock_time_get as (clock: number, precision: bigint, position: number) => number
  return () => {
    const error = readClock(THREAD_CPUTIME, 1n, 0)
    if (error !== 0) throw new Error(`a thread's processor time cannot be read here: WASI error ${error}`)
    return Number(result.getBigUint64(0, true)) / NANOSECONDS_IN_MS
  }
}
