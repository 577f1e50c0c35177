import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileLock } from '../storage/host/host.ts'
import { lockFile } from '../storage/host/node-file-lock.ts'

/** Below the ports that systems give to clients and to whoever listens on port 0. */
const FIRST = 20_000
const COUNT = 12_000

const locks: FileLock[] = []
process.once('exit', () => {
  for (const lock of locks) lock.release()
})

let next = Math.floor(Math.random() * COUNT)

/** Different ports of the loopback interface. No other test gets one of them before this process has ended. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries++) {
    if (tries === COUNT) throw new Error(`no port from ${FIRST} to ${FIRST + COUNT - 1} is free`)
    const port = FIRST + (next++ % COUNT)
    if (reserve(port) && (await isFree(port))) ports.push(port)
  }
  return ports
}

export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!
}

/** False: another process has it, or this one. */
function reserve(port: number): boolean {
  const directory = join(tmpdir(), 'ottla-test-ports')
  mkdirSync(directory, { recursive: true })
  const lock = lockFile(join(directory, String(port)))
  if (lock !== undefined) locks.push(lock)
  return lock !== undefined
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
