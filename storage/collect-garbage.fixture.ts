import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Runs the collector, so that WeakRefs tell what is still held, in a process that was not started with --expose-gc. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  // WeakRefs keep what they point to until the turn ends.
  await new Promise((resolve) => setImmediate(resolve))
  runInNewContext('gc')()
}
