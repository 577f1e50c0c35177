import { type HistoryWriter, type Operation, polledBy, type Transaction } from './history.ts'
import type { HistoryClient } from './history-clients.ts'
import { HistoryProcess, type TransactionWish, type Wish } from './history-process.ts'

export interface HistoryMemberOptions {
  readonly client: HistoryClient
  readonly transactionalId: string
  /** Of its program, with the transactional id. */
  readonly command: readonly string[]
  /** The next transaction for a process that has polled so many records; undefined if there are no more for it. */
  wish(polled: number): TransactionWish | undefined
  /** Gets each transaction once its outcome is known, or known to be unknown. */
  record(transaction: Transaction): void
}

/** A process of a member. */
interface Run {
  readonly process: HistoryProcess
  readonly name: string
  /** Undefined until its producer is ready. */
  writer?: HistoryWriter
  /** Number of records. */
  polled: number
}

/** A transactional id, with the processes that had it: the last one, and others that may not have noticed. */
export class HistoryMember {
  readonly #options: HistoryMemberOptions
  readonly #runs: Run[] = []
  readonly #driving = new Set<Promise<void>>()

  constructor(options: HistoryMemberOptions) {
    this.#options = options
  }

  get client(): HistoryClient {
    return this.#options.client
  }

  get transactionalId(): string {
    return this.#options.transactionalId
  }

  /** Number of processes so far. */
  get processes(): number {
    return this.#runs.length
  }

  /** The newest process. */
  get current(): HistoryProcess {
    return this.#runs.at(-1)!.process
  }

  /** Records that the newest process has polled. */
  get polled(): number {
    return this.#runs.at(-1)!.polled
  }

  /** Starts a process that runs transactions. The one before, if it runs, is expected to be fenced. */
  start(): void {
    const name = `${this.transactionalId} ${this.#runs.length + 1}`
    const run = { process: new HistoryProcess(this.#options.command), name, polled: 0 }
    this.#runs.push(run)
    this.#drive(run)
  }

  /** Lets the newest process, or a new one if that has ended, run what more there is. */
  goOn(): void {
    const run = this.#runs.at(-1)!
    if (run.process.hasEnded) this.start()
    else this.#drive(run)
  }

  /** Waits until no process runs a transaction, and there are no more for them. */
  async finished(): Promise<void> {
    await Promise.all(this.#driving)
  }

  async kill(): Promise<void> {
    await Promise.all(this.#runs.map(({ process }) => process.kill()))
  }

  #drive(run: Run): void {
    const driving = this.#transact(run).finally(() => this.#driving.delete(driving))
    this.#driving.add(driving)
  }

  async #transact(run: Run): Promise<void> {
    const { process, name } = run
    if (run.writer === undefined && !(await process.ready())) return
    run.writer ??= { name, transactionalId: this.transactionalId, readyMs: performance.now() }
    while (!process.hasEnded) {
      const wish = this.#options.wish(run.polled)
      if (wish === undefined) return
      const transaction = await transact(process, run.writer, wish)
      run.polled += polledBy(transaction).length
      this.#options.record(transaction)
    }
  }
}

async function transact(process: HistoryProcess, writer: HistoryWriter, wish: TransactionWish): Promise<Transaction> {
  const startMs = performance.now()
  const answer = await process.run(wish)
  const outcome = answer?.outcome ?? 'unknown'
  const operations = wish.ops.map((each, index) => answer?.operations[index] ?? notTold(each))
  const endMs = outcome === 'unknown' ? {} : { endMs: performance.now() }
  return { process: writer, outcome, operations, startMs, ...endMs }
}

/** An operation that may have been done. */
function notTold(wish: Wish): Operation {
  return 'send' in wish ? { sent: wish.send } : { polled: [] }
}
