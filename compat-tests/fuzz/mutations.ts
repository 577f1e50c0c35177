import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { Mark } from './marked-writer.ts'

const nastyBytes = [0x00, 0x01, 0x7f, 0x80, 0xff]
const nastyLengths = [-1, -2, 0, 1, 2, 0x7fffffff, 0x7ffffffe, -0x80000000, 0x00ffffff, 0x10000, 100_000]
const nastyShorts = [-1, -2, 0, 1, 0x7fff, -0x8000, 255, 256]
/** Varints: some without an end, the largest of 32 and 64 bits, lengths near 2^31, and zeros in more bytes than needed. */
const invalidVarints = [
  'ffffffffffffffffffff',
  'ffffffff0f',
  'ffffffff07',
  'ffffffffffffffffff01',
  '8080808008',
  '8180808008',
  '80808080808080808080',
  '8080808000',
  '8000',
  '80',
  '00',
  '01',
  '7f',
  'ff7f',
  'ffff03',
].map((hex) => Buffer.from(hex, 'hex'))
/** Sections of tagged fields: unknown, duplicate, out of order, empty, too many, larger than the rest of the message. */
const invalidTags = [
  '016304deadbeef',
  '026300' + '6300',
  '0264006300',
  '0100' + '00',
  '010001' + '01',
  '0101' + '0200ff',
  '02000100' + '00' + '0100',
  '030000' + '0100' + '0200',
  'ffffffff0f',
  '0163ffffffff0f',
  '01ffffffff0f00',
  '0200020000' + '00020000',
].map((hex) => Buffer.from(hex, 'hex'))
const nothing = Buffer.alloc(0)

/** The bytes with one to four faults. The total length changes only if bytes are cut off, inserted or removed. */
export function mutated(bytes: Buffer, random: SeededRandom): Buffer {
  let mutant: Buffer = Buffer.from(bytes)
  for (let faults = 1 + random.below(4); faults > 0 && mutant.length > 0; faults--) mutant = mutatedOnce(mutant, random)
  return mutant
}

function mutatedOnce(bytes: Buffer, random: SeededRandom): Buffer {
  const at = random.below(bytes.length)
  switch (random.below(8)) {
    case 0:
      bytes[at] = bytes[at]! ^ (1 << random.below(8))
      return bytes
    case 1:
      bytes[at] = random.pick(nastyBytes)
      return bytes
    case 2:
      return bytes.subarray(0, at)
    case 3:
      return spliced(bytes, at, 0, random.bytes(1 + random.below(16)))
    case 4:
      return spliced(bytes, at, 1 + random.below(8), nothing)
    case 5:
      return overwritten(bytes, at, int32(random.pick(nastyLengths)))
    case 6:
      return overwritten(bytes, at, random.pick(invalidVarints))
    default: {
      const from = random.below(bytes.length)
      return spliced(bytes, at, 0, Buffer.from(bytes.subarray(from, from + random.below(64))))
    }
  }
}

/** A message with one fault, rarely two, at a marked part: a length, a string or a section of tagged fields. */
export function mutatedAtMarks(bytes: Buffer, marks: readonly Mark[], random: SeededRandom): Buffer {
  if (marks.length === 0) return mutated(bytes, random)
  const count = random.oneIn(4) ? 2 : 1
  const chosen = Array.from({ length: count }, () => random.pick(marks)).sort((a, b) => b.start - a.start)
  let mutant = bytes
  // From back to front, so that earlier positions stay valid.
  for (const { kind, start, size } of chosen) {
    mutant = spliced(mutant, start, size, replacement(kind, mutant.subarray(start, start + size), random))
  }
  return mutant
}

function replacement(kind: Mark['kind'], old: Buffer, random: SeededRandom): Buffer {
  switch (kind) {
    case 'varint':
      return random.oneIn(3) ? neighbour(old, random) : random.pick(invalidVarints)
    case 'noTags':
      return random.oneIn(4) ? random.pick(invalidVarints) : random.pick(invalidTags)
    case 'size32':
      return int32(random.oneIn(3) ? old.readInt32BE() + random.pick([-1, 1]) : random.pick(nastyLengths))
    case 'size16':
      return int16(random.pick(nastyShorts))
    case 'text': {
      if (random.oneIn(3)) return overwritten(Buffer.from(old), 0, int16(random.pick(nastyShorts)))
      const text = hostileText(random)
      return Buffer.concat([int16(text.length), text])
    }
    default: {
      if (random.oneIn(3)) return Buffer.concat([random.pick(invalidVarints), old.subarray(1)])
      const text = hostileText(random)
      return Buffer.concat([varint(text.length + 1), text])
    }
  }
}

/** The same varint in more bytes than needed, or the number plus or minus one. */
function neighbour(old: Buffer, random: SeededRandom): Buffer {
  const changed = Buffer.from(old)
  if (random.oneIn(3)) {
    changed[changed.length - 1]! |= 0x80
    return Buffer.concat([changed, nothing, Buffer.from([0])])
  }
  changed[0] = (changed[0]! & 0x80) | ((changed[0]! + random.pick([-1, 1])) & 0x7f)
  return changed
}

/** Text that is invalid UTF-8, grows when repeated, has a special meaning, or is just long. */
function hostileText(random: SeededRandom): Buffer {
  switch (random.below(6)) {
    case 0:
      return Buffer.alloc(random.pick([1, 2, 3, 249, 250, 11_000, 32_767]), 0xff)
    case 1:
      return Buffer.alloc(random.pick([1, 20, 255, 256, 32_767]), 0x61)
    case 2:
      return Buffer.from(random.pick(['', '.', '..', '/', '\0', '../../etc', '__proto__', 'constructor', '-', '*']))
    case 3:
      return Buffer.from(random.pick(['𝕋', '\u0000x', 'ﬀ', 'é', '\ud800', '\r\n', '%s%n', '"', "'", '\\']))
    case 4:
      return Buffer.from(random.pick(['c0af', 'eda080', 'f4908080', 'fe', 'e282', '80']), 'hex')
    default:
      return random.bytes(random.below(40))
  }
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value >>> 0
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}

export function int16(value: number): Buffer {
  return Buffer.from([(value >> 8) & 0xff, value & 0xff])
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value | 0)
  return bytes
}

function spliced(bytes: Buffer, at: number, removed: number, added: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])
}

function overwritten(bytes: Buffer, at: number, over: Buffer): Buffer {
  over.copy(bytes, at)
  return bytes
}
