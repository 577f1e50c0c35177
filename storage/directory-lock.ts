import { isSystemError } from './failure-policy.ts'
import type { FileLock, Files } from './host/host.ts'

/** Lock file in each log directory, with the same name as Kafka's. */
const LOCK_FILE = '.lock'

/** Another broker, in this process or another one, uses the directory. */
export class DirectoryInUse {
  readonly directory: string
  constructor(directory: string) {
    this.directory = directory
  }
}

/**
 * Takes all directories, which are made where they are missing, or none. One that the disk does not let be taken is left
 * out, and `onFailure` is told.
 */
export function lockDirectories(
  files: Files,
  directories: readonly string[],
  onFailure: (directory: string, error: Error) => void,
): FileLock | DirectoryInUse {
  const locks: FileLock[] = []
  const release = (): void => {
    for (const lock of locks) lock.release()
  }
  for (const directory of directories) {
    let lock: FileLock | undefined
    try {
      // The lock file is made once the names of all directories are on the disk.
      if (!files.exists(files.join(directory, LOCK_FILE))) makeDurably(files, directory)
      lock = files.lock(files.join(directory, LOCK_FILE))
    } catch (error) {
      onFailure(directory, error as Error)
      continue
    }
    if (lock === undefined) {
      release()
      return new DirectoryInUse(directory)
    }
    locks.push(lock)
  }
  return { release }
}

/**
 * Makes a directory and its missing parents, so that their names survive a power loss. An earlier start may have made
 * the first that is there, and crashed before its name was on the disk.
 */
function makeDurably(files: Files, directory: string): void {
  const parent = files.join(directory, '..')
  const isMissing = !files.exists(directory)
  if (isMissing) {
    makeDurably(files, parent)
    files.makeDirectory(directory)
  }
  try {
    files.syncDirectory(parent)
  } catch (error) {
    // In a directory that this user may not list, an earlier start would have failed here.
    if (isMissing || !isSystemError(error) || error.code !== 'EACCES') throw error
  }
}
