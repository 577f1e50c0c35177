import type { Codec, CompressionName } from './codec.ts'
import { gzip } from './gzip.ts'
import { none } from './none.ts'

const CODECS: readonly Codec[] = [none, gzip]

/** Codec for the three low bits of a batch's attributes; undefined for 5, 6 and 7, which name none. */
export function codecOf(id: number): Codec | undefined {
  return CODECS[id]
}

/** Codec for a value of `compression.type`, other than 'producer' and 'uncompressed' (which is 'none' here). */
export function codecNamed(name: CompressionName): Codec {
  return CODECS.find((codec) => codec.name === name)!
}
