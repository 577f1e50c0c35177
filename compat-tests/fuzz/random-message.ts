import { type Field, type Fields, type FieldType, includesVersion } from '../../protocol/schema.ts'
import { isNullable } from '../../protocol/wire-layout.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'

/** Values for fields of requests: existing names and unknown ones. */
export interface Vocabulary {
  /** Plausible values by field name. */
  readonly likely: ReadonlyMap<string, readonly unknown[]>
  readonly strings: readonly string[]
  readonly uuids: readonly string[]
  readonly numbers: readonly number[]
  /** Record data for produce requests. */
  readonly records: (random: SeededRandom) => Buffer
}

/** A random struct with the fields of the given version. */
export function randomStruct(
  fields: Fields,
  version: number,
  random: SeededRandom,
  words: Vocabulary,
): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const name in fields) {
    const field = fields[name]!
    if (includesVersion(field.versions, version)) value[name] = randomField(name, field, version, random, words)
  }
  return value
}

function randomField(
  name: string,
  field: Field<unknown>,
  version: number,
  random: SeededRandom,
  words: Vocabulary,
): unknown {
  if (isNullable(field, version) && random.oneIn(6)) return null
  const likely = words.likely.get(field.entity ?? name)
  const isPlain = field.kind !== 'struct' && field.kind !== 'array'
  if (likely !== undefined && isPlain && !random.oneIn(5)) return random.pick(likely)
  if (field.default !== null && isPlain && random.oneIn(4)) return field.default
  return randomValue(name, field, version, random, words)
}

const extremes = [0, 1, -1, 2, -2, 127, -128, 32_767, -32_768, 2_147_483_647, -2_147_483_648]
const bounds: Readonly<Record<string, readonly [number, number]>> = {
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
  int32: [-2_147_483_648, 2_147_483_647],
  uint32: [0, 4_294_967_295],
  int64: [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}

function randomNumber(kind: string, random: SeededRandom, words: Vocabulary): number {
  const [min, max] = bounds[kind]!
  const number = random.oneIn(3) ? random.pick(extremes) : random.pick(words.numbers)
  return Math.min(max, Math.max(min, number))
}

function randomValue(
  name: string,
  type: FieldType<unknown>,
  version: number,
  random: SeededRandom,
  words: Vocabulary,
): unknown {
  switch (type.kind) {
    case 'bool':
      return random.oneIn(2)
    case 'int64Exact':
      return BigInt(randomNumber('int64', random, words))
    case 'float64':
      return random.pick([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    case 'string':
      return randomString(random, words)
    case 'uuid':
      return random.pick(words.uuids)
    case 'bytes':
      return random.bytes(random.below(60))
    case 'records': {
      const bytes = words.records(random)
      return type.gathered ? [bytes] : bytes
    }
    case 'array': {
      const length = random.oneIn(20) ? random.below(30) : random.below(3)
      const element = type.element as Field<unknown>
      const isNamed = element.kind === 'struct' || element.kind === 'array'
      return Array.from({ length }, () =>
        isNamed
          ? randomValue(name, element, version, random, words)
          : randomField(name, { ...element, nullable: undefined } as unknown as Field<unknown>, version, random, words),
      )
    }
    case 'struct':
      return randomStruct(type.fields as Fields, version, random, words)
    default:
      return randomNumber(type.kind, random, words)
  }
}

function randomString(random: SeededRandom, words: Vocabulary): string {
  if (!random.oneIn(8)) return random.pick(words.strings)
  if (random.oneIn(20)) return random.pick(['€', 'a', '𝕋', '\0']).repeat(random.below(8000))
  return random.bytes(random.below(40)).toString('latin1')
}
