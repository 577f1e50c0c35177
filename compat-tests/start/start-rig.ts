import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ottlaCommand, overrides } from '../broker-program.ts'
import { freePort } from '../free-port.ts'
import { type CommandResult, runCommand } from '../run-command.ts'
import { waitFor, within } from '../wait-for.ts'

/** A started program and its output so far. */
export interface Running {
  readonly child: ChildProcess
  stdout: string
  stderr: string
}

/** Folder and port for one test that starts `ottla` as a user would; `end` cleans everything up. */
export class StartRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'ottla-start-'))
  readonly dataDir = join(this.folder, 'data')
  readonly port: number
  readonly #started = new Set<ChildProcess>()

  private constructor(port: number) {
    this.port = port
  }

  static async make(): Promise<StartRig> {
    return new StartRig(await freePort())
  }

  async end(): Promise<void> {
    for (const child of this.#started) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
    }
    this.#started.clear()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Arguments of a start with the rig's port and directory, unless the settings override them. */
  startArgs(settings: Record<string, string> = {}): string[] {
    const own = { listeners: `PLAINTEXT://127.0.0.1:${this.port}`, 'log.dirs': this.dataDir }
    return ['start', ...overrides({ ...own, ...settings })]
  }

  /** Expects a start to fail. */
  fails(settings: Record<string, string> = {}): Promise<CommandResult> {
    return runCommand(ottlaCommand(...this.startArgs(settings)), { cwd: this.folder, timeoutMs: 20_000 })
  }

  /** Expects a start to succeed: resolves once it prints that it is ready. */
  runs(args = this.startArgs()): Promise<Running> {
    return this.runsCommand(ottlaCommand(...args))
  }

  /** The same for a command that becomes the broker; it may set limits first. */
  async runsCommand([file, ...rest]: readonly string[]): Promise<Running> {
    const child = spawn(file!, rest, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#started.add(child)
    const running: Running = { child, stdout: '', stderr: '' }
    child.stdout.on('data', (chunk) => {
      running.stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      running.stderr += chunk
    })
    await waitFor('it is ready', () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${running.stderr}`)
      return running.stdout.includes('\n')
    })
    return running
  }

  async stops(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
    const closed = once(child, 'close')
    child.kill(signal)
    await within(`it stops after ${signal}`, closed)
    return child.exitCode
  }
}

/** Expects exit code 1 and one line on stderr that is no stack trace. */
export function expectOneLine({ code, stdout, stderr }: CommandResult): void {
  expect(stderr.trimEnd().split('\n'), stderr).to.have.length(1)
  expect(stdout).to.equal('')
  expect(code).to.equal(1)
}

/** Rejects with the error of node:net if nothing listens there. */
export function canConnect(port: number, host = '127.0.0.1'): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host }, () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

export async function refused(port: number, host = '127.0.0.1'): Promise<boolean> {
  return canConnect(port, host).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
  )
}
