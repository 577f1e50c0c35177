import { once } from 'node:events'
import { join } from 'node:path'
import { kafkaToolCommand } from '../../../scripts/kafka-tool.ts'
import { mavenJars } from '../../../scripts/maven-jars.ts'
import { javaProgram } from '../../java-program.ts'
import { type Program, startProgram } from '../../moving-leaders/start-program.ts'
import { runCommandWell } from '../../run-command.ts'
import { waitFor, within } from '../../wait-for.ts'

const VERSION = '4.4.0'
const WITHIN_MS = 60_000

/** A Kafka Streams application of this folder, in a process of its own. */
export class StreamsApplication {
  readonly #child: Program
  readonly #closed: Promise<unknown>
  #output = ''

  private constructor(child: Program) {
    this.#child = child
    this.#closed = once(child, 'close')
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString('utf8')
      })
  }

  /** stateFolder: gets its stores. */
  static async start(file: string, bootstrap: string, stateFolder: string): Promise<StreamsApplication> {
    const artifact = { group: 'org.apache.kafka', name: 'kafka-streams', version: VERSION }
    const jars = await mavenJars(`streams-${VERSION}`, [artifact])
    const program = await javaProgram(join(import.meta.dirname, file), join(jars, '*'), '-Xmx256m')
    return new StreamsApplication(startProgram([...program, bootstrap, stateFolder]))
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async running(): Promise<void> {
    const isRunning = () => {
      this.expectAlive()
      return this.#output.includes('RUNNING')
    }
    await waitFor('the application runs', isRunning, WITHIN_MS)
  }

  /** Throws with its output if it has ended. */
  expectAlive(): void {
    const { exitCode, signalCode } = this.#child
    if (this.#hasEnded) throw new Error(`it ended with ${exitCode ?? signalCode}:\n${this.#output.slice(-4000)}`)
  }

  /** Ends it orderly; resolves to its exit code. */
  async end(): Promise<number | null> {
    this.#child.stdin.end()
    await within('the application ends', this.#closed, WITHIN_MS)
    return this.#child.exitCode
  }

  async kill(): Promise<void> {
    if (this.#hasEnded) return
    this.#child.kill('SIGKILL')
    await this.#closed
  }
}

/** Runs kafka-streams-application-reset, which deletes internal topics, offsets and producers. */
export async function resetApplication(bootstrap: string, id: string, ...inputTopics: readonly string[]) {
  const args = ['--bootstrap-server', bootstrap, '--application-id', id, '--input-topics', inputTopics.join(',')]
  await runCommandWell(await kafkaToolCommand(VERSION, 'kafka-streams-application-reset', [...args, '--force']))
}
