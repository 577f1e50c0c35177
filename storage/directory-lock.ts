import type { FileLock, Files } from './host/host.ts'

/** File in each log directory that says whose it is; Kafka's brokers have one of the same name. */
const LOCK_FILE = '.lock'

/** The directory is in use by another broker, of this process or of another one. */
export class DirectoryInUse {
  readonly directory: string
  constructor(directory: string) {
    this.directory = directory
  }
}

/** Takes all directories, which are made where they are missing, or none. */
export function lockDirectories(files: Files, directories: readonly string[]): FileLock | DirectoryInUse {
  const locks: FileLock[] = []
  const release = (): void => {
    for (const lock of locks) lock.release()
  }
  for (const directory of directories) {
    files.makeDirectory(directory)
    const lock = files.lock(files.join(directory, LOCK_FILE))
    if (lock === undefined) {
      release()
      return new DirectoryInUse(directory)
    }
    locks.push(lock)
  }
  return { release }
}
