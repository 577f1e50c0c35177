import type { CompressionName } from '../../protocol/compression/codec.ts'
import { codecNamed } from '../../protocol/compression/codecs.ts'
import { buildBatch, type NewRecord } from '../../protocol/records/batch-builder.ts'
import { crc32 } from '../../protocol/records/crc32.ts'
import { crc32c } from '../../protocol/records/crc32c.ts'
import { buildMessageSet } from '../../protocol/records/legacy-builder.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { int32, mutated } from './mutations.ts'

const codecs: readonly CompressionName[] = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd']
const legacyCodecs = ['none', 'none', 'gzip', 'snappy', 'lz4'] as const
/** The first moment of a SimulatedHost. */
const NOW_MS = 1_767_225_600_000
const timestamps = [
  NOW_MS,
  NOW_MS,
  NOW_MS,
  NOW_MS + 1,
  NOW_MS + 1,
  -1,
  0,
  1,
  NOW_MS + 7_200_000,
  Number.MAX_SAFE_INTEGER,
]

/** Record data of a produce request, mostly in a format that its version accepts, and mostly with a fault or two. */
export function randomBatches(random: SeededRandom, produceVersion?: number): Buffer {
  if (produceVersion === undefined || random.oneIn(8)) return withFaults(randomBatch(random), random)
  const batch = produceVersion >= 3 ? randomV2(random) : randomLegacy(random, produceVersion < 2 ? 0 : 1)
  return random.oneIn(3) ? batch : withFaults(batch, random)
}

/** Adds one or two faults to the batch, in place. The checksum is mostly corrected. */
export function withFaults(batch: Buffer, random: SeededRandom): Buffer {
  switch (random.below(8)) {
    case 0:
    case 1:
      return batch
    case 2:
      return mutated(batch, random)
    case 3:
      return withChecksums(withHeaderFault(batch, random))
    case 4:
      return Buffer.concat([batch, randomBatch(random)])
    default:
      return withChecksums(mutated(batch, random))
  }
}

/** A valid batch or message set. */
export function randomBatch(random: SeededRandom): Buffer {
  if (random.oneIn(30)) return bomb(random)
  return random.oneIn(2) ? randomV2(random) : randomLegacy(random, random.below(2) as 0 | 1)
}

function randomLegacy(random: SeededRandom, magic: 0 | 1): Buffer {
  const records = Array.from({ length: 1 + random.below(4) }, (_, offset) => ({
    offset,
    timestamp: random.pick(timestamps),
    key: maybeBytes(random),
    value: maybeBytes(random),
  }))
  const set = buildMessageSet(records, {
    magic,
    compression: random.pick(legacyCodecs),
    ...(random.oneIn(8) && { logAppendTimeMs: NOW_MS }),
  })
  return random.oneIn(10) ? wrapped(set, magic, random) : set
}

function randomV2(random: SeededRandom): Buffer {
  const count = random.oneIn(200) ? random.below(30_000) + 1 : 1 + random.below(5)
  const records = Array.from({ length: count }, () => (count > 5 ? tinyRecord : randomRecord(random)))
  const producer = random.oneIn(3) && {
    producerId: random.pick([0, 1, 1000]),
    producerEpoch: random.pick([0, 0, 1, -1]),
    baseSequence: random.pick([0, 0, 1, 2, -1, 0x7fffffff]),
  }
  return buildBatch(records, {
    compression: random.pick(codecs),
    ...producer,
    ...(random.oneIn(12) && { transactional: true }),
    ...(random.oneIn(20) && { control: true }),
    ...(random.oneIn(20) && { logAppendTimeMs: NOW_MS }),
    ...(random.oneIn(20) && { deleteHorizonMs: NOW_MS }),
  })
}

const tinyRecord: NewRecord = { timestamp: NOW_MS, key: null, value: null }

function randomRecord(random: SeededRandom): NewRecord {
  const headers = random.oneIn(3) ? [{ key: 'h', value: maybeBytes(random) }] : []
  return { timestamp: random.pick(timestamps), key: maybeBytes(random), value: maybeBytes(random), headers }
}

function maybeBytes(random: SeededRandom): Buffer | null {
  if (random.oneIn(5)) return null
  return random.oneIn(3) ? Buffer.alloc(random.below(200), random.below(256)) : random.bytes(random.below(30))
}

/** Message sets nested in messages, as deep as possible. */
function wrapped(set: Buffer, magic: 0 | 1, random: SeededRandom): Buffer {
  let bytes = set
  for (let depth = 1 + random.below(20); depth > 0; depth--) {
    const compression = random.pick(['gzip', 'snappy', 'lz4'] as const)
    const codec = codecNamed(compression, magic)
    const outer = buildMessageSet([{ offset: 0, timestamp: NOW_MS, key: null, value: codec.compress(bytes) }], {
      magic,
    })
    outer[17] = codec.id
    bytes = withChecksums(outer)
  }
  return bytes
}

/** Small input that decompresses to much: zeros, or a huge number of records. */
function bomb(random: SeededRandom): Buffer {
  const name = random.pick(['gzip', 'snappy', 'lz4', 'zstd'] as const)
  const size = random.pick([1 << 16, 1 << 18, 1 << 21])
  const batch = buildBatch([{ timestamp: NOW_MS, key: null, value: random.oneIn(2) ? Buffer.alloc(size) : null }], {
    compression: name,
  })
  if (random.oneIn(2)) return batch
  // A record without key, value or headers is 7 bytes; the header may claim any count.
  const record = Buffer.from([0x0c, 0, 0, 0, 1, 1, 0])
  const count = random.pick([1000, 20_000, 150_000])
  const body = codecNamed(name).compress(Buffer.concat(Array.from({ length: count }, () => record)))
  const many = Buffer.concat([batch.subarray(0, 61), body])
  int32(count).copy(many, 57)
  int32(count - 1).copy(many, 23)
  return withChecksums(many)
}

const headerFields = [0, 8, 12, 16, 17, 21, 22, 23, 27, 35, 43, 51, 53, 57]

/** Changes one header field, in any format. */
function withHeaderFault(batch: Buffer, random: SeededRandom): Buffer {
  const at = random.pick(headerFields)
  const wrong = random.pick([
    int32(random.pick([-1, 0, 1, 2, 0x7fffffff, -0x80000000])),
    Buffer.from([random.below(256)]),
    Buffer.from('ffffffffffffffff', 'hex'),
    Buffer.from('7fffffffffffffff', 'hex'),
  ])
  wrong.copy(batch, at)
  return batch
}

/** Corrects the first batch's length and checksum, so that its other faults are checked. */
export function withChecksums(bytes: Buffer): Buffer {
  if (bytes.length < 26) return bytes
  const isV2 = bytes[16] === 2
  if (isV2 && bytes.length < 61) return bytes
  int32(bytes.length - 12).copy(bytes, 8)
  if (isV2) int32(crc32c(bytes, 21)).copy(bytes, 17)
  else int32(crc32(bytes, 16)).copy(bytes, 12)
  return bytes
}
