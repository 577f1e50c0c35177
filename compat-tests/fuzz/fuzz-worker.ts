/** The thread that runs cases. A campaign starts it, and ends it if a case hangs. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Counts, FuzzKind } from './kind.ts'
import { type LongTurn, LongTurns } from './long-turns.ts'
import { ProgressPage } from './progress-page.ts'
import { catchUncaughtErrors, type FailedCase, runCases } from './run-cases.ts'

/** Task of a worker. */
export interface WorkerTask {
  /** Module that exports `kinds`. */
  readonly kindsModule: string
  readonly kind: string
  readonly seed: number
  readonly first: number
  readonly end: number
  readonly page: SharedArrayBuffer
}

/** Reports of a worker: periodic sums, each failure at once, and its end. */
export type WorkerReport =
  | { readonly type: 'counts'; readonly counts: Counts; readonly cases: number; readonly turns: readonly LongTurn[] }
  | { readonly type: 'failed'; readonly failure: FailedCase }
  | { readonly type: 'done' }

const CASES_BETWEEN_REPORTS = 500

async function work(task: WorkerTask): Promise<void> {
  catchUncaughtErrors()
  const { kinds } = (await import(task.kindsModule)) as { kinds: readonly FuzzKind[] }
  const kind = kinds.find(({ name }) => name === task.kind)!
  const page = new ProgressPage(task.page)
  const report = (message: WorkerReport) => parentPort!.postMessage(message)
  let sums: Record<string, number> = {}
  let cases = 0
  let turns = new LongTurns()
  const flush = () => {
    report({ type: 'counts', counts: sums, cases, turns: turns.longest })
    sums = {}
    turns = new LongTurns()
    cases = 0
  }
  await runCases(kind, task.seed, task, {
    began(index) {
      page.index = index
      page.tick()
    },
    input(bytes) {
      page.input = bytes
    },
    ended(counts) {
      for (const name in counts) sums[name] = (sums[name] ?? 0) + counts[name]!
      if (++cases === CASES_BETWEEN_REPORTS) flush()
    },
    turned: (turn) => turns.add(turn),
    failed(failure) {
      cases++
      report({ type: 'failed', failure })
    },
  })
  flush()
  report({ type: 'done' })
}

await work(workerData as WorkerTask)
