import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Program, startProgram } from '../../moving-leaders/start-program.ts'
import { waitFor, within } from '../../wait-for.ts'

const ENDS_WITHIN_MS = 60_000

/** A line that the program prints. */
export interface CopyEvent {
  /**
   * ready: its producer has its epoch. held: it waits in the middle of a transaction. committed, aborted: a transaction
   * ended so. failed: the client gave up with an error.
   */
  readonly did: 'ready' | 'held' | 'committed' | 'aborted' | 'failed'
  /** Counted from 0 by each process. */
  readonly transaction?: number
  /** Records of the transaction. */
  readonly count?: number
  readonly error?: string
}

export interface CopyOptions {
  readonly command: readonly string[]
  readonly bootstrap: string
  readonly input: string
  readonly output: string
  readonly group: string
  readonly transactionalId: string
  /** It ends, with exit code 0, once it has committed so many records. */
  readonly count: number
  /** It aborts each n-th transaction when it is ready to be committed, and reads its records again. 0: none. */
  readonly abortEvery?: number
  /** Number of the transaction that it does not commit until `release`. */
  readonly holdAt?: number
  /** Session timeout of its consumer. */
  readonly sessionMs: number
  /** Settings of its consumer. */
  readonly settings?: readonly string[]
}

/**
 * A program with a stock client that copies a topic in transactions, up to 20 records each:
 *
 *   PROGRAM copy BOOTSTRAP INPUT OUTPUT GROUP TRANSACTIONAL_ID COUNT ABORT_EVERY HOLD_AT SESSION_MS [SETTING=VALUE...]
 *
 * A record goes to the partition of the same number; the copy of value V has the value `V PID TRANSACTION`. The offsets
 * of the group are committed in the transaction. It prints a CopyEvent, as JSON, a line. While it is held it waits for a
 * line of its input. Errors that say that the group rebalances abort the transaction; after any other it fails, with exit
 * code 1. The second verb prints the values of a topic up to the value `end` in each partition, for both isolation levels,
 * as {"isolation", "partition", "value"}:
 *
 *   PROGRAM read BOOTSTRAP TOPIC PARTITIONS
 */
export class CopyProcess {
  readonly events: CopyEvent[] = []
  readonly #name: string
  readonly #child: Program
  readonly #closed: Promise<unknown>
  #errors = ''
  #lastEventMs = performance.now()

  constructor(options: CopyOptions) {
    const { command, bootstrap, input, output, group, transactionalId, count, sessionMs, settings = [] } = options
    const numbers = [count, options.abortEvery ?? 0, options.holdAt ?? -1, sessionMs].map(String)
    const topics = [input, output, group, transactionalId]
    this.#name = transactionalId
    this.#child = startProgram([...command, 'copy', bootstrap, ...topics, ...numbers, ...settings])
    this.#closed = once(this.#child, 'close')
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString('utf8')).slice(-1000)
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.events.push(JSON.parse(line))
      this.#lastEventMs = performance.now()
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Time since its last event, or its start. */
  get silentMs(): number {
    return performance.now() - this.#lastEventMs
  }

  /** What it said last, for messages. */
  get state(): string {
    const { exitCode, signalCode } = this.#child
    const last = this.events.slice(-3).map((event) => JSON.stringify(event))
    return `${this.#name}: ${exitCode ?? signalCode ?? 'runs'} ${last.join(' ')}\n${this.#errors}`
  }

  /** Records in transactions that ended so. */
  records(did: CopyEvent['did']): number {
    return this.events.reduce((sum, event) => (event.did === did ? sum + (event.count ?? 0) : sum), 0)
  }

  /** Waits until it has done that. Rejects if it ends before. */
  async until(did: CopyEvent['did'], withinMs = ENDS_WITHIN_MS): Promise<CopyEvent> {
    const found = () => this.events.find((event) => event.did === did)
    const look = () => {
      if (found() === undefined && this.hasEnded) throw new Error('it has ended')
      return found()
    }
    return waitFor(`${this.#name} is ${did}`, look, withinMs).catch((cause) => {
      throw new Error(`${cause.message}\n${this.state}`, { cause })
    })
  }

  /** Lets it go on with the transaction in which it waits. */
  release(): void {
    this.#child.stdin.write('\n')
  }

  /** Resolves to its exit code once it has ended on its own. */
  async ended(): Promise<number | null> {
    await within(`${this.#name} ends`, this.#closed, ENDS_WITHIN_MS).catch((cause) => {
      throw new Error(`${cause.message}\n${this.state}`, { cause })
    })
    return this.#child.exitCode
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return
    this.#child.kill('SIGKILL')
    await this.#closed
  }
}
