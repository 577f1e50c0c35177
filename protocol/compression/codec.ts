/** Why bytes could not be decompressed. The message is our own: Kafka's codecs throw exceptions. */
export class DecompressionFault {
  /** 'corrupt': invalid or cut. 'too large': the content exceeds the limit. */
  readonly kind: 'corrupt' | 'too large'
  readonly message: string

  constructor(kind: 'corrupt' | 'too large', message: string) {
    this.kind = kind
    this.message = message
  }
}

/** A compression algorithm of record batches. Synchronous; keeps no state between calls. */
export interface Codec {
  /** Number in the attributes of a batch. */
  readonly id: number
  /** Name in `compression.type`. */
  readonly name: CompressionName
  /** level: in the range of Kafka's `compression.<name>.level`; omitted: the codec's default. */
  compress(bytes: Uint8Array, level?: number): Buffer
  /** The same in steps. Each yields the number of bytes that it processed. */
  compressing(bytes: Uint8Array, level?: number): Generator<number, Buffer, void>
  /** Returns at most limitBytes. Allocates no more than that plus a block for the content. */
  decompress(bytes: Uint8Array, limitBytes: number): Buffer | DecompressionFault
  /** The same in pieces, without a limit: memory use does not grow with the content. */
  pieces(bytes: Uint8Array): ContentPieces
}

/**
 * Decompressed content in pieces of at most about 128 KB. Each piece is valid until the next. Returns the fault that
 * ended the content; undefined if it is complete.
 */
export type ContentPieces = Generator<Uint8Array, DecompressionFault | undefined, void>

export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Runs all compression steps at once. */
export function compressedAtOnce(steps: Generator<number, Buffer, void>): Buffer {
  for (;;) {
    const { value, done } = steps.next()
    if (done === true) return value
  }
}

export function corrupt(message: string): DecompressionFault {
  return new DecompressionFault('corrupt', message)
}

export function tooLarge(limitBytes: number): DecompressionFault {
  return new DecompressionFault('too large', `decompressed records exceed ${limitBytes} bytes`)
}
