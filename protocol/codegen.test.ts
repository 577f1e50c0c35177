import { expect } from 'chai'
import fc from 'fast-check'
import { apis } from './apis/index.ts'
import { arbitraryMessage } from './arbitrary-message.fixture.ts'
import { ByteReader, MalformedError } from './byte-reader.ts'
import { ByteWriter, contiguous } from './byte-writer.ts'
import { decode, decodeInSteps, encode, encodeInSteps, UnsupportedFieldError } from './codegen.ts'
import * as consumerProtocol from './internal-records/consumer-protocol.ts'
import * as controlRecords from './internal-records/control-records.ts'
import {
  groupRecords,
  metadataRecords,
  shareStateRecords,
  transactionRecords,
  zookeeperRecords,
} from './internal-records/index.ts'
import * as quorumState from './internal-records/quorum-state.ts'
import { InvariantError } from './invariant.ts'
import {
  array,
  bool,
  bytes,
  float64,
  gatheredRecords,
  type InputValue,
  int8,
  int16,
  int32,
  int64,
  int64Exact,
  type MessageSchema,
  message,
  string,
  struct,
  uint16,
  uint32,
  uuid,
} from './schema.ts'

const allSchemas: MessageSchema[] = [
  ...apis.flatMap((api) => [api.request, api.response]),
  ...[...groupRecords, ...transactionRecords, ...shareStateRecords, ...zookeeperRecords].flatMap((record) => [
    record.key,
    record.value,
  ]),
  ...metadataRecords,
  ...Object.values(controlRecords),
  ...Object.values(consumerProtocol),
  ...Object.values(quorumState),
]

function encoded(schema: MessageSchema, version: number, value: object): Buffer {
  const writer = new ByteWriter()
  encode(schema, version, value as InputValue<never>, writer)
  return contiguous(writer.finish())
}

function decoded(schema: MessageSchema, version: number, hex: string): unknown {
  return decode(schema, version, new ByteReader(Buffer.from(hex.replaceAll(' ', ''), 'hex')))
}

describe('codecs of every schema in every version', () => {
  for (const schema of allSchemas) {
    it(`${schema.name} decodes what it encoded, and leaves nothing over`, () => {
      for (let version = schema.versions.oldest; version <= schema.versions.newest; version++) {
        const property = fc.property(arbitraryMessage(schema, version), (value) => {
          const reader = new ByteReader(encoded(schema, version, value))
          expect(decode(schema, version, reader)).to.deep.equal(value)
          expect(reader.remaining).to.equal(0)
        })
        fc.assert(property, { numRuns: 15 })
      }
    })

    it(`${schema.name} is the same in steps`, () => {
      for (let version = schema.versions.oldest; version <= schema.versions.newest; version++) {
        const property = fc.property(arbitraryMessage(schema, version), (value) => {
          const writer = new ByteWriter()
          stepsOf(encodeInSteps(schema, version, value as InputValue<never>, writer))
          const bytes = contiguous(writer.finish())
          expect(bytes.equals(encoded(schema, version, value))).to.equal(true)
          expect(stepsOf(decodeInSteps(schema, version, new ByteReader(bytes))).value).to.deep.equal(value)
        })
        fc.assert(property, { numRuns: 3 })
      }
    })
  }
})

describe('codecs in steps', () => {
  const nested = message({
    name: 'Nested',
    versions: '0',
    flexible: '0+',
    fields: { topics: array({ name: string(), partitions: array(int32()) }) },
  })
  const steps = (topics: number, partitions: number) => {
    const value = { topics: Array.from({ length: topics }, () => ({ name: 'a', partitions: range(partitions) })) }
    const writer = new ByteWriter()
    const encoding = stepsOf(encodeInSteps(nested, 0, value, writer)).count
    const decoding = stepsOf(decodeInSteps(nested, 0, new ByteReader(contiguous(writer.finish())))).count
    return [encoding, decoding]
  }

  it('pause within the outer array and within the inner one, as often as they are long', () => {
    expect(steps(10, 10)).to.deep.equal([0, 0])
    expect(steps(160, 1)).to.deep.equal([10, 10])
    expect(steps(1, 40_960)).to.deep.equal([10, 10])
  })
})

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

function stepsOf<T>(steps: Generator<void, T>): { readonly value: T; readonly count: number } {
  for (let count = 0; ; count++) {
    const { done, value } = steps.next()
    if (done === true) return { value, count }
  }
}

describe('decoding bytes that are no message', () => {
  function decodesOrRefuses(schema: MessageSchema, version: number, input: Buffer): void {
    try {
      decode(schema, version, new ByteReader(input))
    } catch (error) {
      expect(error).to.be.instanceOf(MalformedError)
    }
  }

  it('ends in a value or in MalformedError, whatever the bytes', () => {
    for (const schema of allSchemas) {
      for (let version = schema.versions.oldest; version <= schema.versions.newest; version++) {
        const anyBytes = fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each))
        fc.assert(
          fc.property(anyBytes, (input) => decodesOrRefuses(schema, version, input)),
          { numRuns: 20 },
        )
      }
    }
  })

  it('ends in a value or in MalformedError where a valid message was cut or changed', () => {
    for (const schema of allSchemas) {
      const version = schema.versions.newest
      const property = fc.property(
        arbitraryMessage(schema, version),
        fc.nat(),
        fc.nat({ max: 255 }),
        (value, at, byte) => {
          const input = encoded(schema, version, value)
          if (input.length === 0) return
          const cut = input.subarray(0, at % input.length)
          decodesOrRefuses(schema, version, cut)
          input[at % input.length] = byte
          decodesOrRefuses(schema, version, input)
        },
      )
      fc.assert(property, { numRuns: 10 })
    }
  })
})

describe('the layout', () => {
  const everything = message({
    name: 'Everything',
    versions: '0-1',
    flexible: '1+',
    fields: {
      flag: bool(),
      tiny: int8(),
      small: int16(),
      port: uint16(),
      whole: int32(),
      count: uint32(),
      offset: int64(),
      echo: int64Exact(),
      rate: float64(),
      id: uuid(),
      name: string(),
      blob: bytes(),
      batches: gatheredRecords(),
      list: array(int16()),
      inner: struct({ a: int8() }),
    },
  })
  const value = {
    flag: true,
    tiny: -2,
    small: -3,
    port: 65535,
    whole: -4,
    count: 4294967295,
    offset: -5,
    echo: 2n ** 63n - 1n,
    rate: 1.5,
    id: 'AAECAwQFBgcICQoLDA0ODw',
    name: 'aé',
    blob: Buffer.from([9]),
    batches: [Buffer.from([1, 2]), Buffer.from([3])],
    list: [1, -1],
    inner: { a: 7 },
  }
  const fixed =
    '01 fe fffd ffff fffffffc ffffffff fffffffffffffffb 7fffffffffffffff 3ff8000000000000 000102030405060708090a0b0c0d0e0f'

  it('has 16 and 32 bit lengths in an inflexible version', () => {
    const rest = '0003 61c3a9 00000001 09 00000003 010203 00000002 0001 ffff 07'
    expect(encoded(everything, 0, value).toString('hex')).to.equal((fixed + rest).replaceAll(' ', ''))
    expect(decoded(everything, 0, fixed + rest)).to.deep.equal({ ...value, batches: [Buffer.from([1, 2, 3])] })
  })

  it('has lengths plus one as varints, and tags behind every struct, in a flexible version', () => {
    const rest = '04 61c3a9 02 09 04 010203 03 0001 ffff 07 00 00'
    expect(encoded(everything, 1, value).toString('hex')).to.equal((fixed + rest).replaceAll(' ', ''))
    expect(decoded(everything, 1, fixed + rest)).to.deep.equal({ ...value, batches: [Buffer.from([1, 2, 3])] })
  })

  it('leaves no default out that is not tagged, and takes one for each property that is missing', () => {
    const schema = message({
      name: 'Defaults',
      versions: '0',
      flexible: 'none',
      fields: { epoch: int32({ default: -1 }), name: string({ default: 'x' }), list: array(int8()) },
    })
    expect(encoded(schema, 0, {}).toString('hex')).to.equal('ffffffff00017800000000')
  })
})

describe('nulls', () => {
  const schema = message({
    name: 'Nulls',
    versions: '0-2',
    flexible: '2+',
    fields: {
      name: string({ nullable: '1+' }),
      list: array(int8(), { nullable: '1+' }),
      inner: struct({ a: int8() }, { nullable: '1+' }),
      blob: bytes({ nullable: '1+' }),
    },
  })
  const nulls = { name: null, list: null, inner: null, blob: null }

  it('are lengths of -1, or of 0 in a flexible version, and a struct of -1', () => {
    expect(encoded(schema, 1, nulls).toString('hex')).to.equal('ffffffffffffffffffffff')
    expect(encoded(schema, 2, nulls).toString('hex')).to.equal('0000ff0000')
    expect(decoded(schema, 1, 'ffffffffffffffffffffff')).to.deep.equal(nulls)
    expect(decoded(schema, 2, '0000ff0000')).to.deep.equal(nulls)
  })

  it('are malformed where the version has none', () => {
    expect(() => decoded(schema, 0, 'ffff')).to.throw(MalformedError, 'name is null')
    expect(() => decoded(schema, 0, '0000 ffffffff')).to.throw(MalformedError, 'list is null')
    expect(() => encoded(schema, 0, { name: null })).to.throw(TypeError, 'name is null')
  })
})

describe('tagged fields', () => {
  const schema = message({
    name: 'Tagged',
    versions: '0-1',
    flexible: '0+',
    fields: {
      late: int16('1+', { tag: 5 }),
      early: string('0+', { tag: 0, nullable: '0+', default: null }),
      inner: struct({ a: int8({ default: -1 }), b: array(int8()) }, { tag: 1 }),
      exact: int64({ tag: 7, default: Number.MAX_SAFE_INTEGER, ignorable: true }),
    },
  })
  const defaults = { late: 0, early: null, inner: { a: -1, b: [] }, exact: Number.MAX_SAFE_INTEGER }

  it('are left out where they have their default', () => {
    expect(encoded(schema, 1, {}).toString('hex')).to.equal('00')
    expect(encoded(schema, 1, { inner: { a: -1 }, early: null }).toString('hex')).to.equal('00')
    expect(decoded(schema, 1, '00')).to.deep.equal(defaults)
  })

  it('stand in the order of their tags, each behind its size', () => {
    const value = { late: 1, early: 'x', inner: { a: 2, b: [3] }, exact: 4 }
    const hex = '04 00 02 0278 01 04 02 02 03 00 05 02 0001 07 08 0000000000000004'
    expect(encoded(schema, 1, value).toString('hex')).to.equal(hex.replaceAll(' ', ''))
    expect(decoded(schema, 1, hex)).to.deep.equal(value)
  })

  it('say by 0 or 1, not by -1 or 1, whether a struct is null', () => {
    const fields = { inner: struct({ a: int8() }, { tag: 0, nullable: '0+' }) }
    const nullable = message({ name: 'NullableTag', versions: '0', flexible: '0+', fields })
    for (const [value, hex] of [
      [{ inner: null }, '01000100'],
      [{ inner: { a: 5 } }, '010003010500'],
    ] as const) {
      expect(encoded(nullable, 0, value).toString('hex')).to.equal(hex)
      expect(decoded(nullable, 0, hex)).to.deep.equal(value)
    }
  })

  it('are passed over where they are unknown', () => {
    expect(decoded(schema, 1, '02 05 02 0001 09 03 aabbcc')).to.deep.equal({ ...defaults, late: 1 })
    expect(decoded(schema, 0, '01 05 02 0001')).to.deep.equal(defaults)
  })

  it('take the last value where one comes twice, as Kafka does', () => {
    expect(decoded(schema, 1, '02 05 02 0001 05 02 0002')).to.deep.equal({ ...defaults, late: 2 })
  })

  it('are malformed where their size is not that of their content', () => {
    expect(() => decoded(schema, 1, '01 05 03 000100')).to.throw(MalformedError, 'tagged field 5')
    expect(() => decoded(schema, 1, '01 05 01 0001')).to.throw(MalformedError, 'tagged field 5')
    expect(() => decoded(schema, 1, '01 09 7f 00')).to.throw(MalformedError)
  })

  it('move behind a size of two bytes', () => {
    const value = { early: 'x'.repeat(200) }
    const bytes = encoded(schema, 1, value)
    expect(bytes.subarray(0, 6).toString('hex')).to.equal('0100ca01c901')
    expect(decode(schema, 1, new ByteReader(bytes))).to.deep.equal({ ...defaults, ...value })
  })

  it('copy large bytes, whose place would be wrong after the move', () => {
    const blob = message({ name: 'Blob', versions: '0', flexible: '0+', fields: { blob: bytes({ tag: 0 }) } })
    const value = { blob: Buffer.alloc(5000, 1) }
    expect(decode(blob, 0, new ByteReader(encoded(blob, 0, value)))).to.deep.equal(value)
  })
})

describe('a field that the version lacks', () => {
  const schema = message({
    name: 'Newer',
    versions: '0-1',
    flexible: 'none',
    fields: {
      hint: int32('1+', { ignorable: true, default: -1 }),
      filter: string('1+', { nullable: '1+', default: null }),
      parts: array({ index: int32() }, '1+'),
      state: struct({ id: int32({ default: -1 }) }, '1+'),
    },
  })

  it('has its default once decoded', () => {
    expect(decoded(schema, 0, '')).to.deep.equal({ hint: -1, filter: null, parts: [], state: { id: -1 } })
  })

  it('goes silently where it is ignorable or has its default', () => {
    const value = { hint: 7, filter: null, parts: [], state: { id: -1 } }
    expect(encoded(schema, 0, value)).to.have.length(0)
    expect(encoded(schema, 0, {})).to.have.length(0)
  })

  for (const value of [{ filter: 'x' }, { parts: [{ index: 1 }] }, { state: { id: 4 } }]) {
    it(`is refused where it says something: ${JSON.stringify(value)}`, () => {
      expect(() => encoded(schema, 0, value)).to.throw(UnsupportedFieldError, Object.keys(value)[0])
    })
  }
})

describe('claims without bytes behind them', () => {
  const schema = message({
    name: 'Claims',
    versions: '0-1',
    flexible: '1+',
    fields: { list: array({ a: int64(), b: string() }) },
  })

  it('of 2^31 - 1 elements are refused before anything is allocated', () => {
    expect(() => decoded(schema, 0, '7fffffff 00')).to.throw(MalformedError, 'array of 2147483647 elements')
    expect(() => decoded(schema, 1, 'ffffffff07 00')).to.throw(MalformedError, 'array of')
  })

  it('of elements that would need more bytes than are left are refused', () => {
    expect(() => decoded(schema, 0, `00000002 ${'00'.repeat(19)}`)).to.throw(MalformedError, 'array of 2 elements')
  })
})

describe('a version outside of the schema', () => {
  it('is a bug of the caller', () => {
    const schema = message({ name: 'Single', versions: '0', flexible: 'none', fields: { a: int8() } })
    expect(() => encoded(schema, 1, {})).to.throw(InvariantError, 'Single has no version 1')
  })
})

describe('generated code', () => {
  it('is named in stack traces', () => {
    const schema = message({ name: 'Traced', versions: '3', flexible: 'none', fields: { a: string() } })
    try {
      decoded(schema, 3, 'ffff')
      expect.fail('a null was decoded')
    } catch (error) {
      expect((error as Error).stack).to.contain('ottla:Traced.v3.decode')
    }
  })
})
