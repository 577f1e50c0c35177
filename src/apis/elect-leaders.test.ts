import { expect } from 'chai'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { errorName, type Rejection, reject } from '../../protocol/error-codes.ts'
import type { AskedElections, TopicElections } from '../metadata/metadata-store.ts'
import { DataPath } from './data-path.fixture.ts'
import { electLeaders } from './elect-leaders.ts'

type Asked = { topic: string; partitions: number[] }[] | null

describe('ElectLeaders', () => {
  /** Answers with these elections; notes what the metadata store was asked for. */
  function path(elections: readonly TopicElections[] | Rejection = []) {
    const data = new DataPath([electLeaders])
    const asked: AskedElections[] = []
    data.metadata.electLeaders = async (each) => {
      asked.push(each)
      return elections
    }
    const elect = async (electionType: number, topicPartitions: Asked, version: 0 | 2 = 2) => {
      const request = { electionType, topicPartitions, timeoutMs: 1000 }
      const { errorCode, replicaElectionResults } = await data.connect().call(ElectLeaders, version, request)
      const results = replicaElectionResults.map(({ topic, partitionResult }) => ({
        topic,
        partitions: partitionResult.map((each) => [each.partitionId, errorName(each.errorCode), each.errorMessage]),
      }))
      return [errorName(errorCode), results]
    }
    return { asked, elect }
  }

  it('answers each election', async () => {
    const { asked, elect } = path([
      {
        topic: 't',
        partitions: [
          { partition: 1, refusal: undefined },
          { partition: 5, refusal: reject('ELECTION_NOT_NEEDED') },
        ],
      },
    ])
    const topics = [{ topic: 't', partitions: [1, 5] }]
    expect(await elect(0, topics)).to.deep.equal([
      'NONE',
      [
        {
          topic: 't',
          partitions: [
            [1, 'NONE', null],
            [5, 'ELECTION_NOT_NEEDED', 'Leader election not needed for topic partition.'],
          ],
        },
      ],
    ])
    await elect(1, null)
    expect(asked).to.deep.equal([
      { election: 'preferred', topics },
      { election: 'unclean', topics: null },
    ])
  })

  it('refuses all of them at once', async () => {
    const { elect } = path(reject('POLICY_VIOLATION', 'too many'))
    const partitions = [[1, 'POLICY_VIOLATION', 'too many']]
    expect(await elect(0, [{ topic: 't', partitions: [1] }])).to.deep.equal([
      'POLICY_VIOLATION',
      [{ topic: 't', partitions }],
    ])
    // Version 0 has no error of the whole response.
    expect(await elect(0, [{ topic: 't', partitions: [1] }], 0)).to.deep.equal(['NONE', [{ topic: 't', partitions }]])
    expect(await elect(0, null)).to.deep.equal(['POLICY_VIOLATION', []])
  })

  it('refuses an unknown type, unless the request is empty', async () => {
    const { asked, elect } = path()
    expect(await elect(5, null)).to.deep.equal(['INVALID_REQUEST', []])
    expect(await elect(5, [{ topic: 't', partitions: [1] }])).to.deep.equal([
      'INVALID_REQUEST',
      [{ topic: 't', partitions: [[1, 'INVALID_REQUEST', 'Unknown election type 5']] }],
    ])
    expect(await elect(5, [])).to.deep.equal(['NONE', []])
    expect(asked).to.deep.equal([])
  })
})
