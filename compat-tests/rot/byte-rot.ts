import type { SeededRandom } from '../../storage/host/seeded-random.ts'

/** A change of a file's bytes and its description. Computed from the file's bytes at that time. */
export interface ByteRot {
  readonly what: string
  readonly bytes: Buffer
}

const LONGEST_GARBAGE_BYTES = 600
const nastyBytes = [0x00, 0x01, 0x7f, 0x80, 0xff]

/** Damage that ignores the file's format: bits, runs of bytes, its end, the whole file. */
export function blindRot(bytes: Buffer, random: SeededRandom): ByteRot {
  if (bytes.length === 0) return lengthened(bytes, random)
  const at = random.below(bytes.length)
  const copy = Buffer.from(bytes)
  switch (random.below(9)) {
    case 0:
    case 1: {
      const bit = random.below(8)
      copy[at]! ^= 1 << bit
      return { what: `bit ${bit} of byte ${at} flipped`, bytes: copy }
    }
    case 2:
      copy[at] = random.pick(nastyBytes)
      return { what: `byte ${at} set to ${copy[at]}`, bytes: copy }
    case 3: {
      const run = random.bytes(1 + random.below(random.pick([4, 64, 512])))
      run.copy(copy, at)
      return { what: `up to ${run.length} bytes from ${at} on overwritten`, bytes: copy }
    }
    case 4: {
      const end = Math.min(bytes.length, at + random.pick([8, 64, 512]))
      copy.fill(0, at, end)
      return { what: `bytes ${at} to ${end} zeroed`, bytes: copy }
    }
    case 5:
      return { what: `cut from ${bytes.length} to ${at} bytes`, bytes: copy.subarray(0, at) }
    case 6: {
      const end = Math.min(bytes.length, at + 1 + random.below(64))
      const rest = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])
      return { what: `bytes ${at} to ${end} taken out`, bytes: rest }
    }
    case 7:
      return { what: 'emptied', bytes: Buffer.alloc(0) }
    default:
      return lengthened(bytes, random)
  }
}

function lengthened(bytes: Buffer, random: SeededRandom): ByteRot {
  const size = 1 + random.below(LONGEST_GARBAGE_BYTES)
  if (random.oneIn(3)) return { what: `${size} zeros put behind`, bytes: Buffer.concat([bytes, Buffer.alloc(size)]) }
  if (random.oneIn(2) && bytes.length > 0)
    return { what: 'its own content put behind', bytes: Buffer.concat([bytes, bytes]) }
  return { what: `${size} random bytes put behind`, bytes: Buffer.concat([bytes, random.bytes(size)]) }
}

/** Replaces the number of `width` bytes at a position by another: a close, an extreme or any one. */
export function numberRot(bytes: Buffer, at: number, width: number, random: SeededRandom): ByteRot {
  const copy = Buffer.from(bytes)
  const field = copy.subarray(at, at + width)
  const before = field.toString('hex')
  switch (random.below(6)) {
    case 0:
      field[random.below(field.length)]! ^= 1 << random.below(8)
      break
    case 1:
      field.fill(0)
      break
    case 2:
      field.fill(0xff)
      break
    case 3:
      field.fill(0xff)
      field[0] = 0x7f
      break
    case 4:
      random.bytes(field.length).copy(field)
      break
    default:
      // Adds or subtracts 1, in the last byte only.
      field[field.length - 1]! += random.pick([1, -1])
  }
  return { what: `the ${width} bytes at ${at} changed from ${before} to ${field.toString('hex')}`, bytes: copy }
}
