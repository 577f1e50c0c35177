import { expect } from 'chai'
import fc from 'fast-check'
import { ZERO_UUID } from './schema.ts'
import { uuidText, writeUuidText } from './uuid-text.ts'

describe('a uuid in text form', () => {
  it('is base64url without padding', () => {
    const property = fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (array) => {
      const bytes = Buffer.concat([Buffer.alloc(3), array])
      const text = uuidText(bytes, 3)
      expect(text).to.equal(bytes.toString('base64url', 3))
      const back = Buffer.alloc(19)
      writeUuidText(back, 3, text)
      expect(back).to.deep.equal(bytes)
    })
    fc.assert(property)
  })

  it('of zero bits is ZERO_UUID', () => {
    expect(uuidText(Buffer.alloc(16), 0)).to.equal(ZERO_UUID)
  })

  for (const text of [
    '',
    'AAAA',
    `${ZERO_UUID}A`,
    'AAAAAAAAAAAAAAAAAAAA=A',
    'AAAAAAAAAAAAAAAAAAAAAé',
    '+/AAAAAAAAAAAAAAAAAAAA',
  ]) {
    it(`is not written from ${JSON.stringify(text)}`, () => {
      expect(() => writeUuidText(Buffer.alloc(16), 0, text)).to.throw(RangeError, 'not a uuid')
    })
  }
})
