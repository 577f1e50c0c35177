import { expect } from 'chai'
import { AddRaftVoter } from '../../protocol/apis/add-raft-voter.ts'
import { RemoveRaftVoter } from '../../protocol/apis/remove-raft-voter.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { addRaftVoter } from './add-raft-voter.ts'
import { DataPath } from './data-path.fixture.ts'
import { removeRaftVoter } from './remove-raft-voter.ts'

const id = 'f4keAAAAAAAAAAAAAAAAAA'
const listener = { name: 'controller', host: 'h', port: 1 }
const voter = { clusterId: null, timeoutMs: 1, voterId: 5, voterDirectoryId: id, listeners: [listener] }

describe('a quorum that is fixed', () => {
  it('adds no voter, and checks the request first', async () => {
    const client = new DataPath([addRaftVoter]).connect()
    const add = async (wish: Partial<typeof voter>) => {
      const { errorCode, errorMessage } = await client.call(AddRaftVoter, 1, { ...voter, ...wish })
      return [errorName(errorCode), errorMessage]
    }
    const other = [{ ...listener, name: 'other' }]
    expect(await add({})).to.deep.equal([
      'UNSUPPORTED_VERSION',
      "Cluster doesn't support adding voter because the kraft.version feature is 0",
    ])
    for (const wish of [{ voterId: -1 }, { voterDirectoryId: ZERO_UUID }])
      expect(await add(wish)).to.deep.equal(['INVALID_REQUEST', "Add voter request didn't include a valid voter"])
    expect(await add({ listeners: other })).to.deep.equal([
      'INVALID_REQUEST',
      "Add voter request didn't include the endpoint (Endpoints(endpoints={ListenerName(OTHER)=h/<unresolved>:1})) for the default listener ListenerName(CONTROLLER)",
    ])
  })

  it('removes no voter, and checks the request first', async () => {
    const client = new DataPath([removeRaftVoter]).connect()
    const remove = async (voterId: number, voterDirectoryId = id) => {
      const { errorCode } = await client.call(RemoveRaftVoter, 0, { clusterId: null, voterId, voterDirectoryId })
      return errorName(errorCode)
    }
    expect(await remove(1)).to.equal('UNSUPPORTED_VERSION')
    expect(await remove(-1)).to.equal('INVALID_REQUEST')
    expect(await remove(1, ZERO_UUID)).to.equal('INVALID_REQUEST')
  })
})
