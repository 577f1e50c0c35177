import { compressedAtOnce } from './codec.ts'
import { writeLiterals } from './zstd-literals-writer.ts'
import { MatchFinder, type Sequences } from './zstd-matches.ts'
import { writeSequences } from './zstd-sequences-writer.ts'

const BLOCK_BYTES = 131072
/** Magic, descriptor (single segment, content size in 4 bytes), content size: layout in zstd-decoder.ts. */
const HEAD_BYTES = 9
const BLOCK_HEAD_BYTES = 3
const RAW = 0
const REPEATED = 1
const COMPRESSED = 2

/**
 * Encodes one zstd frame, for versions of Node.js without zstd. Greedy matches, predefined tables for sequences,
 * Huffman codes for literals that are plain text. JSON comes out a quarter larger than from level 1 of the C library.
 * At most 2^31 - 1 bytes.
 */
export function encodeZstd(content: Uint8Array): Buffer {
  return compressedAtOnce(encodingZstd(content))
}

/** The same block by block. */
export function* encodingZstd(content: Uint8Array): Generator<number, Buffer, void> {
  const frame = Buffer.allocUnsafe(frameBound(content.length))
  frame.writeUInt32LE(0xfd2fb528, 0)
  frame[4] = 0xa0
  frame.writeUInt32LE(content.length, 5)
  const finder = new MatchFinder(content)
  const scratch = new Uint8Array(blockBound(Math.min(content.length, BLOCK_BYTES)))
  let position = HEAD_BYTES
  let recentOffset = 0
  // Empty content still needs a last block.
  for (let start = 0; start === 0 || start < content.length; start += BLOCK_BYTES) {
    const end = Math.min(content.length, start + BLOCK_BYTES)
    const isLast = end === content.length
    const sequences = finder.sequencesOf(start, end)
    const size = compressBlock(sequences, recentOffset, scratch)
    if (size < end - start) {
      frame.set(scratch.subarray(0, size), writeBlockHead(frame, position, COMPRESSED, size, isLast))
      position += BLOCK_HEAD_BYTES + size
      if (sequences.count > 0) recentOffset = sequences.values[3 * sequences.count - 1]!
    } else {
      position = writePlainBlock(frame, position, content.subarray(start, end), isLast)
    }
    yield end - start
  }
  return frame.subarray(0, position)
}

function frameBound(size: number): number {
  return HEAD_BYTES + size + BLOCK_HEAD_BYTES * (1 + Math.ceil(size / BLOCK_BYTES))
}

/** A sequence covers at least five bytes and takes at most 12. Incompressible literals take up to 11 bits each. */
function blockBound(size: number): number {
  return 4 * size + 1024
}

function compressBlock(sequences: Sequences, recentOffset: number, scratch: Uint8Array): number {
  return writeSequences(sequences, recentOffset, scratch, writeLiterals(sequences.literals, scratch, 0))
}

function writePlainBlock(frame: Buffer, position: number, block: Uint8Array, isLast: boolean): number {
  const isRepeated = block.length > 1 && block.every((byte) => byte === block[0])
  const bytes = isRepeated ? block.subarray(0, 1) : block
  const start = writeBlockHead(frame, position, isRepeated ? REPEATED : RAW, block.length, isLast)
  frame.set(bytes, start)
  return start + bytes.length
}

/** Returns the position after the head. */
function writeBlockHead(frame: Buffer, position: number, type: number, size: number, isLast: boolean): number {
  frame.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), position, BLOCK_HEAD_BYTES)
  return position + BLOCK_HEAD_BYTES
}
