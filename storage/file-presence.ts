import type { Files } from './host/host.ts'

/**
 * Whether there is such a file. Throws if the disk fails, unlike `Files.exists`, which says that there is none: whoever
 * leaves out work on a missing file must not leave it out because of a failing disk.
 */
export function isPresent(files: Files, path: string): boolean {
  return files.stat(path) !== undefined
}
