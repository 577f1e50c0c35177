import { ByteReader, MalformedError } from '../../protocol/byte-reader.ts'
import { contiguous } from '../../protocol/byte-writer.ts'
import { decode, encode } from '../../protocol/codegen.ts'
import { DecompressionFault } from '../../protocol/compression/codec.ts'
import { codecOf } from '../../protocol/compression/codecs.ts'
import { isRejection } from '../../protocol/error-codes.ts'
import { convertDown, convertToBatch } from '../../protocol/records/conversion.ts'
import { readLegacyBatch } from '../../protocol/records/legacy-messages.ts'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import type { MessageSchema } from '../../protocol/schema.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { validateBatches } from '../../storage/log/validate-batches.ts'
import { logConfig } from '../../storage/log-config.fixture.ts'
import { allSchemas } from '../all-schemas.ts'
import { type Counts, Finding, type FuzzKind } from './kind.ts'
import { MarkedWriter } from './marked-writer.ts'
import { mutated, mutatedAtMarks } from './mutations.ts'
import { randomBatches } from './random-batches.ts'
import { randomStruct } from './random-message.ts'
import { LearnedVocabulary } from './vocabulary.ts'

const LIMIT_BYTES = 1 << 20
const NOW_MS = 1_767_225_600_000
const words = new LearnedVocabulary()

/** A message of any schema and version, mutated and decoded. What decodes must be a value that can be told. */
function decodeMutant(random: SeededRandom, input: (bytes: Buffer) => void): Counts {
  const schema = random.pick(allSchemas)
  const version = schema.versions.oldest + random.below(schema.versions.newest - schema.versions.oldest + 1)
  const writer = new MarkedWriter()
  encode(schema, version, randomStruct(schema.fields, version, random, words) as never, writer)
  const whole = contiguous(writer.finish())
  const bytes =
    whole.length === 0 || random.oneIn(2) ? mutatedAtMarks(whole, writer.marks, random) : mutated(whole, random)
  input(bytes)
  return { [decodes(schema, version, bytes) ? 'decoded' : 'refused']: 1 }
}

function decodes(schema: MessageSchema, version: number, bytes: Buffer): boolean {
  const reader = new ByteReader(bytes)
  try {
    decode(schema, version, reader)
  } catch (error) {
    if (error instanceof MalformedError) return false
    throw error
  }
  if (reader.position > bytes.length) throw new Finding(`${schema.name} v${version} was read beyond its end`)
  return true
}

const configs = [
  logConfig(),
  logConfig({ cleanupPolicy: ['compact'] }),
  logConfig({ messageTimestampType: 'LogAppendTime' }),
  logConfig({ compressionType: 'gzip' }),
  logConfig({ compressionType: 'lz4' }),
  logConfig({ compressionType: 'snappy' }),
  logConfig({ compressionType: 'zstd' }),
  logConfig({ messageTimestampBeforeMaxMs: 3_600_000 }),
]

/** Record data as a log validates it, and as each reader of batches takes it. */
function readMutantRecords(random: SeededRandom, input: (bytes: Buffer) => void): Counts {
  const bytes = randomBatches(random)
  input(bytes)
  const { batches } = batchesOf(bytes)
  const counts: Record<string, number> = {}
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  for (const batch of batches) {
    const read = batch.isLegacy ? readLegacyBatch(batch, LIMIT_BYTES) : readRecords(batch, LIMIT_BYTES)
    count(read instanceof RecordFault ? 'refused' : 'decoded')
  }
  const down = convertDown(batches, random.below(2) as 0 | 1, 0, LIMIT_BYTES)
  count(isRejection(down) ? 'not converted down' : 'converted down')
  const up = convertToBatch(Buffer.from(bytes), LIMIT_BYTES)
  count(isRejection(up) ? 'not converted up' : 'converted up')
  const context = { origin: 'client', leaderEpoch: 0, produceVersion: random.below(14), nowMs: NOW_MS } as const
  const plan = validateBatches(Buffer.from(bytes), random.pick(configs), context, 'topic-0')
  count(isRejection(plan) ? 'append refused' : 'append allowed')
  return counts
}

/** Compressed bytes of each codec with faults, and mere noise behind its magic. */
function decompressMutant(random: SeededRandom, input: (bytes: Buffer) => void): Counts {
  const id = 1 + random.below(4)
  const magic = random.below(3)
  const codec = codecOf(id, magic)!
  const whole = codec.compress(compressible(random))
  const bytes = random.oneIn(12) ? whole : mutated(whole, random)
  input(bytes)
  const limit = random.pick([100, 5000, LIMIT_BYTES])
  const result = codec.decompress(bytes, limit)
  if (result instanceof DecompressionFault) return { [`${codec.name} refused`]: 1 }
  if (result.length > limit) throw new Finding(`${codec.name} gave ${result.length} bytes where ${limit} are allowed`)
  return { [`${codec.name} decoded`]: 1 }
}

/** Runs, repetitions and noise, from nothing to several blocks. */
function compressible(random: SeededRandom): Buffer {
  const parts: Buffer[] = []
  for (let count = random.below(6); count > 0; count--) {
    const size = random.below(random.oneIn(20) ? 70_000 : 300)
    const earlier = parts.length > 0 && random.oneIn(3) ? random.pick(parts) : undefined
    if (earlier !== undefined) parts.push(earlier)
    else parts.push(random.oneIn(2) ? Buffer.alloc(size, random.below(256)) : random.bytes(Math.min(size, 2000)))
  }
  return Buffer.concat(parts)
}

function decoderKind(
  name: string,
  summary: string,
  share: number,
  run: (random: SeededRandom, input: (bytes: Buffer) => void) => Counts,
): FuzzKind {
  return {
    name,
    summary,
    share,
    roundCases: 1,
    allocationLimit: (inputBytes) => 32 * LIMIT_BYTES + 64 * inputBytes,
    open: () => ({ run }),
  }
}

/** Kinds that go straight to what reads bytes. */
export const decoderKinds: readonly FuzzKind[] = [
  decoderKind(
    'messages',
    'every schema (requests, responses, records of internal topics) decoded from mutants',
    20,
    decodeMutant,
  ),
  decoderKind('records', 'record batches with faults: readers, conversions, validation', 10, readMutantRecords),
  decoderKind('codecs', 'gzip, snappy, lz4 and zstd with faults in what they decompress', 10, decompressMutant),
]
