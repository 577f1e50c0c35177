import { once } from 'node:events'
import { type Program, startProgram } from './moving-leaders/start-program.ts'
import { waitFor, within } from './wait-for.ts'

const WITHIN_MS = 90_000

/** A program that runs until it is told to end, such as an application or a worker. */
export class LongProgram {
  readonly #child: Program
  readonly #closed: Promise<unknown>
  #output = ''

  constructor(command: readonly string[]) {
    this.#child = startProgram(command)
    this.#closed = once(this.#child, 'close')
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString('utf8')
      })
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Throws with its output if it has ended. */
  expectAlive(): void {
    const { exitCode, signalCode } = this.#child
    if (this.#hasEnded) throw new Error(`it ended with ${exitCode ?? signalCode}:\n${this.#output.slice(-4000)}`)
  }

  /** Waits until that is so. Rejects with the program's output if it ends before, or takes too long. */
  async until(what: string, condition: (output: string) => boolean | Promise<boolean>): Promise<void> {
    const isSo = () => this.#hasEnded || condition(this.#output)
    await waitFor(what, isSo, WITHIN_MS).catch((cause) => {
      throw new Error(`${cause.message}: ${cause.cause?.message}\n${this.#output.slice(-4000)}`, { cause })
    })
    this.expectAlive()
  }

  /** Ends its input, or sends that signal; resolves to its exit code. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal === undefined) this.#child.stdin.end()
    else this.#child.kill(signal)
    await within('the program ends', this.#closed, WITHIN_MS)
    return this.#child.exitCode
  }

  async kill(): Promise<void> {
    if (!this.#hasEnded) await this.end('SIGKILL')
  }
}
