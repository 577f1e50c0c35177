import {
  type Codec,
  type ContentPieces,
  compressedAtOnce,
  corrupt,
  type DecompressionFault,
  tooLarge,
} from './codec.ts'
import { compressLz4Block, decompressLz4Block, lz4BlockBound, lz4HashTable, NO_ROOM } from './lz4-block.ts'
import { nativeLz4 } from './native-lz4.ts'
import { xxh32 } from './xxh32.ts'

/*
 * LZ4 frame, as far as Kafka reads it (Lz4BlockInputStream). Little endian.
 *
 *  magic            4  0x184d2204
 *  FLG              1  bits 7-6 version 01, 5 independent blocks (must be set), 4 block checksums, 3 content size,
 *                      2 content checksum, 1-0 zero
 *  BD               1  bits 6-4 largest block: 4 64 KB, 5 256 KB, 6 1 MB, 7 4 MB; others zero
 *  [content size]   8
 *  HC               1  second byte of xxh32 of FLG to content size
 *  blocks              each: 4 size, highest bit set if stored; bytes; [4 xxh32 of them]
 *  end mark         4  0
 *  [content sum]    4  xxh32 of the content
 *
 * Message format v0 had a bug that is now part of the format: HC was computed with the magic included (KAFKA-3160).
 */
const MAGIC = Buffer.from([0x04, 0x22, 0x4d, 0x18])
const VERSION = 0x40
const INDEPENDENT_BLOCKS = 0x20
const BLOCK_CHECKSUMS = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const RESERVED_FLG = 0x03
const RESERVED_BD = 0x8f
const STORED = 0x80000000
/** The block size of Java's producer: the largest that every client decodes without growing its buffers. */
const BLOCK_BYTES = 65536
/** An LZ4 sequence of n bytes decodes to at most 255 n. */
const MAX_RATIO = 255

/** LZ4 frames of record batches v2 and message format v1. Kafka's levels 1 to 17 all use the fast encoding. */
export const lz4: Codec = {
  id: 3,
  name: 'lz4',
  compress: (bytes) => compressedAtOnce(compressingFrame(bytes, 4)),
  compressing: (bytes) => compressingFrame(bytes, 4),
  decompress: (bytes, limitBytes) => decompressNatively(bytes, limitBytes) ?? decompressFrame(bytes, limitBytes, true),
  pieces: (bytes) => framePieces(bytes, true),
}

/** LZ4 frames of message format v0. Writes the wrong header checksum; accepts either. */
export const lz4WithOldChecksum: Codec = {
  ...lz4,
  compress: (bytes) => compressedAtOnce(compressingFrame(bytes, 0)),
  compressing: (bytes) => compressingFrame(bytes, 0),
  decompress: (bytes, limitBytes) => decompressFrame(bytes, limitBytes, false),
  pieces: (bytes) => framePieces(bytes, false),
}

/** A frame with a valid header and valid block sizes, without the bytes that follow it. */
export interface Lz4Frame {
  readonly bytes: Buffer
  /** Upper bound of its content. */
  readonly boundBytes: number
  readonly contentSize: number | undefined
}

/** The frame at the start of the bytes; undefined if there is none, or one that Java's readers refuse. */
export function lz4FrameOf(source: Uint8Array): Lz4Frame | undefined {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.length)
  const descriptor = readDescriptor(bytes, true)
  if (typeof descriptor === 'string') return undefined
  for (let position = descriptor.blocksStart; ; ) {
    const block = readBlock(bytes, position, descriptor)
    if (typeof block === 'string') return undefined
    if (block !== undefined) position = block.next
    else {
      const end = position + 4 + (descriptor.hasContentChecksum ? 4 : 0)
      if (end > bytes.length) return undefined
      const { contentSize } = descriptor
      return { bytes: bytes.subarray(0, end), boundBytes: contentBound(bytes, descriptor), contentSize }
    }
  }
}

/** Undefined if native code is missing, fails, or must not read this frame: our own decoder then decides. */
function decompressNatively(source: Uint8Array, limitBytes: number): Buffer | undefined {
  const native = nativeLz4()
  const frame = native && lz4FrameOf(source)
  if (frame === undefined || frame.boundBytes > limitBytes) return undefined
  try {
    const content = native!.decompressFrameSync(frame.bytes)
    return frame.contentSize === undefined || frame.contentSize === content.length ? content : undefined
  } catch {
    return undefined
  }
}

/** checksumFrom: 4 for a header checksum of the descriptor, 0 for one that includes the magic. */
function* compressingFrame(bytes: Uint8Array, checksumFrom: 0 | 4): Generator<number, Buffer, void> {
  const blockCount = Math.ceil(bytes.length / BLOCK_BYTES)
  // A block is compressed into the frame before we know whether that makes it smaller, so leave room for a larger one.
  const frame = Buffer.allocUnsafe(15 + bytes.length + 4 * blockCount + lz4BlockBound(BLOCK_BYTES) - BLOCK_BYTES)
  frame.set(MAGIC, 0)
  frame[4] = VERSION | INDEPENDENT_BLOCKS
  frame[5] = 4 << 4
  frame[6] = (xxh32(frame, checksumFrom, 6) >>> 8) & 0xff
  const hashTable = lz4HashTable()
  let position = 7
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    position = writeBlock(frame, position, bytes.subarray(start, start + BLOCK_BYTES), hashTable)
    yield BLOCK_BYTES
  }
  frame.writeUInt32LE(0, position)
  return frame.subarray(0, position + 4)
}

function writeBlock(frame: Buffer, position: number, block: Uint8Array, hashTable: Uint32Array): number {
  const start = position + 4
  const size = compressLz4Block(block, frame.subarray(start), hashTable)
  if (size > 0) {
    frame.writeUInt32LE(size, position)
    return start + size
  }
  frame.writeUInt32LE((STORED | block.length) >>> 0, position)
  frame.set(block, start)
  return start + block.length
}

interface Descriptor {
  readonly blockBytes: number
  readonly hasBlockChecksums: boolean
  readonly hasContentChecksum: boolean
  readonly contentSize: number | undefined
  /** Position of the first block. */
  readonly blocksStart: number
}

function decompressFrame(source: Uint8Array, limitBytes: number, checkHeader: boolean): Buffer | DecompressionFault {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.length)
  const descriptor = readDescriptor(bytes, checkHeader)
  if (typeof descriptor === 'string') return corrupt(`lz4: ${descriptor}`)
  const { contentSize } = descriptor
  if (contentSize !== undefined && contentSize > limitBytes) return tooLarge(limitBytes)
  const bound = contentBound(bytes, descriptor)
  const target = Buffer.allocUnsafe(Math.min(contentSize ?? bound, bound, limitBytes))
  const size = decompressBlocks(bytes, descriptor, target)
  if (size === 'no room') return target.length === limitBytes ? tooLarge(limitBytes) : corrupt('lz4: corrupt block')
  if (typeof size === 'string') return corrupt(`lz4: ${size}`)
  if (contentSize !== undefined && size !== contentSize) return corrupt('lz4: content size does not match the content')
  // Records are views of this buffer and may live long. Do not keep far more memory than they need.
  return size < target.length >> 1 ? Buffer.from(target.subarray(0, size)) : target.subarray(0, size)
}

function readDescriptor(bytes: Buffer, checkHeader: boolean): Descriptor | string {
  if (bytes.length < 7 || MAGIC.compare(bytes, 0, 4) !== 0) return 'no frame'
  const flg = bytes[4]!
  const bd = bytes[5]!
  if ((flg & 0xc0) !== VERSION || (flg & RESERVED_FLG) !== 0) return 'unsupported version'
  // Java's readers refuse such frames, so no client can rely on them.
  if ((flg & INDEPENDENT_BLOCKS) === 0) return 'Dependent block stream is unsupported'
  if ((bd & RESERVED_BD) !== 0 || bd >> 4 < 4) return 'Block size value must be between 4 and 7'
  const hasContentSize = (flg & CONTENT_SIZE) !== 0
  const checksumAt = hasContentSize ? 14 : 6
  if (bytes.length <= checksumAt) return 'cut header'
  if (checkHeader && bytes[checksumAt] !== ((xxh32(bytes, 4, checksumAt) >>> 8) & 0xff)) return 'wrong header checksum'
  return {
    blockBytes: 1 << (2 * (bd >> 4) + 8),
    hasBlockChecksums: (flg & BLOCK_CHECKSUMS) !== 0,
    hasContentChecksum: (flg & CONTENT_CHECKSUM) !== 0,
    contentSize: hasContentSize ? Number(bytes.readBigUInt64LE(6)) : undefined,
    blocksStart: checksumAt + 1,
  }
}

/** Upper bound of the content, computed from the block sizes. */
function contentBound(bytes: Buffer, descriptor: Descriptor): number {
  let bound = 0
  for (let position = descriptor.blocksStart; position + 4 <= bytes.length; ) {
    const size = bytes.readUInt32LE(position)
    const stored = size >= STORED
    const blockSize = stored ? size - STORED : size
    if (blockSize === 0) break
    bound += stored
      ? Math.min(blockSize, descriptor.blockBytes)
      : Math.min(blockSize * MAX_RATIO, descriptor.blockBytes)
    position += 4 + blockSize + (descriptor.hasBlockChecksums ? 4 : 0)
  }
  return bound
}

/**
 * Yields one block after the other, with memory for one. Java's reader also refuses blocks that depend on earlier ones.
 */
function* framePieces(source: Uint8Array, checkHeader: boolean): ContentPieces {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.length)
  const descriptor = readDescriptor(bytes, checkHeader)
  if (typeof descriptor === 'string') return corrupt(`lz4: ${descriptor}`)
  let target: Buffer | undefined
  let written = 0
  for (let position = descriptor.blocksStart; ; ) {
    const block = readBlock(bytes, position, descriptor)
    if (typeof block === 'string') return corrupt(`lz4: ${block}`)
    if (block === undefined) break
    const { start, end, stored } = block
    if (stored) yield bytes.subarray(start, end)
    else {
      target ??= Buffer.allocUnsafe(Math.min(descriptor.blockBytes, contentBound(bytes, descriptor)))
      const size = decompressLz4Block(bytes, start, end, target, 0, target.length)
      if (size < 0) return corrupt('lz4: corrupt block')
      yield target.subarray(0, size)
      written += size
    }
    if (stored) written += end - start
    position = block.next
  }
  const { contentSize } = descriptor
  return contentSize === undefined || written === contentSize
    ? undefined
    : corrupt('lz4: content size does not match the content')
}

interface Block {
  readonly start: number
  readonly end: number
  readonly stored: boolean
  /** Position of the next block. */
  readonly next: number
}

/** The block at the position; undefined at the end mark, an error text if invalid. */
function readBlock(bytes: Buffer, position: number, descriptor: Descriptor): Block | string | undefined {
  const sumBytes = descriptor.hasBlockChecksums ? 4 : 0
  if (position + 4 > bytes.length) return 'no end mark'
  const head = bytes.readUInt32LE(position)
  // Bytes after the end mark are not read. Java's reader also ignores them and the content checksum.
  if (head === 0) return undefined
  const stored = head >= STORED
  const start = position + 4
  const end = start + (stored ? head - STORED : head)
  if (end + sumBytes > bytes.length) return 'cut block'
  if (end - start > descriptor.blockBytes) return 'block larger than announced'
  if (sumBytes > 0 && bytes.readUInt32LE(end) !== xxh32(bytes, start, end)) return 'wrong block checksum'
  return { start, end, stored, next: end + sumBytes }
}

/** Bytes written to target, or an error text; 'no room': the content exceeds target. */
function decompressBlocks(bytes: Buffer, descriptor: Descriptor, target: Buffer): number | string {
  let written = 0
  for (let position = descriptor.blocksStart; ; ) {
    const block = readBlock(bytes, position, descriptor)
    if (typeof block === 'string') return block
    if (block === undefined) return written
    const { start, end, stored } = block
    const room = Math.min(target.length, written + descriptor.blockBytes)
    const after = stored
      ? storeBlock(bytes, start, end, target, written, room)
      : decompressLz4Block(bytes, start, end, target, written, room)
    if (after === NO_ROOM && room === target.length) return 'no room'
    if (after < 0) return 'corrupt block'
    written = after
    position = block.next
  }
}

function storeBlock(bytes: Buffer, start: number, end: number, target: Buffer, to: number, room: number): number {
  if (end - start > room - to) return NO_ROOM
  bytes.copy(target, to, start, end)
  return to + end - start
}
