import { isSystemError } from './failure-policy.ts'
import type { Files } from './host/host.ts'

/** File in each data directory that is removed when the disk is full. Kafka ignores it. */
export const RESERVE_FILE = '.ottla-reserve'
/** Enough for the checkpoints of a thousand logs, and for the metadata records that delete as many topics. */
const RESERVE_BYTES = 256 * 1024
/** The reserve must not fill the disk: this many times its size must stay free. */
const SPARE_FACTOR = 4

const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/** True where the disk has no room left. */
export function isNoRoom(error: unknown): boolean {
  return isSystemError(error) && NO_ROOM.has(error.code)
}

/**
 * Space for writes that free space. A deletion writes first: the new log start offset, an empty segment in place of the
 * last one, the record that deletes a topic. On a full disk nothing could be freed any more. So each data directory has
 * a reserve file, which is removed when such a write finds no space. It is made again once there is enough.
 */
export class SpaceReserve {
  readonly #files: Files
  readonly #directory: string
  #isFilled = false

  constructor(files: Files, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  /** Makes the file if it is missing and the disk has room. Ignores a disk error. */
  fill(): void {
    if (this.#isFilled) return
    try {
      if (this.#size() < RESERVE_BYTES && !this.#make()) return
      this.#isFilled = true
    } catch (error) {
      if (!isSystemError(error)) throw error
    }
  }

  /** Does the task; if there is no room, gives up the reserve and tries once more. */
  use<T>(task: () => T): T {
    try {
      return task()
    } catch (error) {
      if (!this.giveUp(error)) throw error
      return task()
    }
  }

  /** The same for a task off the loop. */
  async useAside<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (error) {
      if (!this.giveUp(error)) throw error
      return task()
    }
  }

  /** True if a task that failed for lack of room may be tried again now. */
  giveUp(error: unknown): boolean {
    if (!isNoRoom(error) || this.#size() === 0) return false
    this.#isFilled = false
    this.#files.remove(this.#path)
    return true
  }

  /** False if too little is free to make the file anew: a new log would soon fail. True if the disk does not tell. */
  get hasRoom(): boolean {
    try {
      return this.#files.space(this.#directory).freeBytes >= SPARE_FACTOR * RESERVE_BYTES
    } catch (error) {
      if (!isSystemError(error)) throw error
      return true
    }
  }

  get #path(): string {
    return this.#files.join(this.#directory, RESERVE_FILE)
  }

  #size(): number {
    return this.#files.stat(this.#path)?.size ?? 0
  }

  #make(): boolean {
    if (!this.hasRoom) return false
    const handle = this.#files.open(this.#path, 'a+')
    try {
      handle.writeSync([incompressible(RESERVE_BYTES)], 0)
      return true
    } finally {
      handle.close()
    }
  }
}

/** Bytes that a compressing file system cannot shrink. */
function incompressible(sizeBytes: number): Buffer {
  const words = new Uint32Array(sizeBytes / 4)
  let word = 0x9e3779b9
  for (let i = 0; i < words.length; i++) {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    words[i] = word
  }
  return Buffer.from(words.buffer)
}
