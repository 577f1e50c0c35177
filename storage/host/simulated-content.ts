import type { CompressionName, ContentPieces, DecompressionFault } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import type { OffloadedContent } from './host.ts'

/** Content in virtual time: each piece is decompressed when its time has come. */
export class SimulatedContent implements OffloadedContent {
  readonly #pieces: ContentPieces
  readonly #later: (callback: () => void) => void

  constructor(codec: CompressionName, bytes: Buffer, later: (callback: () => void) => void) {
    this.#pieces = codecNamed(codec).pieces(bytes)
    this.#later = later
  }

  next(): Promise<Buffer | DecompressionFault | undefined> {
    return new Promise((resolve) => {
      this.#later(() => {
        const { value, done } = this.#pieces.next()
        resolve(
          done === true || value === undefined
            ? (value as DecompressionFault | undefined)
            : Buffer.from(value as Uint8Array),
        )
      })
    })
  }

  close(): void {
    this.#pieces.return(undefined)
  }
}
