import { expect } from 'chai'
import { apis } from './apis/index.ts'
import { ByteReader } from './byte-reader.ts'
import { decode } from './codegen.ts'
import { array, defaultsOf, includesVersion, int32, message, string, struct, versionRange } from './schema.ts'

describe('versionRange', () => {
  it('reads the forms that Kafka writes', () => {
    expect(versionRange('3')).to.deep.equal({ oldest: 3, newest: 3 })
    expect(versionRange('3+')).to.deep.equal({ oldest: 3, newest: Number.POSITIVE_INFINITY })
    expect(versionRange('0-12')).to.deep.equal({ oldest: 0, newest: 12 })
    expect([0, 1].some((version) => includesVersion(versionRange('none'), version))).to.equal(false)
  })

  it('refuses all others', () => {
    for (const text of ['', '+', '-1', 'x', '1-', '1-2+']) expect(() => versionRange(text)).to.throw('version range')
  })
})

describe('defaultsOf', () => {
  it('makes a fresh value each time', () => {
    const fields = { list: array(int32()), inner: struct({ names: array(string()) }) }
    const one = defaultsOf(fields)
    one.list.push(1)
    one.inner.names.push('x')
    expect(defaultsOf(fields)).to.deep.equal({ list: [], inner: { names: [] } })
  })

  it('is what decoding yields where the wire has nothing', () => {
    for (const schema of apis.flatMap((api) => [api.request, api.response])) {
      const absent = Object.fromEntries(
        Object.entries(schema.fields).map(([name, field]) => [name, { ...field, versions: versionRange('1+') }]),
      )
      const empty = message({ name: `No${schema.name}`, versions: '0', flexible: 'none', fields: absent })
      expect(decode(empty, 0, new ByteReader(Buffer.alloc(0)))).to.deep.equal(defaultsOf(schema.fields))
    }
  })
})
