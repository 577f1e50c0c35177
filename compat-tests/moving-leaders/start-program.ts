import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

export type Program = ChildProcessByStdio<Writable, Readable, Readable>

const running = new Set<Program>()
process.once('exit', () => {
  for (const program of running) program.kill('SIGKILL')
})

/** Starts a program that ends with this process at the latest. */
export function startProgram([file, ...args]: readonly string[]): Program {
  const program = spawn(file!, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  running.add(program)
  program.once('exit', () => running.delete(program))
  program.stdin.on('error', () => {}) // EPIPE: it has ended, which is noticed elsewhere
  return program
}
