import { type ContentPieces, corrupt, DecompressionFault } from './codec.ts'
import { type ContentTarget, WholeContent, WindowedContent } from './zstd-content.ts'
import { type HuffmanTable, readLiterals } from './zstd-literals.ts'
import { executeSequences, newSequenceState } from './zstd-sequences.ts'

/*
 * Zstandard (RFC 8878), for versions of Node.js without zstd. Little endian.
 *
 *  magic          4  0xfd2fb528
 *  descriptor     1  bits 7-6 size of content size, 5 single segment, 3 zero, 2 checksum, 1-0 size of dictionary id
 *  [window]       1  unless single segment: bits 7-3 exponent, 2-0 mantissa
 *  [dictionary]   0, 1, 2 or 4
 *  [content size] 0, 1, 2, 4 or 8
 *  blocks            each: 3 head (bit 0 last, 1-2 type, then size), bytes
 *  [checksum]     4  of the content; the batch has its own, so it is not computed here
 *
 * Frames may follow one another, with skippable frames (magic 0x184d2a5?, 4 size) between them.
 */
const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const MAX_BLOCK_BYTES = 131072
/** Readers in C and Java refuse larger windows. */
const MAX_WINDOW_BYTES = 2 ** 27 + 1
/** BackwardBits reads whole words, so this many bytes must follow the input. */
const PADDING_BYTES = 4

/**
 * Decompresses all frames in `source`. Checks every table and length before use. Takes memory only for the content and
 * a block. fzstd, a pure JavaScript decoder that was tried before, never ends on some inputs.
 */
export function decompressZstd(source: Uint8Array, limitBytes: number): Buffer | DecompressionFault {
  const output = new WholeContent(limitBytes, Math.max(4 * source.length, MAX_BLOCK_BYTES))
  try {
    for (const _ of readFrames(source, output));
    return output.content()
  } catch (fault) {
    if (fault instanceof DecompressionFault) return fault
    throw fault
  }
}

/** The same block by block, with memory for the frame's window and a block. */
export function* zstdPieces(source: Uint8Array): ContentPieces {
  const output = new WindowedContent(MAX_BLOCK_BYTES)
  try {
    for (const _ of readFrames(source, output)) {
      const piece = output.take()
      if (piece.length > 0) yield piece
    }
    return undefined
  } catch (fault) {
    if (fault instanceof DecompressionFault) return fault
    throw fault
  }
}

/** Yields after each block. */
function* readFrames(source: Uint8Array, output: ContentTarget): Generator<void, void, void> {
  const bytes = new Uint8Array(source.length + PADDING_BYTES)
  bytes.set(source)
  for (let position = 0; position < source.length; ) position = yield* readFrame(bytes, position, source.length, output)
}

interface FrameHead {
  readonly windowBytes: number
  readonly contentSize: number | undefined
  readonly hasChecksum: boolean
  readonly blocksStart: number
}

/** Returns the position after the frame. */
function* readFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: ContentTarget,
): Generator<void, number, void> {
  const magic = uintLE(bytes, start, 4, end)
  if (magic - (magic % 16) === SKIPPABLE_MAGIC) {
    const after = start + 8 + uintLE(bytes, start + 4, 4, end)
    if (after > end) throw corrupt('zstd: truncated frame')
    return after
  }
  if (magic !== MAGIC) throw corrupt('zstd: no magic number')
  const head = readFrameHead(bytes, start + 4, end)
  output.beginFrame(head.windowBytes)
  const after = yield* readBlocks(bytes, end, head, output)
  if (head.contentSize !== undefined && output.frameBytes !== head.contentSize) {
    throw corrupt('zstd: content size does not match the content')
  }
  if (!head.hasChecksum) return after
  uintLE(bytes, after, 4, end)
  return after + 4
}

function readFrameHead(bytes: Uint8Array, start: number, end: number): FrameHead {
  const descriptor = uintLE(bytes, start, 1, end)
  if ((descriptor & 0x08) !== 0) throw corrupt('zstd: reserved bit')
  const single = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag
  const dictionaryAt = start + (single ? 1 : 2)
  const sizeAt = dictionaryAt + dictionaryBytes
  if (uintLE(bytes, dictionaryAt, dictionaryBytes, end) !== 0) throw corrupt('zstd: needs a dictionary')
  const claimed = uintLE(bytes, sizeAt, sizeBytes, end) + (sizeFlag === 1 ? 256 : 0)
  const window = single ? claimed : windowBytes(uintLE(bytes, start + 1, 1, end))
  if (!single && window > MAX_WINDOW_BYTES) throw corrupt('zstd: window too large')
  return {
    windowBytes: window,
    contentSize: sizeBytes === 0 ? undefined : claimed,
    hasChecksum: (descriptor & 0x04) !== 0,
    blocksStart: sizeAt + sizeBytes,
  }
}

function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

function* readBlocks(
  bytes: Uint8Array,
  end: number,
  head: FrameHead,
  output: ContentTarget,
): Generator<void, number, void> {
  const maxBlockBytes = Math.min(head.windowBytes, MAX_BLOCK_BYTES)
  const frame = { maxBlockBytes, sequences: newSequenceState(), huffman: undefined }
  for (let position = head.blocksStart; ; ) {
    const blockHead = uintLE(bytes, position, 3, end)
    position = readBlock(bytes, position + 3, end, (blockHead >> 1) & 3, blockHead >> 3, frame, output)
    yield
    if ((blockHead & 1) !== 0) return position
  }
}

interface FrameState {
  readonly maxBlockBytes: number
  readonly sequences: ReturnType<typeof newSequenceState>
  huffman: HuffmanTable | undefined
}

/** type: 0 raw, 1 one byte repeated, 2 compressed. Returns the position after the block. */
function readBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
  size: number,
  frame: FrameState,
  output: ContentTarget,
): number {
  const after = start + (type === 1 ? 1 : size)
  if (after > end) throw corrupt('zstd: truncated block')
  if (size > frame.maxBlockBytes) throw corrupt('zstd: block too large')
  if (type === 3) throw corrupt('zstd: invalid block type')
  if (type === 2) {
    readCompressedBlock(bytes, start, after, frame, output)
    return after
  }
  const outputEnd = output.roomFor(size)
  if (type === 1) output.bytes.fill(bytes[start]!, output.size, outputEnd)
  else output.bytes.set(bytes.subarray(start, after), output.size)
  output.size = outputEnd
  return after
}

function readCompressedBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  frame: FrameState,
  output: ContentTarget,
): void {
  const literals = readLiterals(bytes, start, end, frame.huffman, frame.maxBlockBytes)
  frame.huffman = literals.huffman
  const room = output.roomUpTo(frame.maxBlockBytes)
  const isCutByLimit = room - output.size < frame.maxBlockBytes
  try {
    output.size = executeSequences(
      bytes,
      literals.position,
      end,
      frame.sequences,
      literals.bytes,
      output.bytes,
      Math.max(0, output.frameStart),
      output.size,
      room,
    )
  } catch (fault) {
    throw isCutByLimit && fault instanceof DecompressionFault ? output.tooLarge() : fault
  }
}

function uintLE(bytes: Uint8Array, position: number, size: number, end: number): number {
  if (position + size > end) throw corrupt('zstd: truncated frame')
  let value = 0
  for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[position + i]!
  return value
}
