import { ForwardBitWriter } from './forward-bit-writer.ts'
import { type HuffmanCode, huffmanCode } from './huffman-code.ts'

/** Below this size a table costs more than it saves. */
const MIN_COMPRESSED = 64
/** Most symbols that weights of 4 bits each can describe; for more, the weights would have to be compressed. */
const MAX_SYMBOL = 128
/** Larger sizes need a wider header and four streams. */
const MAX_ONE_STREAM = 1023

/**
 * Writes the literals section of a block (layout in zstd-literals.ts) in the smallest of three forms: one byte
 * repeated, Huffman coded, or raw. `bytes` has room for the literals and 512 bytes more. Returns the position after it.
 */
export function writeLiterals(literals: Uint8Array, bytes: Uint8Array, position: number): number {
  const counts = new Uint32Array(256)
  for (const byte of literals) counts[byte]!++
  const symbols = counts.reduce((symbols, count) => (count > 0 ? symbols + 1 : symbols), 0)
  if (symbols === 1 && literals.length > 3) {
    const after = writePlainHead(bytes, position, 1, literals.length)
    bytes[after] = literals[0]!
    return after + 1
  }
  const maxSymbol = counts.findLastIndex((count) => count > 0)
  if (literals.length >= MIN_COMPRESSED && symbols > 1 && maxSymbol <= MAX_SYMBOL) {
    const after = writeCompressed(literals, huffmanCode(counts), maxSymbol, bytes, position)
    if (after - position < literals.length) return after
  }
  const start = writePlainHead(bytes, position, 0, literals.length)
  bytes.set(literals, start)
  return start + literals.length
}

/** type: 0 raw, 1 repeated. */
function writePlainHead(bytes: Uint8Array, position: number, type: number, size: number): number {
  if (size < 32) return writeUintLE(bytes, position, type | (size << 3), 1)
  if (size < 4096) return writeUintLE(bytes, position, type | (1 << 2) | (size << 4), 2)
  return writeUintLE(bytes, position, type | (3 << 2) | (size << 4), 3)
}

function writeCompressed(
  literals: Uint8Array,
  code: HuffmanCode,
  maxSymbol: number,
  bytes: Uint8Array,
  position: number,
): number {
  const format = literals.length <= MAX_ONE_STREAM ? 0 : literals.length < 16384 ? 2 : 3
  const headBytes = format === 0 ? 3 : format + 2
  const start = position + headBytes
  const streamsStart = writeWeights(code, maxSymbol, bytes, start)
  const end =
    format === 0
      ? writeStream(literals, code, bytes, streamsStart)
      : writeFourStreams(literals, code, bytes, streamsStart)
  const sizeBits = format === 0 ? 10 : format === 2 ? 14 : 18
  // Incompressible literals may overflow the header's size field. The caller then stores them raw.
  const head = 2 + format * 4 + literals.length * 16 + (end - start) * 2 ** (4 + sizeBits)
  writeUintLE(bytes, position, head, headBytes)
  return end
}

/** Writes a weight for every symbol but the last, whose weight follows from the others. */
function writeWeights(code: HuffmanCode, maxSymbol: number, bytes: Uint8Array, position: number): number {
  const weight = (symbol: number) => {
    const length = symbol < maxSymbol ? code.lengths[symbol]! : 0
    return length === 0 ? 0 : code.maxBits + 1 - length
  }
  let at = position
  bytes[at++] = 127 + maxSymbol
  for (let symbol = 0; symbol < maxSymbol; symbol += 2) bytes[at++] = (weight(symbol) << 4) | weight(symbol + 1)
  return at
}

function writeFourStreams(literals: Uint8Array, code: HuffmanCode, bytes: Uint8Array, position: number): number {
  const quarter = (literals.length + 3) >> 2
  let from = position + 6
  for (let stream = 0; stream < 4; stream++) {
    const to = writeStream(literals.subarray(quarter * stream, quarter * (stream + 1)), code, bytes, from)
    if (stream < 3) writeUintLE(bytes, position + 2 * stream, to - from, 2)
    from = to
  }
  return from
}

function writeStream(literals: Uint8Array, code: HuffmanCode, bytes: Uint8Array, position: number): number {
  const writer = new ForwardBitWriter(bytes, position)
  for (let i = literals.length - 1; i >= 0; i--) {
    const byte = literals[i]!
    writer.write(code.codes[byte]!, code.lengths[byte]!)
  }
  return writer.finish()
}

function writeUintLE(bytes: Uint8Array, position: number, value: number, size: number): number {
  let rest = value
  for (let i = 0; i < size; i++) {
    bytes[position + i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return position + size
}
