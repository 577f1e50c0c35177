import { ForwardBitWriter } from './forward-bit-writer.ts'
import { FseEncoder } from './fse-encoder.ts'
import { LITERAL_LENGTHS, MATCH_LENGTHS, OFFSETS, type SequenceCode } from './zstd-codes.ts'
import type { Sequences } from './zstd-matches.ts'

/** 0: predefined tables for all three codes. */
const PREDEFINED_TABLES = 0

/**
 * Writes the sequences section of a block with the predefined tables. `recent` is the last offset used in the frame, 0
 * at its start. `bytes` has room for 16 bytes per sequence. Returns the position after it.
 */
export function writeSequences(sequences: Sequences, recent: number, bytes: Uint8Array, position: number): number {
  const { count, values } = sequences
  const start = writeCount(count, bytes, position)
  if (count === 0) return start
  bytes[start] = PREDEFINED_TABLES
  const offsetValues = withRepeats(values, count, recent)
  const writer = new ForwardBitWriter(bytes, start + 1)
  const literalLengths = encoderOf(LITERAL_LENGTHS)
  const offsets = encoderOf(OFFSETS)
  const matchLengths = encoderOf(MATCH_LENGTHS)
  // The reader starts at the end, so the last sequence is written first.
  for (let i = count - 1; i >= 0; i--) {
    const literalLength = values[3 * i]!
    const matchLength = values[3 * i + 1]!
    const offset = offsetValues[i]!
    const literalCode = codeOf(LITERAL_LENGTHS, literalLength)
    const matchCode = codeOf(MATCH_LENGTHS, matchLength)
    const offsetCode = 31 - Math.clz32(offset)
    if (i === count - 1) {
      literalLengths.begin(literalCode)
      offsets.begin(offsetCode)
      matchLengths.begin(matchCode)
    } else {
      offsets.encode(offsetCode, writer)
      matchLengths.encode(matchCode, writer)
      literalLengths.encode(literalCode, writer)
    }
    writer.write(literalLength - LITERAL_LENGTHS.bases[literalCode]!, LITERAL_LENGTHS.bits[literalCode]!)
    writer.write(matchLength - MATCH_LENGTHS.bases[matchCode]!, MATCH_LENGTHS.bits[matchCode]!)
    writer.write(offset, offsetCode)
  }
  matchLengths.finish(writer)
  offsets.finish(writer)
  literalLengths.finish(writer)
  return writer.finish()
}

function encoderOf(code: SequenceCode): FseEncoder {
  return new FseEncoder(code.probabilities, code.accuracyLog)
}

/** Encoded offsets: 1 repeats the previous offset, but only after literals; other offsets are written plus 3. */
function withRepeats(values: Uint32Array, count: number, recent: number): Uint32Array {
  const offsets = new Uint32Array(count)
  let previous = recent
  for (let i = 0; i < count; i++) {
    const offset = values[3 * i + 2]!
    offsets[i] = offset === previous && values[3 * i]! > 0 ? 1 : offset + 3
    previous = offset
  }
  return offsets
}

function codeOf(code: SequenceCode, length: number): number {
  const { bases } = code
  let symbol = bases[0] === 0 ? Math.min(length, 16) : Math.min(length - 3, 32)
  while (symbol < code.maxSymbol && bases[symbol + 1]! <= length) symbol++
  return symbol
}

function writeCount(count: number, bytes: Uint8Array, position: number): number {
  if (count < 128) {
    bytes[position] = count
    return position + 1
  }
  if (count < 0x7f00) {
    bytes[position] = (count >> 8) + 128
    bytes[position + 1] = count
    return position + 2
  }
  bytes[position] = 255
  bytes[position + 1] = count - 0x7f00
  bytes[position + 2] = (count - 0x7f00) >> 8
  return position + 3
}
