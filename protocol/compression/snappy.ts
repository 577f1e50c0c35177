import snappyjs from 'snappyjs'
import {
  type Codec,
  type ContentPieces,
  compressedAtOnce,
  corrupt,
  type DecompressionFault,
  tooLarge,
} from './codec.ts'
import { decompressSnappyElements, decompressSomeElements, readSnappyHead, type SnappyHead } from './snappy-block.ts'

/*
 * Framing of the library snappy-java ("xerial"), which Kafka's Java clients and most others write. Big endian.
 *
 *  magic        8  82 'SNAPPY' 00
 *  version      4  1
 *  compatible   4  1
 *  chunks          each: 4 size, then raw snappy bytes
 *
 * librdkafka and Go clients may send raw snappy bytes without this framing. Bytes without the magic are read as raw.
 */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const HEADER = Buffer.concat([MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
/** Chunk content size of snappy-java's stream. */
const CHUNK_BYTES = 32768
/** Upper bound: a copy element of three bytes yields 64. */
const MAX_RATIO = 22

/** Snappy: written with xerial framing, read with and without it. Has no levels. */
export const snappy: Codec = {
  id: 2,
  name: 'snappy',
  compress: (bytes) => compressedAtOnce(compressing(bytes)),
  compressing,
  decompress(source, limitBytes) {
    const bytes = Buffer.from(source.buffer, source.byteOffset, source.length)
    const chunks = isFramed(bytes) ? readChunks(bytes) : [{ start: 0, end: bytes.length }]
    return typeof chunks === 'string' ? corrupt(`snappy: ${chunks}`) : decompressChunks(bytes, chunks, limitBytes)
  },
  pieces,
}

/** Content per piece. */
const PIECE_BYTES = 65536

/**
 * Decompresses chunk by chunk. Each chunk states its content size and gets memory for all of it, because copies may
 * reach back to its start.
 */
function* pieces(source: Uint8Array): ContentPieces {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.length)
  const chunks = isFramed(bytes) ? readChunks(bytes) : [{ start: 0, end: bytes.length }]
  if (typeof chunks === 'string') return corrupt(`snappy: ${chunks}`)
  let target = Buffer.alloc(0)
  for (const { start, end } of chunks) {
    const head = readSnappyHead(bytes, start, end)
    if (head === undefined) return corrupt('snappy: no content size')
    const { contentSize, elementsStart } = head
    if (contentSize > (end - start) * MAX_RATIO) return corrupt('snappy: content size too large for the input')
    if (target.length < contentSize) target = Buffer.allocUnsafe(contentSize)
    const progress = { from: elementsStart, to: 0 }
    for (let given = 0; ; given = progress.to) {
      const enoughAt = Math.min(contentSize, given + PIECE_BYTES)
      const isSound = decompressSomeElements(bytes, end, target, 0, contentSize, progress, enoughAt)
      const isAtEnd = progress.from === end
      if (!isSound || (isAtEnd && progress.to !== contentSize)) return corrupt('snappy: corrupt chunk')
      yield target.subarray(given, progress.to)
      if (isAtEnd) break
    }
  }
  return undefined
}

function* compressing(bytes: Uint8Array): Generator<number, Buffer, void> {
  const parts: Uint8Array[] = [HEADER]
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    const chunk = snappyjs.compress(bytes.subarray(start, start + CHUNK_BYTES))
    const size = Buffer.allocUnsafe(4)
    size.writeUInt32BE(chunk.length)
    parts.push(size, chunk)
    yield CHUNK_BYTES
  }
  return Buffer.concat(parts)
}

interface Chunk {
  readonly start: number
  readonly end: number
}

function isFramed(bytes: Buffer): boolean {
  return bytes.length >= HEADER.length && MAGIC.compare(bytes, 0, MAGIC.length) === 0
}

function readChunks(bytes: Buffer): Chunk[] | string {
  if (bytes.readInt32BE(8) < 1) return 'unknown version of the framing'
  const chunks: Chunk[] = []
  for (let position = HEADER.length; position < bytes.length; ) {
    // Like snappy-java, treat fewer than four bytes as the end.
    if (position + 4 > bytes.length) break
    const size = bytes.readUInt32BE(position)
    // Concatenated streams each begin with the header, whose first bytes are not a valid size.
    if (size === MAGIC.readUInt32BE(0) && isFramed(bytes.subarray(position))) {
      position += HEADER.length
      continue
    }
    const start = position + 4
    if (size > bytes.length - start) return 'cut chunk'
    chunks.push({ start, end: start + size })
    position = start + size
  }
  return chunks
}

function decompressChunks(bytes: Buffer, chunks: Chunk[], limitBytes: number): Buffer | DecompressionFault {
  const heads: SnappyHead[] = []
  let total = 0
  for (const { start, end } of chunks) {
    const head = readSnappyHead(bytes, start, end)
    if (head === undefined) return corrupt('snappy: no content size')
    if (head.contentSize > (end - start) * MAX_RATIO) return corrupt('snappy: content size too large for the input')
    heads.push(head)
    total += head.contentSize
    if (total > limitBytes) return tooLarge(limitBytes)
  }
  const target = Buffer.allocUnsafe(total)
  let position = 0
  for (const [i, { elementsStart, contentSize }] of heads.entries()) {
    const end = position + contentSize
    if (!decompressSnappyElements(bytes, elementsStart, chunks[i]!.end, target, position, end)) {
      return corrupt('snappy: corrupt chunk')
    }
    position = end
  }
  return target
}
