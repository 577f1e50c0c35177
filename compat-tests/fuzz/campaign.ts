import { startThread } from '../typescript-thread.ts'
import type { WorkerReport, WorkerTask } from './fuzz-worker.ts'
import type { Counts } from './kind.ts'
import { type LongTurn, LongTurns } from './long-turns.ts'
import { ProgressPage } from './progress-page.ts'
import type { FailedCase } from './run-cases.ts'

/** Cases to run, and their limits. */
export interface CampaignOptions {
  /** Absolute address (file:) of a module that exports `kinds`; the cases run in threads that load it. */
  readonly kindsModule: string
  readonly seed: number
  /** Cases of one kind: from `first` up to but not including `end`. */
  readonly parts: readonly { readonly kind: string; readonly first: number; readonly end: number }[]
  /** A case that uses more processor time is ended. */
  readonly hangMs?: number
  /** A process larger than this is ended. */
  readonly memoryLimitBytes?: number
  /** Heap limit of the thread. */
  readonly heapLimitMb?: number
  readonly onFailure?: (failure: FailedCase) => void
  readonly onProgress?: (kind: string, casesDone: number, cases: number) => void
}

/** Result of a campaign. */
export interface CampaignResult {
  /** By kind. */
  readonly counts: ReadonlyMap<string, Counts>
  readonly cases: ReadonlyMap<string, number>
  readonly failures: readonly FailedCase[]
  /** Longest turns of the event loop, in cases that use a whole broker; the longest first. */
  readonly longTurns: readonly LongTurn[]
}

const LOOK_EVERY_MS = 250
const HANG_MS = 20_000
/** A case without processor time makes no progress; a busy machine needs patience. */
const STILL_MS = 180_000
const MEMORY_LIMIT_BYTES = 3 * 1024 * 1024 * 1024
const HEAP_LIMIT_MB = 1024
/** After this many failures a kind ends: the first ones show the cause. */
const FAILURES_ENOUGH = 40

/** Runs cases in a thread and monitors it: if the thread hangs, dies or uses too much memory, the case is reported. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const result = {
    counts: new Map<string, Record<string, number>>(),
    cases: new Map<string, number>(),
    failures: [] as FailedCase[],
  }
  const turns = new LongTurns()
  for (const { kind, first, end } of options.parts) {
    const sums: Record<string, number> = {}
    result.counts.set(kind, sums)
    let done = 0
    let failed = 0
    const fail = (failure: FailedCase) => {
      failed++
      result.failures.push(failure)
      options.onFailure?.(failure)
    }
    for (let next = first; next < end && failed < FAILURES_ENOUGH; ) {
      const ended = await runPart(
        options,
        { kind, first: next, end },
        {
          onCounts(counts, cases) {
            for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count
            done += cases
            options.onProgress?.(kind, done, end - first)
          },
          onFailure: fail,
          onTurn: (turn) => turns.add(turn),
        },
      )
      if (ended === undefined) break
      // This case ended the thread; the next thread continues after it.
      fail(ended)
      next = Math.max(ended.index, next) + 1
    }
    result.cases.set(kind, done)
  }
  return { ...result, longTurns: turns.longest }
}

interface PartObserver {
  onCounts(counts: Counts, cases: number): void
  onFailure(failure: FailedCase): void
  onTurn(turn: LongTurn): void
}

/** Undefined once all cases have run; otherwise the case that ended the thread. */
function runPart(
  options: CampaignOptions,
  part: { readonly kind: string; readonly first: number; readonly end: number },
  observer: PartObserver,
): Promise<FailedCase | undefined> {
  const page = new ProgressPage()
  const task: WorkerTask = { ...part, kindsModule: options.kindsModule, seed: options.seed, page: page.shared }
  const worker = startThread(new URL('./fuzz-worker.ts', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: options.heapLimitMb ?? HEAP_LIMIT_MB },
  })
  return new Promise((resolve, reject) => {
    let reported = 0
    const watch = watchOver(page, options, (why) => end(why))
    let isOver = false
    const end = async (why?: string) => {
      // A terminated thread also emits its end.
      if (isOver) return
      isOver = true
      clearInterval(watch)
      await worker.terminate()
      if (why === undefined) resolve(undefined)
      else if (page.index < 0) reject(new Error(`before the first case ${why}`))
      else {
        // Completed cases not yet reported, and this one.
        observer.onCounts({}, Math.max(0, page.index - part.first + 1 - reported))
        resolve({ kind: part.kind, seed: options.seed, index: page.index, why, input: page.input.toString('hex') })
      }
    }
    worker.on('message', (report: WorkerReport) => {
      if (report.type === 'counts') {
        reported += report.cases
        observer.onCounts(report.counts, report.cases)
        for (const turn of report.turns) observer.onTurn(turn)
      } else if (report.type === 'failed') observer.onFailure(report.failure)
      else end()
    })
    worker.on('error', (error) => end(`the thread died: ${error.stack ?? error}`))
    worker.on('exit', (code) => end(`the thread ended with ${code}`))
  })
}

function watchOver(page: ProgressPage, options: CampaignOptions, end: (why: string) => void): NodeJS.Timeout {
  const { hangMs = HANG_MS, memoryLimitBytes = MEMORY_LIMIT_BYTES } = options
  let ticks = page.ticks
  let since = { cpu: process.cpuUsage(), wallMs: performance.now() }
  return setInterval(() => {
    if (process.memoryUsage.rss() > memoryLimitBytes) end(`the process takes more than ${memoryLimitBytes} bytes`)
    if (page.ticks !== ticks) {
      ticks = page.ticks
      since = { cpu: process.cpuUsage(), wallMs: performance.now() }
      return
    }
    const { user, system } = process.cpuUsage(since.cpu)
    if ((user + system) / 1000 > hangMs) end(`the case hangs: it has not ended after ${hangMs} ms of processor time`)
    else if (performance.now() - since.wallMs > STILL_MS) end(`the case has not ended after ${STILL_MS} ms`)
  }, LOOK_EVERY_MS)
}
