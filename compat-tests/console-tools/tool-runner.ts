import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { kafkaJars, mainClass } from '../../scripts/kafka-tool.ts'
import { javaProgram } from '../java-program.ts'
import type { CommandOptions, CommandResult } from '../run-command.ts'
import { within } from '../wait-for.ts'

const PROGRAM = join(import.meta.dirname, 'ToolRunner.java')
/** Jars with the tools' own classes; the runner loads those again for each run. */
const TOOL_JARS = /^(kafka(_[\d.]+|-tools)|zookeeper)-\d[\d.]*\.jar$/

/** A tool run cannot have its own working directory or environment. */
export type ToolOptions = Pick<CommandOptions, 'input' | 'inputFile' | 'outputFile' | 'timeoutMs'>

/**
 * Runs the unmodified main classes of one version's stock tools one after the other in one JVM, because starting a JVM
 * costs more than most tool runs in the tests. `close()` ends it.
 */
export class ToolRunner {
  readonly #version: string
  readonly #child: ChildProcess
  readonly #folder: string
  #last: Promise<unknown> = Promise.resolve()
  /** Called with the exit code of the current run, or with undefined if the JVM ended. */
  #onAnswer: (code: string | undefined) => void = () => {}
  /** Output of the JVM itself; each tool run writes to its own files. */
  #saidByJvm = ''

  private constructor(version: string, child: ChildProcess, folder: string) {
    this.#version = version
    this.#child = child
    this.#folder = folder
    createInterface({ input: child.stdout! }).on('line', (line) => this.#onAnswer(line))
    child.stderr!.on('data', (chunk: Buffer) => {
      this.#saidByJvm += chunk.toString('utf8')
    })
    child.stdin!.on('error', () => {}) // EPIPE: the JVM has ended; the next run reports it
    child.once('close', () => this.#onAnswer(undefined))
    process.once('exit', this.#kill)
  }

  static async start(version: string): Promise<ToolRunner> {
    const lib = await kafkaJars(version)
    const jars = readdirSync(lib).filter((name) => name.endsWith('.jar'))
    const own = jars.filter((name) => TOOL_JARS.test(name)).map((name) => join(lib, name))
    const rest = jars.filter((name) => !TOOL_JARS.test(name)).map((name) => join(lib, name))
    // JDK 18 and later let a program refuse to exit only with this flag; the runner runs the shutdown hooks.
    const flags = ['-Xmx256m', '-Djava.security.manager=allow', '--add-opens', 'java.base/java.lang=ALL-UNNAMED']
    const [file, ...args] = [...(await javaProgram(PROGRAM, rest.join(delimiter), ...flags)), ...own]
    const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    await once(child, 'spawn')
    return new ToolRunner(version, child, mkdtempSync(join(tmpdir(), 'ottla-tools-')))
  }

  /** Like `runKafkaTool`: resolves whatever the exit code. Waits for earlier runs. */
  run(tool: string, args: readonly string[], options: ToolOptions = {}): Promise<CommandResult> {
    const run = this.#last.then(() => this.#run(tool, args, options))
    this.#last = run.catch(() => {}) // the caller of that run handles the error, not those that wait behind it
    return run
  }

  async close(): Promise<void> {
    process.off('exit', this.#kill)
    const ended = this.#hasEnded || once(this.#child, 'exit')
    this.#kill()
    await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  readonly #kill = () => this.#child.kill('SIGKILL')

  async #run(tool: string, args: readonly string[], options: ToolOptions): Promise<CommandResult> {
    const input = options.inputFile ?? join(this.#folder, 'in')
    if (options.inputFile === undefined) writeFileSync(input, options.input ?? '')
    const stdout = options.outputFile ?? join(this.#folder, 'out')
    const stderr = join(this.#folder, 'err')
    for (const file of [stdout, stderr]) writeFileSync(file, '')
    const fields = [await mainClass(this.#version, tool), input, stdout, stderr, ...args]
    const answered = new Promise<string | undefined>((resolve) => {
      this.#onAnswer = resolve
      if (this.#hasEnded) resolve(undefined)
    })
    this.#child.stdin!.write(`${fields.map((field) => Buffer.from(field).toString('base64')).join(' ')}\n`)
    const what = `${tool} ${args.join(' ')}`
    try {
      const code = await within(what, answered, options.timeoutMs ?? 60_000)
      if (code === undefined) throw new Error(`the JVM ended: ${this.#saidByJvm}`)
      return { code: Number(code), signal: null, ...output() }
    } catch (error) {
      this.#kill() // a late answer would be taken for that of the next run
      throw new Error(`${what}\n${Object.values(output()).join('\n')}`, { cause: error })
    }

    function output() {
      const printed = options.outputFile === undefined ? readFileSync(stdout, 'utf8') : ''
      return { stdout: printed, stderr: readFileSync(stderr, 'utf8') }
    }
  }
}
