import lz4js from 'lz4js'
import { copyMatch } from './copy-match.ts'

/*
 * LZ4 block: sequences, each
 *
 *  token         high 4 bits literal length, low 4 bits match length less 4
 *  [255...n]     more literal length if the token has 15
 *  literals
 *  offset        uint16 little endian, backwards, not 0
 *  [255...n]     more match length if the token has 15
 *
 * The last sequence ends after its literals. It has at least 5 of them, and the last match starts at least 12 bytes
 * before the end: liblz4 refuses a block that breaks this rule.
 */

/** Results of decompressLz4Block other than a position. */
export const CORRUPT = -1
export const NO_ROOM = -2

/** Maximum output of compressLz4Block for sizeBytes of input. */
export function lz4BlockBound(sizeBytes: number): number {
  return sizeBytes + Math.ceil(sizeBytes / 255) + 16
}

/** Hash table of lz4js. It has 256 KB, so reuse it within a frame. */
export function lz4HashTable(): Uint32Array {
  return new Uint32Array(1 << 16)
}

/**
 * Compresses the block to `target`, which has room for lz4BlockBound. Returns the bytes written, or 0 if the block
 * should be stored uncompressed.
 */
export function compressLz4Block(block: Uint8Array, target: Uint8Array, hashTable: Uint32Array): number {
  // Old positions in the table would point into the previous block.
  hashTable.fill(0)
  // lz4js lets the last match start 10 bytes before the end. Hiding the last two bytes makes that 12.
  const shown = block.length - 2
  const size = shown < 13 ? 0 : lz4js.compressBlock(block, target, 0, shown, hashTable)
  if (size === 0) return 0
  const extended = extendLastLiterals(target, size, block)
  return extended < block.length ? extended : 0
}

/** Rewrites the last sequence so that its literals reach the end of the block. */
function extendLastLiterals(target: Uint8Array, size: number, block: Uint8Array): number {
  let position = 0
  for (;;) {
    const tokenAt = position
    const token = target[position++]!
    let literals = token >> 4
    if (literals === 15) {
      let more: number
      do {
        more = target[position++]!
        literals += more
      } while (more === 255)
    }
    position += literals
    if (position >= size) return writeLastLiterals(target, tokenAt, block, block.length - 2 - literals)
    position += 2
    if ((token & 15) === 15) while (target[position++] === 255);
  }
}

function writeLastLiterals(target: Uint8Array, tokenAt: number, block: Uint8Array, from: number): number {
  const count = block.length - from
  let position = tokenAt
  target[position++] = Math.min(count, 15) << 4
  if (count >= 15) {
    let rest = count - 15
    for (; rest >= 255; rest -= 255) target[position++] = 255
    target[position++] = rest
  }
  target.set(block.subarray(from), position)
  return position + count
}

/**
 * Decompresses source[sourceStart, sourceEnd) to target from targetStart on, at most to targetEnd. Returns the position
 * after the last byte written, CORRUPT if the bytes are not a valid block, or NO_ROOM if the content is larger. Reads
 * and writes nothing outside these ranges. lz4js has no such checks.
 */
export function decompressLz4Block(
  source: Uint8Array,
  sourceStart: number,
  sourceEnd: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): number {
  let from = sourceStart
  let to = targetStart
  while (from < sourceEnd) {
    const token = source[from++]!
    let literals = token >> 4
    if (literals === 15) {
      let more: number
      do {
        if (from >= sourceEnd) return CORRUPT
        more = source[from++]!
        literals += more
      } while (more === 255)
    }
    if (literals > sourceEnd - from) return CORRUPT
    if (literals > targetEnd - to) return NO_ROOM
    if (literals > 32) {
      target.set(source.subarray(from, from + literals), to)
      from += literals
      to += literals
    } else {
      for (let end = from + literals; from < end; ) target[to++] = source[from++]!
    }
    // The last token's match length is ignored, as in liblz4: no match follows.
    if (from === sourceEnd) return to

    if (from + 2 > sourceEnd) return CORRUPT
    const offset = source[from]! | (source[from + 1]! << 8)
    from += 2
    let length = (token & 15) + 4
    if (length === 19) {
      let more: number
      do {
        if (from >= sourceEnd) return CORRUPT
        more = source[from++]!
        length += more
      } while (more === 255)
    }
    if (offset === 0 || offset > to - targetStart) return CORRUPT
    if (length > targetEnd - to) return NO_ROOM
    to = copyMatch(target, to, offset, length)
  }
  // A block ends with literals, so it is never empty.
  return CORRUPT
}
