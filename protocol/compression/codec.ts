/** Why bytes could not be decompressed; Kafka has no words of its own for it, its codecs throw. */
export class DecompressionFault {
  /** 'corrupt': not what the codec writes, or cut. 'too large': more than the limit would come out. */
  readonly kind: 'corrupt' | 'too large'
  readonly message: string

  constructor(kind: 'corrupt' | 'too large', message: string) {
    this.kind = kind
    this.message = message
  }
}

/** One compression algorithm, as it stands in record batches. Synchronous; keeps nothing between calls. */
export interface Codec {
  /** Number in the attributes of a batch. */
  readonly id: number
  /** Name in `compression.type`. */
  readonly name: CompressionName
  /** level: in the range of Kafka's `compression.<name>.level`; left out, the codec's default. */
  compress(bytes: Uint8Array, level?: number): Buffer
  /** The same in steps, each of which yields the bytes that it went over. */
  compressing(bytes: Uint8Array, level?: number): Generator<number, Buffer, void>
  /** At most limitBytes come out, and no more than that, give or take a block, is ever allocated for them. */
  decompress(bytes: Uint8Array, limitBytes: number): Buffer | DecompressionFault
  /** The same in pieces, without a limit: the memory that it takes does not grow with what comes out. */
  pieces(bytes: Uint8Array): ContentPieces
}

/**
 * Content as it comes out of a codec: pieces of about 128 KB at most, each of which is gone with the next. Returns what is
 * wrong with the rest; undefined where the content is whole.
 */
export type ContentPieces = Generator<Uint8Array, DecompressionFault | undefined, void>

export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Takes all steps of compressing at once. */
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
