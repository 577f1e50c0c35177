import { expect } from 'chai'
import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { DataPath } from './data-path.fixture.ts'
import { findCoordinator } from './find-coordinator.ts'

describe('FindCoordinator', () => {
  it('answers a message for every unknown key type', async () => {
    const client = new DataPath([findCoordinator]).connect()
    for (const keyType of [-1, 3]) {
      const { coordinators } = await client.call(FindCoordinator, 6, { key: '', keyType, coordinatorKeys: ['k'] })
      const { key, errorCode, errorMessage } = coordinators[0]!
      expect([key, errorName(errorCode)]).to.deep.equal(['k', 'INVALID_REQUEST'])
      expect(errorMessage).to.contain('malformed by the client library')
    }
  })
})
