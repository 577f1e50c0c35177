import { once } from 'node:events'
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { within } from '../wait-for.ts'
import { type Program, startProgram } from './start-program.ts'

/** Starting a broker, or moving a leader, takes milliseconds: this is for a busy machine. */
const WITHIN_MS = 60_000

/** Three brokers with the node ids 1, 2 and 3 in one separate process. */
export class Brokers {
  readonly #child: Program
  readonly #answers: AsyncIterator<string>
  readonly #lines: Interface
  /** Ports by node id minus one. */
  ports: readonly number[] = []
  /** Lines of the brokers' log with the level error. */
  readonly errors: string[] = []

  private constructor(child: Program, directory: string) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })
    this.#answers = this.#lines[Symbol.asyncIterator]()
    const file = createWriteStream(join(directory, 'brokers.log'))
    createInterface({ input: child.stderr }).on('line', (line) => {
      file.write(`${line}\n`)
      if (!/^\S+ WARN /.test(line)) this.errors.push(line)
    })
  }

  /** directory: gets their data and their log. */
  static async start(directory: string, settings: Readonly<Record<string, string>>): Promise<Brokers> {
    const data = join(directory, 'data')
    mkdirSync(data, { recursive: true })
    const given = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    const program = [join(import.meta.dirname, 'brokers-process.ts'), data, ...given]
    const brokers = new Brokers(startProgram([process.execPath, '--import', 'tsx', ...program]), directory)
    try {
      brokers.ports = (await brokers.#answer('the brokers start')).split(' ').map(Number)
    } catch (error) {
      await brokers.end()
      throw error
    }
    return brokers
  }

  get bootstrap(): string {
    return this.ports.map((port) => `127.0.0.1:${port}`).join(',')
  }

  /** Gives a command of brokers-process.ts and resolves to what came of it. */
  tell(command: string): Promise<string> {
    this.#child.stdin.write(`${command}\n`)
    return this.#answer(command)
  }

  async #answer(what: string): Promise<string> {
    const { value, done } = await within(what, this.#answers.next(), WITHIN_MS)
    if (done) throw new Error(`the brokers ended: ${what}\n${this.errors.join('\n')}`)
    return value
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.stdin.end()
    await within('the brokers stop', closed, WITHIN_MS).catch(() => this.#child.kill('SIGKILL'))
  }
}
