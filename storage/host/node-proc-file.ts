import fs from 'node:fs'

/** A file of Linux's /proc, kept open. What it says is a hint only: elsewhere, and in some containers, there is none. */
export class ProcFile {
  readonly #path: string
  readonly #bytes: Buffer
  /** Undefined: not opened yet. */
  #descriptor: number | undefined
  #isTold = process.platform === 'linux'

  /** sizeBytes: what is behind that is left out. */
  constructor(path: string, sizeBytes: number) {
    this.#path = path
    this.#bytes = Buffer.alloc(sizeBytes)
  }

  /** Its text now; empty where the system does not tell. */
  read(): string {
    if (!this.#isTold) return ''
    try {
      this.#descriptor ??= fs.openSync(this.#path, 'r')
      const sizeBytes = fs.readSync(this.#descriptor, this.#bytes, 0, this.#bytes.length, 0)
      return this.#bytes.toString('latin1', 0, sizeBytes)
    } catch {
      this.#isTold = false
      return ''
    }
  }
}
