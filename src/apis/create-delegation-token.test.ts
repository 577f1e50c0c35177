import { expect } from 'chai'
import { CreateDelegationToken } from '../../protocol/apis/create-delegation-token.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { createDelegationToken } from './create-delegation-token.ts'
import { DataPath } from './data-path.fixture.ts'

describe('CreateDelegationToken', () => {
  async function create(ownerPrincipalType: string | null, ownerPrincipalName: string | null) {
    const request = { ownerPrincipalType, ownerPrincipalName, renewers: [], maxLifetimeMs: -1 }
    const answer = await new DataPath([createDelegationToken]).connect().call(CreateDelegationToken, 3, request)
    return [errorName(answer.errorCode), answer.principalType, answer.principalName]
  }

  it('answers the owner that the token would have had', async () => {
    expect(await create(null, null)).to.deep.equal(['DELEGATION_TOKEN_REQUEST_NOT_ALLOWED', 'User', 'ANONYMOUS'])
    expect(await create('Group', 'a')).to.deep.equal(['DELEGATION_TOKEN_REQUEST_NOT_ALLOWED', 'Group', 'a'])
  })

  it('fails on an owner without a type, as Kafka does', async () => {
    expect(await create(null, 'a')).to.deep.equal(['UNKNOWN_SERVER_ERROR', 'User', 'ANONYMOUS'])
  })
})
