import type { Codec, CompressionName } from './codec.ts'
import { gzip } from './gzip.ts'
import { lz4, lz4WithOldChecksum } from './lz4.ts'
import { none } from './none.ts'
import { snappy } from './snappy.ts'
import { zstd } from './zstd.ts'

const CODECS: readonly Codec[] = [none, gzip, snappy, lz4, zstd]

/**
 * Codec for the three compression bits in the attributes of a batch or of a message of format v0 or v1. undefined for
 * 5, 6 and 7, which name none.
 */
export function codecOf(id: number, magic = 2): Codec | undefined {
  const codec = CODECS[id]
  return codec === lz4 && magic === 0 ? lz4WithOldChecksum : codec
}

/** Codec for a value of `compression.type`. Excludes 'producer'; 'uncompressed' is 'none' here. */
export function codecNamed(name: CompressionName, magic = 2): Codec {
  return codecOf(
    CODECS.findIndex((codec) => codec.name === name),
    magic,
  )!
}
