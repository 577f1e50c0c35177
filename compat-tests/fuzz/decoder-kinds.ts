import { ByteReader, MalformedError } from '../../protocol/byte-reader.ts'
import { contiguous } from '../../protocol/byte-writer.ts'
import { decode, encode } from '../../protocol/codegen.ts'
import { DecompressionFault } from '../../protocol/compression/codec.ts'
import { codecOf } from '../../protocol/compression/codecs.ts'
import { isRejection } from '../../protocol/error-codes.ts'
import { convertDown, convertToBatch } from '../../protocol/records/conversion.ts'
import { readLegacyBatch } from '../../protocol/records/legacy-messages.ts'
import { batchesOf, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { RecordFault, readRecords } from '../../protocol/records/record-reader.ts'
import type { MessageSchema } from '../../protocol/schema.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { validateBatches } from '../../storage/log/validate-batches.ts'
import { logConfig } from '../../storage/log-config.fixture.ts'
import { allSchemas } from '../all-schemas.ts'
import { type Counts, Finding, type FuzzKind, type Subject } from './kind.ts'
import { MarkedWriter } from './marked-writer.ts'
import { mutated, mutatedAtMarks } from './mutations.ts'
import { randomBatch, withFaults } from './random-batches.ts'
import { randomStruct } from './random-message.ts'
import { LearnedVocabulary } from './vocabulary.ts'

const LIMIT_BYTES = 1 << 20
const NOW_MS = 1_767_225_600_000
const words = new LearnedVocabulary()

/** Base inputs of a round. Each case mutates one of them, because building inputs is slow. */
const BASES = 8
const ROUND_CASES = 512

type Case<B> = (base: B, random: SeededRandom, input: (bytes: Buffer) => void) => Counts

class DecoderRound<B> implements Subject {
  readonly #bases: (B | undefined)[] = []
  readonly #random: SeededRandom
  readonly #makeBase: (random: SeededRandom) => B
  readonly #case: Case<B>

  constructor(seed: number, makeBase: (random: SeededRandom) => B, run: Case<B>) {
    this.#random = new SeededRandom(seed)
    this.#makeBase = makeBase
    this.#case = run
    for (let i = 0; i < BASES; i++) this.#bases.push(this.#makeBase(this.#random))
  }

  run(random: SeededRandom, input: (bytes: Buffer) => void): Counts {
    return this.#case(random.pick(this.#bases) as B, random, input)
  }
}

interface EncodedMessage {
  readonly schema: MessageSchema
  readonly version: number
  readonly bytes: Buffer
  readonly marks: MarkedWriter['marks']
}

/** A message of any schema and version. */
function encodedMessage(random: SeededRandom): EncodedMessage {
  const schema = random.pick(allSchemas)
  const version = schema.versions.oldest + random.below(schema.versions.newest - schema.versions.oldest + 1)
  const writer = new MarkedWriter()
  encode(schema, version, randomStruct(schema.fields, version, random, words) as never, writer)
  return { schema, version, bytes: contiguous(writer.finish()), marks: writer.marks }
}

function decodeMutant(
  { schema, version, bytes, marks }: EncodedMessage,
  random: SeededRandom,
  input: (bytes: Buffer) => void,
) {
  const mutant = random.oneIn(2) ? mutatedAtMarks(bytes, marks, random) : mutated(bytes, random)
  input(mutant)
  return decodes(schema, version, mutant) ? DECODED : REFUSED
}

const DECODED: Counts = { decoded: 1 }
const REFUSED: Counts = { refused: 1 }

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
  logConfig({ compressionType: 'uncompressed' }),
  logConfig({ messageTimestampBeforeMaxMs: 3_600_000 }),
]

/** Gives record data to the log's validation and to each reader of batches. */
function readMutantRecords(base: Buffer, random: SeededRandom, input: (bytes: Buffer) => void): Counts {
  const bytes = withFaults(Buffer.from(base), random)
  input(bytes)
  const counts: Record<string, number> = {}
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1
  }
  const { batches } = batchesOf(bytes)
  switch (random.below(4)) {
    case 0:
      for (const batch of batches) count(isReadable(batch) ? 'decoded' : 'refused')
      break
    case 1:
      count(
        isRejection(convertDown(batches, random.below(2) as 0 | 1, 0, LIMIT_BYTES))
          ? 'not converted down'
          : 'converted down',
      )
      break
    case 2:
      count(isRejection(convertToBatch(bytes, LIMIT_BYTES)) ? 'not converted up' : 'converted up')
      break
    default: {
      const context = { origin: 'client', leaderEpoch: 0, produceVersion: random.below(14), nowMs: NOW_MS } as const
      const plan = validateBatches(bytes, random.pick(configs), context, 'topic-0')
      count(isRejection(plan) ? 'append refused' : 'append allowed')
    }
  }
  return counts
}

function isReadable(batch: RecordBatch): boolean {
  const read = batch.isLegacy ? readLegacyBatch(batch, LIMIT_BYTES) : readRecords(batch, LIMIT_BYTES)
  return !(read instanceof RecordFault)
}

interface Compressed {
  readonly id: number
  readonly magic: number
  readonly bytes: Buffer
}

function compressed(random: SeededRandom): Compressed {
  const [id, magic] = [1 + random.below(4), random.below(3)]
  return { id, magic, bytes: codecOf(id, magic)!.compress(compressible(random)) }
}

/** Decompresses bytes with faults, in each codec. */
function decompressMutant(
  { id, magic, bytes }: Compressed,
  random: SeededRandom,
  input: (bytes: Buffer) => void,
): Counts {
  const codec = codecOf(id, magic)!
  const mutant = random.oneIn(50) ? bytes : mutated(bytes, random)
  input(mutant)
  const limit = random.pick([100, 5000, LIMIT_BYTES])
  const result = codec.decompress(mutant, limit)
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

function decoderKind<B>(
  description: Pick<FuzzKind, 'name' | 'summary' | 'share'>,
  makeBase: (random: SeededRandom) => B,
  run: Case<B>,
): FuzzKind {
  return {
    ...description,
    roundCases: ROUND_CASES,
    allocationLimit: (inputBytes) => 32 * LIMIT_BYTES + 64 * inputBytes,
    open: (seed) => new DecoderRound(seed, makeBase, run),
  }
}

/** Kinds that call decoders directly. */
export const decoderKinds: readonly FuzzKind[] = [
  decoderKind(
    { name: 'messages', share: 24, summary: 'requests, responses, records of internal topics with faults, decoded' },
    encodedMessage,
    decodeMutant,
  ),
  decoderKind(
    { name: 'records', share: 15, summary: 'record batches with faults: readers, conversions, validation' },
    randomBatch,
    readMutantRecords,
  ),
  decoderKind(
    { name: 'codecs', share: 15, summary: 'gzip, snappy, lz4 and zstd with faults in what they decompress' },
    compressed,
    decompressMutant,
  ),
]
