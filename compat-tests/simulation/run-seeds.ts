import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { startThread } from '../typescript-thread.ts'
import type { FailedSeed, SeedsTask } from './seeds-thread.ts'

/** Runs the seeds of a part, shared out among the processors. Returns those that failed, in order. */
export async function runSeeds({ part, first, end }: SeedsTask): Promise<readonly FailedSeed[]> {
  const threads = availableParallelism()
  const startOf = (thread: number) => first + Math.floor(((end - first) * thread) / threads)
  const shares = Array.from({ length: threads }, (_, i) => ({ part, first: startOf(i), end: startOf(i + 1) }))
  const failed = await Promise.all(shares.map(runShare))
  return failed.flat()
}

async function runShare(task: SeedsTask): Promise<FailedSeed[]> {
  const thread = startThread(new URL('./seeds-thread.ts', import.meta.url), { workerData: task })
  const failed: FailedSeed[] = []
  thread.on('message', (each: FailedSeed) => failed.push(each))
  // Rejects with the error that ended the thread.
  await once(thread, 'exit')
  return failed
}
