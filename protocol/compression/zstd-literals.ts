import { BackwardBits } from './backward-bits.ts'
import { corrupt } from './codec.ts'
import { readFseTable } from './fse-table.ts'

/** Huffman table, indexed by the next maxBits bits: code length in the high byte, symbol in the low byte. */
export interface HuffmanTable {
  readonly maxBits: number
  readonly entries: Uint16Array
}

/** The literals of a block, and where its sequences start. */
export interface Literals {
  readonly bytes: Uint8Array
  readonly position: number
  /** The table, which a later block may reuse. */
  readonly huffman: HuffmanTable | undefined
}

/**
 * Reads the literals section (RFC 8878, 3.1.1.3.1) at position. The two low bits of its first byte give the type: 0
 * raw, 1 one byte repeated, 2 compressed with its own table, 3 with the last block's table. Throws DecompressionFault.
 */
export function readLiterals(
  bytes: Uint8Array,
  position: number,
  end: number,
  previous: HuffmanTable | undefined,
  maxSize: number,
): Literals {
  if (position >= end) throw corrupt('zstd: block without literals')
  const type = bytes[position]! & 3
  const format = (bytes[position]! >> 2) & 3
  return type < 2
    ? readPlain(bytes, position, end, type === 1, format, previous, maxSize)
    : readCompressed(bytes, position, end, type === 3, format, previous, maxSize)
}

function readPlain(
  bytes: Uint8Array,
  position: number,
  end: number,
  repeated: boolean,
  format: number,
  huffman: HuffmanTable | undefined,
  maxSize: number,
): Literals {
  const headBytes = format === 1 ? 2 : format === 3 ? 3 : 1
  const head = uintLE(bytes, position, headBytes, end)
  const size = headBytes === 1 ? head >> 3 : head >> 4
  const start = position + headBytes
  const after = start + (repeated ? 1 : size)
  if (size > maxSize || after > end) throw corrupt('zstd: literals beyond the block')
  const literals = repeated ? new Uint8Array(size).fill(bytes[start]!) : bytes.subarray(start, after)
  return { bytes: literals, position: after, huffman }
}

function readCompressed(
  bytes: Uint8Array,
  position: number,
  end: number,
  treeless: boolean,
  format: number,
  previous: HuffmanTable | undefined,
  maxSize: number,
): Literals {
  const headBytes = format < 2 ? 3 : format + 2
  const sizeBits = format < 2 ? 10 : format === 2 ? 14 : 18
  const head = uintLE(bytes, position, headBytes, end)
  const size = Math.floor(head / 16) % 2 ** sizeBits
  const compressedSize = Math.floor(head / 2 ** (4 + sizeBits))
  const start = position + headBytes
  const after = start + compressedSize
  if (size > maxSize || after > end) throw corrupt('zstd: literals beyond the block')
  const tree = treeless ? { table: previous, position: start } : readHuffmanTable(bytes, start, after)
  if (tree.table === undefined) throw corrupt('zstd: no Huffman table to repeat')
  const literals = new Uint8Array(size)
  if (format === 0) decodeStream(bytes, tree.position, after, tree.table, literals, 0, size)
  else decodeFourStreams(bytes, tree.position, after, tree.table, literals)
  return { bytes: literals, position: after, huffman: tree.table }
}

/** Three sizes of 2 bytes, then four streams, each for a quarter of the literals, rounded up. */
function decodeFourStreams(bytes: Uint8Array, start: number, end: number, table: HuffmanTable, out: Uint8Array): void {
  const quarter = (out.length + 3) >> 2
  if (start + 6 > end || 3 * quarter > out.length) throw corrupt('zstd: truncated literals')
  let from = start + 6
  for (let stream = 0; stream < 4; stream++) {
    const to = stream < 3 ? from + uintLE(bytes, start + 2 * stream, 2, end) : end
    if (to > end) throw corrupt('zstd: truncated literals')
    const outEnd = stream < 3 ? quarter * (stream + 1) : out.length
    decodeStream(bytes, from, to, table, out, quarter * stream, outEnd)
    from = to
  }
}

function decodeStream(
  bytes: Uint8Array,
  start: number,
  end: number,
  table: HuffmanTable,
  out: Uint8Array,
  outStart: number,
  outEnd: number,
): void {
  const { maxBits, entries } = table
  const mask = (1 << maxBits) - 1
  let left = new BackwardBits(bytes, start, end).left
  let to = outStart
  while (left >= maxBits && to < outEnd) {
    const bit = left - maxBits
    const i = start + (bit >> 3)
    const word = (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16)) >> (bit & 7)
    const entry = entries[word & mask]!
    out[to++] = entry
    left -= entry >> 8
  }
  // The last codes may be shorter than a whole look-up: missing bits read as zero.
  while (left > 0 && to < outEnd) {
    const low = (bytes[start]! | (bytes[start + 1]! << 8)) & ((1 << left) - 1)
    const entry = entries[left >= maxBits ? low >> (left - maxBits) : low << (maxBits - left)]!
    out[to++] = entry
    left -= entry >> 8
  }
  if (left !== 0 || to !== outEnd) throw corrupt('zstd: literals do not fit their stream')
}

/** Reads the symbols' weights, either 4 bits each or coded by finite state entropy (RFC 8878, 4.2.1). */
function readHuffmanTable(bytes: Uint8Array, start: number, end: number): { table: HuffmanTable; position: number } {
  if (start >= end) throw corrupt('zstd: no Huffman table')
  const head = bytes[start]!
  const from = start + 1
  const count = head - 127
  const after = from + (head < 128 ? head : (count + 1) >> 1)
  if (after > end) throw corrupt('zstd: truncated Huffman table')
  const weights = head < 128 ? readFseWeights(bytes, from, after) : readPlainWeights(bytes, from, count)
  return { table: buildHuffmanTable(weights), position: after }
}

function readPlainWeights(bytes: Uint8Array, start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const pair = bytes[start + (i >> 1)]!
    return (i & 1) === 0 ? pair >> 4 : pair & 15
  })
}

/** Two states alternate. When the bits run out, the state that still has a symbol gives the last weight. */
function readFseWeights(bytes: Uint8Array, start: number, end: number): number[] {
  const { table, position } = readFseTable(bytes, start, end, 6, 255)
  const bits = new BackwardBits(bytes, position, end)
  let state = bits.read(table.accuracyLog)
  let other = bits.read(table.accuracyLog)
  if (bits.left < 0) throw corrupt('zstd: truncated Huffman weights')
  const weights: number[] = []
  for (;;) {
    weights.push(table.symbol[state]!)
    state = table.base[state]! + bits.read(table.bits[state]!)
    if (bits.left < 0) break
    // There are at most 255 weights. A table whose states consume no bits would loop forever.
    if (weights.length > 254) throw corrupt('zstd: too many Huffman weights')
    const next = other
    other = state
    state = next
  }
  weights.push(table.symbol[other]!)
  return weights
}

/**
 * A symbol of weight w has a code of maxBits + 1 - w bits. The last symbol's weight fills the sum up to a power of 2.
 */
function buildHuffmanTable(weights: number[]): HuffmanTable {
  let sum = 0
  for (const weight of weights) {
    if (weight > 11) throw corrupt('zstd: Huffman code too long')
    if (weight > 0) sum += 1 << (weight - 1)
  }
  if (sum === 0 || weights.length > 255) throw corrupt('zstd: no Huffman weights')
  const maxBits = 32 - Math.clz32(sum)
  const missing = (1 << maxBits) - sum
  if (maxBits > 11 || (missing & (missing - 1)) !== 0) throw corrupt('zstd: Huffman weights do not add up')
  const complete = [...weights, 32 - Math.clz32(missing)]
  const entries = new Uint16Array(1 << maxBits)
  let position = 0
  for (let weight = 1; weight <= maxBits; weight++) {
    for (const [symbol, its] of complete.entries()) {
      if (its !== weight) continue
      const next = position + (1 << (weight - 1))
      entries.fill(((maxBits + 1 - weight) << 8) | symbol, position, next)
      position = next
    }
  }
  return { maxBits, entries }
}

function uintLE(bytes: Uint8Array, position: number, size: number, end: number): number {
  if (position + size > end) throw corrupt('zstd: truncated literals')
  let value = 0
  for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[position + i]!
  return value
}
