import { expect } from 'chai'
import { type Authorizer, allowAll } from '../security/authorizer.ts'
import { authorizedAmong, isAuthorized } from './authorization.ts'
import { clusterOperations, groupOperations, topicOperations } from './authorized-operations.ts'
import type { RequestContext } from './handler.ts'

function contextWith(authorizer: Authorizer): RequestContext {
  return { principal: 'User:alice', clientHost: '10.0.0.1', listener: 'PLAINTEXT', services: { authorizer } } as never
}

/** Alice may read and describe topics that begin with an a. */
const readers: Authorizer = {
  authorize: ({ principal }, actions) =>
    actions.map(({ operation, resourceType, resourceName }) => {
      const isReading = operation === 'READ' || operation === 'DESCRIBE'
      const isHers = resourceType === 'TOPIC' && resourceName.startsWith('a') && principal === 'User:alice'
      return isReading && isHers ? 'ALLOWED' : 'DENIED'
    }),
}

describe('authorization', () => {
  it('is the answer of the authorizer for this operation, type and name', () => {
    const context = contextWith(readers)
    expect(isAuthorized(context, 'READ', 'TOPIC', 'apples')).to.equal(true)
    expect(isAuthorized(context, 'WRITE', 'TOPIC', 'apples')).to.equal(false)
    expect(isAuthorized(context, 'READ', 'GROUP', 'apples')).to.equal(false)
    expect(isAuthorized(context, 'READ', 'TOPIC', 'pears')).to.equal(false)
  })

  it('of several names is the set of those that are allowed', () => {
    const names = ['apples', 'pears', 'apricots', 'apples']
    expect([...authorizedAmong(contextWith(readers), 'READ', 'TOPIC', names)]).to.deep.equal(['apples', 'apricots'])
  })
})

describe('authorized operations', () => {
  it('are all operations of the resource type if everything is allowed', () => {
    const context = contextWith(allowAll)
    expect(topicOperations(context, 't')).to.equal(0b1101_1111_1000)
    expect(groupOperations(context, 'g')).to.equal(0b1101_0100_1000)
    expect(clusterOperations(context)).to.equal(0b1_1111_1010_0000)
  })

  it('leave out what is denied', () => {
    const context = contextWith(readers)
    expect(topicOperations(context, 'apples')).to.equal((1 << 3) | (1 << 8))
    expect(topicOperations(context, 'pears')).to.equal(0)
    expect(groupOperations(context, 'apples')).to.equal(0)
  })
})
