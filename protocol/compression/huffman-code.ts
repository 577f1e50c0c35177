/** Longest code that zstd allows for literals. */
const MAX_BITS = 11

/** A complete prefix code. Symbols without a code have length 0. */
export interface HuffmanCode {
  readonly maxBits: number
  readonly lengths: Uint8Array
  readonly codes: Uint16Array
}

/**
 * The best code of at most 11 bits for symbols with these counts; at least two must occur. Codes are assigned as zstd's
 * tables expect: the longest first, those of equal length in symbol order.
 */
export function huffmanCode(counts: ArrayLike<number>): HuffmanCode {
  const lengths = codeLengths(counts)
  const maxBits = Math.max(...lengths)
  const codes = new Uint16Array(counts.length)
  let position = 0
  for (let length = maxBits; length > 0; length--) {
    for (const [symbol, its] of lengths.entries()) {
      if (its !== length) continue
      codes[symbol] = position >> (maxBits - length)
      position += 1 << (maxBits - length)
    }
  }
  return { maxBits, lengths, codes }
}

interface Package {
  readonly count: number
  readonly symbols: readonly number[]
}

/**
 * Package-merge: the length of a symbol's code is the number of times that the symbol occurs in the cheapest 2n - 2
 * packages of the last round.
 */
function codeLengths(counts: ArrayLike<number>): Uint8Array {
  const leaves: Package[] = []
  for (let symbol = 0; symbol < counts.length; symbol++) {
    if (counts[symbol]! > 0) leaves.push({ count: counts[symbol]!, symbols: [symbol] })
  }
  leaves.sort((a, b) => a.count - b.count)
  let packages: Package[] = leaves
  for (let round = 1; round < MAX_BITS; round++) packages = mergeByCount(leaves, inPairs(packages))
  const lengths = new Uint8Array(counts.length)
  for (const { symbols } of packages.slice(0, 2 * leaves.length - 2)) for (const symbol of symbols) lengths[symbol]!++
  return lengths
}

function inPairs(packages: readonly Package[]): Package[] {
  return Array.from({ length: packages.length >> 1 }, (_, i) => {
    const a = packages[2 * i]!
    const b = packages[2 * i + 1]!
    return { count: a.count + b.count, symbols: a.symbols.concat(b.symbols) }
  })
}

function mergeByCount(a: readonly Package[], b: readonly Package[]): Package[] {
  const merged: Package[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const takeA = j >= b.length || (i < a.length && a[i]!.count <= b[j]!.count)
    merged.push(takeA ? a[i++]! : b[j++]!)
  }
  return merged
}
