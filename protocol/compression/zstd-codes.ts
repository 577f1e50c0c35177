/**
 * One of the three codes of a sequence (RFC 8878, 3.1.1.3.2). A symbol stands for a base value and a number of extra
 * bits, which are added to the base.
 */
export interface SequenceCode {
  readonly maxSymbol: number
  /** Maximum accuracy of a table inside a block. */
  readonly maxAccuracyLog: number
  /** Predefined table: accuracy, and probabilities in units of 2^-accuracyLog; -1 means "less than one". */
  readonly accuracyLog: number
  readonly probabilities: readonly number[]
  /** Extra bits and base value of each symbol. Empty for offsets: symbol n has base 2^n and n extra bits. */
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

/** A match has at least 3 bytes. */
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

/** The first `plain` symbols have no extra bits; `others` lists the rest. */
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
