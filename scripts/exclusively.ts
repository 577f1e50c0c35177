import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockFile } from '../storage/host/node-file-lock.ts'

const LOOK_AGAIN_MS = 200

/** Does the task while no other process on this machine does one of that name. The end of a process ends its lock. */
export async function exclusively<T>(name: string, task: () => Promise<T>): Promise<T> {
  const file = join(tmpdir(), `ottla-test-${name}.lock`)
  let lock = lockFile(file)
  while (lock === undefined) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    lock = lockFile(file)
  }
  try {
    return await task()
  } finally {
    lock.release()
  }
}
