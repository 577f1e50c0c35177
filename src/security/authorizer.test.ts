import { expect } from 'chai'
import { allowAll } from './authorizer.ts'

describe('without an authorizer', () => {
  it('each action is allowed', () => {
    const context = { principal: 'User:ANONYMOUS', clientHost: '127.0.0.1', listener: 'PLAINTEXT' }
    const action = { operation: 'READ', resourceType: 'TOPIC', resourceName: 't' } as const
    expect(allowAll.authorize(context, [action, { ...action, operation: 'DELETE' }])).to.deep.equal([
      'ALLOWED',
      'ALLOWED',
    ])
    expect(allowAll.authorize(context, [])).to.deep.equal([])
  })
})
