import type { Files } from '../../storage/host/host.ts'
import type { Slices } from '../../storage/host/turn-slices.ts'
import { PARTIAL_SUFFIX } from './metadata-snapshot.ts'

/** Bytes per write. */
const WRITE_BYTES = 262_144

/**
 * Writes a file of these pieces in slices of the event loop and off it, and puts it in place when it is whole and on the
 * disk. Returns its size. On failure nothing is left; rejects with the disk's error.
 */
export async function writeSnapshot(
  files: Files,
  directory: string,
  name: string,
  pieces: Iterable<Buffer>,
  slices: Slices,
): Promise<number> {
  const path = files.join(directory, name)
  const partial = `${path}${PARTIAL_SUFFIX}`
  files.remove(partial)
  try {
    const sizeBytes = await writePieces(files, partial, pieces, slices)
    files.rename(partial, path)
    await files.syncDirectoryAside(directory)
    return sizeBytes
  } catch (error) {
    // On a full disk, a partly written file would take the remaining room.
    files.remove(partial)
    throw error
  }
}

async function writePieces(files: Files, path: string, pieces: Iterable<Buffer>, slices: Slices): Promise<number> {
  const handle = files.open(path, 'a+')
  try {
    let position = 0
    let pending: Buffer[] = []
    let pendingBytes = 0
    const write = async () => {
      await handle.write(pending, position)
      position += pendingBytes
      pending = []
      pendingBytes = 0
    }
    for (const piece of pieces) {
      pending.push(piece)
      pendingBytes += piece.length
      if (pendingBytes >= WRITE_BYTES) await write()
      const wait = slices.next()
      if (wait !== undefined) await wait
    }
    if (pendingBytes > 0) await write()
    await handle.sync()
    return position
  } finally {
    handle.close()
  }
}
