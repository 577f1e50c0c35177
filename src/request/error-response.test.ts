import { expect } from 'chai'
import fc from 'fast-check'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { apis } from '../../protocol/apis/index.ts'
import { ListOffsets } from '../../protocol/apis/list-offsets.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { arbitraryMessage } from '../../protocol/arbitrary-message.fixture.ts'
import { ByteWriter } from '../../protocol/byte-writer.ts'
import { encode } from '../../protocol/codegen.ts'
import { defaultsOf } from '../../protocol/schema.ts'
import { errorResponse } from './error-response.ts'

describe('the response to a request that failed as a whole', () => {
  it('lists every partition of the request if the response has no top-level error', () => {
    const request = {
      topicData: [
        { name: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitionData: [{ index: 0 }, { index: 3 }] },
        { name: 'b', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitionData: [{ index: 1 }] },
      ],
    }
    const { responses } = errorResponse(Produce, 9, request, -1, 'oops') as {
      responses: { name: string; partitionResponses: { index: number; errorCode: number; errorMessage: string }[] }[]
    }
    expect(responses.map(({ name }) => name)).to.deep.equal(['a', 'b'])
    expect(responses[0]?.partitionResponses.map(({ index, errorCode }) => [index, errorCode])).to.deep.equal([
      [0, -1],
      [3, -1],
    ])
    expect(responses[0]?.partitionResponses[0]?.errorMessage).to.equal('oops')
  })

  it('has the error once if the version has a top-level error', () => {
    const request = { topics: [{ topic: 'a', partitions: [{ partition: 4 }] }] }
    expect(errorResponse(Fetch, 7, request, -1, 'oops')).to.include({ errorCode: -1 })
    expect(errorResponse(Fetch, 7, request, -1, 'oops').responses).to.deep.equal([])
  })

  it('finds the partition under any of its field names', () => {
    const request = { topics: [{ topic: 'a', partitions: [{ partition: 4 }] }] }
    const { responses } = errorResponse(Fetch, 4, request, -1, 'oops') as {
      responses: { partitions: { partitionIndex: number; errorCode: number }[] }[]
    }
    expect(responses[0]?.partitions[0]).to.include({ partitionIndex: 4, errorCode: -1 })
    const offsets = { topics: [{ name: 'a', partitions: [{ partitionIndex: 2 }] }] }
    const { topics } = errorResponse(ListOffsets, 1, offsets, -1, 'oops') as {
      topics: { partitions: { partitionIndex: number; errorCode: number }[] }[]
    }
    expect(topics[0]?.partitions[0]).to.include({ partitionIndex: 2, errorCode: -1 })
  })

  it('can be encoded in every version of every api', () => {
    for (const api of apis) {
      for (let version = api.versions.oldest; version <= api.versions.newest; version++) {
        const requests = fc.sample(arbitraryMessage(api.request, version), { numRuns: 5, seed: version })
        for (const request of [defaultsOf(api.request.fields), ...requests]) {
          const response = errorResponse(api, version, request, -1, 'oops')
          expect(
            () => encode(api.response, version, response as never, new ByteWriter()),
            `${api.name} v${version}`,
          ).not.to.throw()
        }
      }
    }
  })
})
