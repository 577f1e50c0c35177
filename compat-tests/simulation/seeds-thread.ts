/** Thread: runs seeds of one part and reports each that failed; ends when all have run. */
import { parentPort, workerData } from 'node:worker_threads'
import { simulationParts } from './parts.ts'

/** Seeds from `first` up to but not including `end`. */
export interface SeedsTask {
  readonly part: string
  readonly first: number
  readonly end: number
}

export interface FailedSeed {
  readonly seed: number
  /** The violated rule, with its stack. */
  readonly why: string
}

const { part, first, end } = workerData as SeedsTask
for (let seed = first; seed < end; seed++) {
  try {
    await simulationParts[part]!(seed)
  } catch (error) {
    const failed: FailedSeed = { seed, why: String((error as Error).stack) }
    parentPort!.postMessage(failed)
  }
}
