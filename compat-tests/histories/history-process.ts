import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Program, startProgram } from '../moving-leaders/start-program.ts'
import type { Operation, Outcome } from './history.ts'

/** A line of the program's input: a transaction to run. */
export interface TransactionWish {
  /** What it does, in this order. */
  readonly ops: readonly Wish[]
  readonly end: 'commit' | 'abort'
}

export type Wish =
  /** Sends a record without a key, and does not wait. Its value has digits only. */
  | { readonly send: { readonly partition: number; readonly value: string } }
  /** Asks the consumer for so many records at most. Waits 200 ms or so for the first. */
  | { readonly poll: number }

/** A line that the program prints. */
interface Line {
  /**
   * ready: its producer has its epoch. committed, aborted: the client ended the transaction so, and said that it
   * succeeded. unknown: it may have ended either way; the program ends. failed: an error outside of a transaction, or of
   * the consumer; the program ends.
   */
  readonly did: Outcome | 'ready' | 'failed'
  /** Those that were begun, in order. */
  readonly ops?: readonly Operation[]
  /** Name of the error, also of one after which the transaction was aborted; franz-go has messages. */
  readonly error?: string
}

/** What the program said of a transaction. */
export interface Answer {
  readonly outcome: Outcome
  /** Those that it began, in order. */
  readonly operations: readonly Operation[]
}

/**
 * A program with a stock client that does transactions as it is told:
 *
 *   PROGRAM history BOOTSTRAP TOPIC PARTITIONS TRANSACTIONAL_ID TRANSACTION_TIMEOUT_MS
 *
 * BOOTSTRAP may name several brokers. Its consumer reads what is committed in partitions 0 to PARTITIONS-1 of TOPIC, from
 * offset 0, outside of any group. The consumer's position only moves forward, whatever becomes of the transaction in which
 * it reads.
 *
 * Once its producer has its epoch it prints the Line `ready`, as JSON. From then on it reads a TransactionWish a line, as
 * JSON with the fields in the order in which they are declared, and answers each with a Line. Before the end of a
 * transaction it waits for the records that it sent. It aborts a transaction that should be committed after an error for
 * which the client's documentation says so. Errors that the client calls retriable are tried again, for a minute; nothing
 * waits without end. At the end of its input it exits at once with code 0, and with code 1 after `unknown` and `failed`.
 * Diagnostics go to its standard error stream.
 */
export class HistoryProcess {
  readonly #child: Program
  readonly #closed: Promise<unknown>
  readonly #lines: AsyncIterator<string>
  #errors = ''
  #lastLine = ''
  /** It has closed its output. */
  #isSilent = false

  /** command: with its arguments. */
  constructor(command: readonly string[]) {
    this.#child = startProgram(command)
    this.#closed = once(this.#child, 'close')
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString('utf8')).slice(-1000)
    })
  }

  /** Whether there is nothing more to hear from it. */
  get hasEnded(): boolean {
    return this.#isSilent || this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** What became of it, for messages. */
  get state(): string {
    const { exitCode, signalCode } = this.#child
    return `${exitCode ?? signalCode ?? 'runs'} ${this.#lastLine}\n${this.#errors}`
  }

  /** Resolves once its producer has its epoch: to false if it ended before. */
  async ready(): Promise<boolean> {
    const said = await this.#next()
    return said?.did === 'ready'
  }

  /** Runs a transaction. Undefined: the process ended without a word of it. */
  async run(wish: TransactionWish): Promise<Answer | undefined> {
    this.#child.stdin.write(`${JSON.stringify(wish)}\n`)
    const { did, ops = [] } = (await this.#next()) ?? {}
    if (did === undefined || did === 'failed') return undefined
    if (did === 'ready') throw new Error('it was ready before')
    return { outcome: did, operations: ops }
  }

  async #next(): Promise<Line | undefined> {
    const { value, done } = await this.#lines.next()
    this.#isSilent = done === true
    if (done) return undefined
    this.#lastLine = value
    return JSON.parse(value)
  }

  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }
}
