import { mkdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LOOK_AGAIN_MS = 200
/** A lock this old is of a run that was killed: no installation takes so long. */
const STALE_MS = 600_000

/** Does the task while no other process on this machine does one of that name. */
export async function exclusively<T>(name: string, task: () => Promise<T>): Promise<T> {
  const lock = join(tmpdir(), `ottla-test-${name}.lock`)
  while (!isTaken(lock)) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  try {
    return await task()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

/** Takes the lock unless another process has it. */
function isTaken(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const { mtimeMs } = statSync(lock, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() }
    if (Date.now() - mtimeMs > STALE_MS) rmSync(lock, { recursive: true, force: true })
    return false
  }
}
