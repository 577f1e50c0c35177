import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { type ByteRot, blindRot, numberRot } from './byte-rot.ts'

/** Position and width of the header fields of a v2 batch; those before the attributes are not in the checksum. */
const batchFields: readonly (readonly [name: string, at: number, width: number])[] = [
  ['base offset', 0, 8],
  ['length', 8, 4],
  ['leader epoch', 12, 4],
  ['magic', 16, 1],
  ['checksum', 17, 4],
  ['attributes', 21, 2],
  ['last offset delta', 23, 4],
  ['base timestamp', 27, 8],
  ['max timestamp', 35, 8],
  ['producer id', 43, 8],
  ['producer epoch', 51, 2],
  ['base sequence', 53, 4],
  ['count', 57, 4],
]
const OVERHEAD_BYTES = 12
const HEADER_BYTES = 61

interface Span {
  readonly start: number
  readonly end: number
}

/** Positions of the batches, or old messages, in a log file. */
function batchesIn(bytes: Buffer): Span[] {
  const spans: Span[] = []
  for (let start = 0; start + OVERHEAD_BYTES <= bytes.length; ) {
    const size = bytes.readInt32BE(start + 8)
    const end = start + OVERHEAD_BYTES + size
    if (size <= 0 || end > bytes.length) break
    spans.push({ start, end })
    start = end
  }
  return spans
}

/** Damages batches of a log, metadata log or snapshot: header fields, varints of records, whole batches. */
export function logRot(bytes: Buffer, random: SeededRandom): ByteRot {
  const spans = batchesIn(bytes)
  if (spans.length === 0) return blindRot(bytes, random)
  const index = random.below(spans.length)
  const { start, end } = spans[index]!
  const named = (rot: ByteRot, what: string): ByteRot => ({ ...rot, what: `batch ${index}: ${what}, ${rot.what}` })
  switch (random.below(7)) {
    case 0:
    case 1:
    case 2: {
      const [name, at, width] = random.pick(batchFields)
      return named(numberRot(bytes, start + at, Math.min(width, end - start - at), random), name)
    }
    case 3: {
      const from = Math.min(end - 1, start + HEADER_BYTES)
      return named(numberRot(bytes, from + random.below(end - from), 1, random), 'in its records')
    }
    case 4:
      return {
        what: `batch ${index} taken out`,
        bytes: Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]),
      }
    case 5:
      return {
        what: `batch ${index} there twice`,
        bytes: Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]),
      }
    default: {
      const at = start + random.below(end - start)
      return { what: `cut inside batch ${index}`, bytes: Buffer.from(bytes.subarray(0, at)) }
    }
  }
}

/** Damages files with entries of one size: the number of entries, one entry, one number in it. */
export function entryRot(entryBytes: number, numberBytes: number, headerBytes = 0) {
  return (bytes: Buffer, random: SeededRandom): ByteRot => {
    const count = Math.floor((bytes.length - headerBytes) / entryBytes)
    if (count <= 0) return blindRot(bytes, random)
    const index = random.below(count)
    const start = headerBytes + index * entryBytes
    switch (random.below(5)) {
      case 0:
        return { what: `cut before entry ${index}`, bytes: Buffer.from(bytes.subarray(0, start)) }
      case 1:
        return {
          what: `entry ${index} there twice`,
          bytes: Buffer.concat([bytes.subarray(0, start + entryBytes), bytes.subarray(start)]),
        }
      default: {
        const at = start + numberBytes * random.below(entryBytes / numberBytes)
        const rot = numberRot(bytes, at, numberBytes, random)
        return { ...rot, what: `entry ${index}: ${rot.what}` }
      }
    }
  }
}

/** Damages text files with one entry per line: digits, lines, the count, letters. */
export function textRot(bytes: Buffer, random: SeededRandom): ByteRot {
  const text = bytes.toString('latin1')
  const lines = text.split('\n')
  const index = random.below(lines.length)
  const joined = (what: string, changed: readonly string[]): ByteRot => {
    return { what, bytes: Buffer.from(changed.join('\n'), 'latin1') }
  }
  switch (random.below(6)) {
    case 0:
      return joined(`line ${index} taken out`, lines.toSpliced(index, 1))
    case 1:
      return joined(`line ${index} there twice`, lines.toSpliced(index, 0, lines[index]!))
    case 2: {
      const other = random.below(lines.length)
      return joined(`lines ${index} and ${other} swapped`, lines.with(index, lines[other]!).with(other, lines[index]!))
    }
    case 3:
    case 4: {
      const digits = [...text.matchAll(/\d/g)].map((match) => match.index)
      if (digits.length === 0) return blindRot(bytes, random)
      const at = random.pick(digits)
      const digit = String((Number(text[at]) + 1 + random.below(9)) % 10)
      return {
        what: `the digit at ${at} changed from ${text[at]} to ${digit}`,
        bytes: Buffer.from(text.slice(0, at) + digit + text.slice(at + 1), 'latin1'),
      }
    }
    default:
      return blindRot(bytes, random)
  }
}
