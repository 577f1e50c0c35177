import { expect } from 'chai'
import { CreateAcls } from '../../protocol/apis/create-acls.ts'
import { DeleteAcls } from '../../protocol/apis/delete-acls.ts'
import { DescribeAcls } from '../../protocol/apis/describe-acls.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { createAcls } from './create-acls.ts'
import { DataPath } from './data-path.fixture.ts'
import { deleteAcls } from './delete-acls.ts'
import { describeAcls } from './describe-acls.ts'

const filter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}
const creation = { resourceType: 2, resourceName: 't', principal: 'User:a', host: '*', operation: 3, permissionType: 3 }

describe('ACLs without an authorizer', () => {
  const connect = () => new DataPath([describeAcls, createAcls, deleteAcls]).connect()
  const codes = ['resourceTypeFilter', 'patternTypeFilter', 'operation', 'permissionType']

  it('are SECURITY_DISABLED for every request, also with codes that Kafka does not define', async () => {
    const { errorCode } = await connect().call(DescribeAcls, 3, { ...filter, operation: 99 })
    const { results } = await connect().call(CreateAcls, 3, { creations: [creation, { ...creation, operation: 99 }] })
    const { filterResults } = await connect().call(DeleteAcls, 3, { filters: [filter] })
    const all = [errorCode, ...[...results, ...filterResults].map((each) => each.errorCode)]
    expect(all.map(errorName)).to.deep.equal(Array.from({ length: 4 }, () => 'SECURITY_DISABLED'))
  })

  for (const code of codes) {
    it(`close the connection of a client whose ${code} is UNKNOWN`, async () => {
      const created =
        code === 'resourceTypeFilter' ? 'resourceType' : code.replace('patternTypeFilter', 'resourcePatternType')
      const path = new DataPath([describeAcls, createAcls, deleteAcls])
      const [first, second, third] = [path.connect(), path.connect(), path.connect()]
      first.send(DescribeAcls, 3, { ...filter, [code]: 0 })
      second.send(CreateAcls, 3, { creations: [creation, { ...creation, [created]: 0 }] })
      third.send(DeleteAcls, 3, { filters: [filter, { ...filter, [code]: 0 }] })
      expect(await first.receive(DescribeAcls, 3)).to.equal(undefined)
      expect(await second.receive(CreateAcls, 3)).to.equal(undefined)
      expect(await third.receive(DeleteAcls, 3)).to.equal(undefined)
    })
  }
})
