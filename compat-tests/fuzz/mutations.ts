import type { SeededRandom } from '../../storage/host/seeded-random.ts'

const nastyBytes = [0x00, 0x01, 0x7f, 0x80, 0xff]
const nastyLengths = [-1, -2, 0, 1, 0x7fffffff, -0x80000000, 0x00ffffff]
/** Varints: one that never ends, the largest of 32 and of 64 bits, a length of 2^31. */
const nastyVarints = [
  'ffffffffffffffffffff',
  'ffffffff0f',
  'ffffffffffffffffff01',
  '8080808008',
  '80808080808080808080',
]

/** The bytes with one to four faults. Lengths stay, unless bytes are cut, put in or taken out. */
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
      return spliced(bytes, at, 1 + random.below(8), Buffer.alloc(0))
    case 5:
      return overwritten(bytes, at, int32(random.pick(nastyLengths)))
    case 6:
      return overwritten(bytes, at, Buffer.from(random.pick(nastyVarints), 'hex'))
    default: {
      const from = random.below(bytes.length)
      return spliced(bytes, at, 0, Buffer.from(bytes.subarray(from, from + random.below(64))))
    }
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function spliced(bytes: Buffer, at: number, removed: number, added: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])
}

function overwritten(bytes: Buffer, at: number, over: Buffer): Buffer {
  over.copy(bytes, at)
  return bytes
}
