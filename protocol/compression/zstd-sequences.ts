import { BackwardBits } from './backward-bits.ts'
import { corrupt } from './codec.ts'
import { copyMatch } from './copy-match.ts'
import { buildFseTable, type FseTable, readFseTable, singleSymbolTable } from './fse-table.ts'
import { LITERAL_LENGTHS, MATCH_LENGTHS, OFFSETS, type SequenceCode } from './zstd-codes.ts'

/** Decoder state passed from one block to the next of its frame. */
export interface SequenceState {
  literalLengths: FseTable | undefined
  offsets: FseTable | undefined
  matchLengths: FseTable | undefined
  /** The last three offsets, the latest first. */
  readonly recentOffsets: [number, number, number]
}

/** State at the start of a frame. */
export function newSequenceState(): SequenceState {
  return { literalLengths: undefined, offsets: undefined, matchLengths: undefined, recentOffsets: [1, 4, 8] }
}

/**
 * Executes the sequences of a block in bytes[position, end). Each copies literals to target, then a match from the
 * bytes written since frameStart. Returns the position after the last byte written, at most room. Throws
 * DecompressionFault.
 */
export function executeSequences(
  bytes: Uint8Array,
  position: number,
  end: number,
  state: SequenceState,
  literals: Uint8Array,
  target: Uint8Array,
  frameStart: number,
  targetStart: number,
  room: number,
): number {
  const head = readHead(bytes, position, end, state)
  if (head === undefined) return appendLiterals(literals, 0, target, targetStart, room)
  const { count, start } = head
  const { literalLengths, offsets, matchLengths } = state as Required<SequenceState>
  const recent = state.recentOffsets
  const { bits: literalBits, bases: literalBases } = LITERAL_LENGTHS
  const { bits: matchBits, bases: matchBases } = MATCH_LENGTHS
  const bits = new BackwardBits(bytes, start, end)
  let literalState = bits.read(literalLengths!.accuracyLog)
  let offsetState = bits.read(offsets!.accuracyLog)
  let matchState = bits.read(matchLengths!.accuracyLog)
  let from = 0
  let to = targetStart
  for (let i = 0; i < count; i++) {
    const offsetCode = offsets!.symbol[offsetState]!
    const matchCode = matchLengths!.symbol[matchState]!
    const literalCode = literalLengths!.symbol[literalState]!
    // No content is long enough for an offset of 31 bits.
    if (offsetCode > 30) throw corrupt('zstd: match before the start')
    const offsetValue = (1 << offsetCode) + bits.readLong(offsetCode)
    const matchLength = matchBases[matchCode]! + bits.read(matchBits[matchCode]!)
    const literalLength = literalBases[literalCode]! + bits.read(literalBits[literalCode]!)
    if (i < count - 1) {
      literalState = literalLengths!.base[literalState]! + bits.read(literalLengths!.bits[literalState]!)
      matchState = matchLengths!.base[matchState]! + bits.read(matchLengths!.bits[matchState]!)
      offsetState = offsets!.base[offsetState]! + bits.read(offsets!.bits[offsetState]!)
    }
    if (bits.left < 0) throw corrupt('zstd: truncated sequences')
    const offset = resolveOffset(offsetValue, literalLength, recent)

    const literalsEnd = from + literalLength
    if (literalsEnd > literals.length || literalLength + matchLength > room - to) throw corrupt('zstd: block too large')
    if (literalLength > 32) {
      target.set(literals.subarray(from, literalsEnd), to)
      to += literalLength
      from = literalsEnd
    } else {
      while (from < literalsEnd) target[to++] = literals[from++]!
    }
    if (offset < 1 || offset > to - frameStart) throw corrupt('zstd: match before the start')
    to = copyMatch(target, to, offset, matchLength)
  }
  if (bits.left !== 0) throw corrupt('zstd: sequences do not fit their stream')
  return appendLiterals(literals, from, target, to, room)
}

function appendLiterals(literals: Uint8Array, from: number, target: Uint8Array, to: number, room: number): number {
  if (literals.length - from > room - to) throw corrupt('zstd: block too large')
  target.set(from === 0 ? literals : literals.subarray(from), to)
  return to + literals.length - from
}

/**
 * Values 1 to 3 name a recent offset. Without literals they name the next one, and 3 means the latest offset less one.
 */
function resolveOffset(value: number, literalLength: number, recent: [number, number, number]): number {
  if (value > 3) {
    recent[2] = recent[1]
    recent[1] = recent[0]
    recent[0] = value - 3
    return recent[0]
  }
  const which = literalLength === 0 ? value : value - 1
  if (which === 0) return recent[0]
  const offset = which === 3 ? recent[0] - 1 : recent[which]!
  if (which > 1) recent[2] = recent[1]
  recent[1] = recent[0]
  recent[0] = offset
  return offset
}

/** Reads the number of sequences, where their bits start, and the tables into state. undefined: no sequences. */
function readHead(
  bytes: Uint8Array,
  position: number,
  end: number,
  state: SequenceState,
): { readonly count: number; readonly start: number } | undefined {
  const first = byteAt(bytes, position, end)
  if (first === 0) {
    if (position + 1 !== end) throw corrupt('zstd: bytes after a block without sequences')
    return undefined
  }
  let count = first
  let at = position + 1
  if (first > 127) {
    const second = byteAt(bytes, at++, end)
    count = first < 255 ? ((first - 128) << 8) | second : second + (byteAt(bytes, at++, end) << 8) + 0x7f00
  }
  const modes = byteAt(bytes, at++, end)
  if ((modes & 3) !== 0) throw corrupt('zstd: reserved bits')
  const lengths = readTable(LITERAL_LENGTHS, modes >> 6, state.literalLengths, bytes, at, end)
  const offsets = readTable(OFFSETS, (modes >> 4) & 3, state.offsets, bytes, lengths.position, end)
  const matches = readTable(MATCH_LENGTHS, (modes >> 2) & 3, state.matchLengths, bytes, offsets.position, end)
  state.literalLengths = lengths.table
  state.offsets = offsets.table
  state.matchLengths = matches.table
  return { count, start: matches.position }
}

/** mode: 0 predefined, 1 one symbol only, 2 described here, 3 that of the last block. */
function readTable(
  code: SequenceCode,
  mode: number,
  previous: FseTable | undefined,
  bytes: Uint8Array,
  position: number,
  end: number,
): { readonly table: FseTable; readonly position: number } {
  if (mode === 0) return { table: predefinedTable(code), position }
  if (mode === 2) return readFseTable(bytes, position, end, code.maxAccuracyLog, code.maxSymbol)
  if (mode === 3) {
    if (previous === undefined) throw corrupt('zstd: no table to repeat')
    return { table: previous, position }
  }
  const symbol = byteAt(bytes, position, end)
  if (symbol > code.maxSymbol) throw corrupt('zstd: symbol out of range')
  return { table: singleSymbolTable(symbol), position: position + 1 }
}

function predefinedTable(code: SequenceCode): FseTable {
  const table = predefinedTables.get(code) ?? buildFseTable(code.probabilities, code.accuracyLog)
  predefinedTables.set(code, table)
  return table
}

const predefinedTables = new Map<SequenceCode, FseTable>()

function byteAt(bytes: Uint8Array, position: number, end: number): number {
  if (position >= end) throw corrupt('zstd: truncated sequences')
  return bytes[position]!
}
