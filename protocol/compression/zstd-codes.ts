/**
 * One of the three codes that make a sequence (RFC 8878, 3.1.1.3.2): a length or offset is a symbol, which names a
 * base, and as many bits as the symbol says.
 */
export interface SequenceCode {
  readonly maxSymbol: number
  /** Largest accuracy of a table that a block brings along. */
  readonly maxAccuracyLog: number
  /** The table for blocks that bring none: accuracy, and probabilities in units of 2^-accuracyLog; -1 is "less than one". */
  readonly accuracyLog: number
  readonly probabilities: readonly number[]
  /** Extra bits of each symbol, and where it starts. Empty for offsets: symbol n starts at 2^n and has n bits. */
  readonly bits: Uint8Array
  readonly bases: Int32Array
}

export const LITERAL_LENGTHS: SequenceCode = {
  maxSymbol: 35,
  maxAccuracyLog: 9,
  accuracyLog: 6,
  probabilities: [
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
  ],
  ...extraBits(16, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], 0),
}

export const OFFSETS: SequenceCode = {
  maxSymbol: 31,
  maxAccuracyLog: 8,
  accuracyLog: 5,
  probabilities: [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
  bits: new Uint8Array(0),
  bases: new Int32Array(0),
}

/** Matches have at least 3 bytes. */
export const MATCH_LENGTHS: SequenceCode = {
  maxSymbol: 52,
  maxAccuracyLog: 9,
  accuracyLog: 6,
  probabilities: [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
  ],
  ...extraBits(32, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], 3),
}

/** The first `plain` symbols have no extra bits; the others have these. */
function extraBits(plain: number, others: readonly number[], first: number) {
  const bits = Uint8Array.from([...Array<number>(plain).fill(0), ...others])
  let base = first
  const bases = Int32Array.from(bits, (count) => {
    const start = base
    base += 1 << count
    return start
  })
  return { bits, bases }
}
