import { expect } from 'chai'
import { type ErrorName, errorCode, errorName, errorTable, isRejection, reject } from './error-codes.ts'

describe('the table of errors', () => {
  it('has every code from -1 to 136 once, in order', () => {
    const codes = Object.values(errorTable).map(({ code }) => code)
    expect(codes).to.deep.equal(Array.from({ length: 138 }, (_, index) => index - 1))
  })

  it('has a message for all but NONE', () => {
    const silent = Object.entries(errorTable).filter(([, { message }]) => message === null)
    expect(silent.map(([name]) => name)).to.deep.equal(['NONE'])
  })

  it('finds codes by name and names by code', () => {
    for (const name of Object.keys(errorTable) as ErrorName[]) expect(errorName(errorCode(name))).to.equal(name)
  })

  it('takes an unknown code for UNKNOWN_SERVER_ERROR', () => {
    expect(errorName(9999)).to.equal('UNKNOWN_SERVER_ERROR')
  })
})

describe('a rejection', () => {
  it('has the default message unless told another', () => {
    expect(reject('OFFSET_OUT_OF_RANGE')).to.include({ error: 'OFFSET_OUT_OF_RANGE', code: 1 })
    expect(reject('OFFSET_OUT_OF_RANGE').message).to.contain('not within the range')
    expect(reject('INVALID_CONFIG', 'x').message).to.equal('x')
    expect(reject('INVALID_CONFIG', null).message).to.equal(null)
  })

  it('is told from every other value', () => {
    expect(isRejection(reject('NONE'))).to.equal(true)
    for (const value of [undefined, null, 0, {}, { error: 'NONE', code: 0, message: null }]) {
      expect(isRejection(value)).to.equal(false)
    }
  })
})
