import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Runs the garbage collector, to check WeakRefs, in a process that was started without --expose-gc. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  // A WeakRef keeps its target alive until the turn ends.
  await new Promise((resolve) => setImmediate(resolve))
  runInNewContext('gc')()
}
