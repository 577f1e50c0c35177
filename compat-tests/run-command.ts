import { spawn } from 'node:child_process'
import { closeSync, createReadStream, openSync } from 'node:fs'

export interface CommandResult {
  /** Null if a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Empty if it went to a file. */
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** Standard input of the program; it ends after this. */
  readonly input?: string | Buffer
  readonly inputFile?: string
  readonly outputFile?: string
  readonly cwd?: string
  /** Added to this process's own environment. */
  readonly env?: Record<string, string>
  /** After that time the program is killed and the call rejects. */
  readonly timeoutMs?: number
}

/** Runs a program to its end, whatever its exit code. Rejects if it cannot be started or takes too long. */
export function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file, ...args] = command
  const timeoutMs = options.timeoutMs ?? 60_000
  return new Promise((resolve, reject) => {
    const outputFile = options.outputFile === undefined ? undefined : openSync(options.outputFile, 'w')
    const child = spawn(file!, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', outputFile ?? 'pipe', 'pipe'],
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, timeoutMs)
    child.stdout?.on('data', (chunk) => stdout.push(chunk))
    child.stderr!.on('data', (chunk) => stderr.push(chunk))
    child.stdin!.on('error', () => {}) // EPIPE: the program may end before it has read everything; its exit code tells
    if (options.inputFile !== undefined) createReadStream(options.inputFile).pipe(child.stdin!)
    else child.stdin!.end(options.input ?? '')
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (outputFile !== undefined) closeSync(outputFile)
      const result = {
        code,
        signal,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }
      if (late) {
        reject(new Error(`${command.join(' ')}: still running after ${timeoutMs} ms\n${endsOf(result)}`))
      } else resolve(result)
    })
  })
}

/** Like `runCommand`, but an exit code other than 0 is an error that shows the program's output. */
export async function runCommandWell(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const result = await runCommand(command, options)
  if (result.code !== 0) {
    throw new Error(`${command.join(' ')}: exit code ${result.code}\n${endsOf(result)}`)
  }
  return result
}

/** End of the output, which tells what went wrong; a program may have printed megabytes before. */
function endsOf({ stdout, stderr }: CommandResult): string {
  return `${stdout.slice(-1000)}\n${stderr.slice(0, 1000)}\n${stderr.slice(1000).slice(-1000)}`
}
