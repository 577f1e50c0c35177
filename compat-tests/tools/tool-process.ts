import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { kafkaToolCommand } from '../../scripts/kafka-tool.ts'
import { within } from '../wait-for.ts'

const STOP_WITHIN_MS = 60_000

/** A stock tool that runs until it is stopped, in a JVM of its own. */
export class ToolProcess {
  /** Its output so far. */
  log = ''
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk) => {
        this.log += chunk
      })
  }

  static async start(version: string, tool: string, args: readonly string[], cwd: string): Promise<ToolProcess> {
    const [file, ...rest] = await kafkaToolCommand(version, tool, args)
    return new ToolProcess(spawn(file!, rest, { cwd, stdio: ['ignore', 'pipe', 'pipe'] }))
  }

  /** Throws with its output if it has ended. */
  expectAlive(): void {
    if (this.#hasEnded) throw new Error(`it ended: ${this.log.slice(-4000)}`)
  }

  /** Resolves once it is gone; nothing to do if it already is. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#hasEnded) return
    const closed = once(this.#child, 'close')
    this.#child.kill(signal)
    await within('the tool ends', closed, STOP_WITHIN_MS)
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }
}

/** Text of a properties file. */
export function propertiesText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
