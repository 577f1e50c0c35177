import { expect } from 'chai'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { DataPath } from './data-path.fixture.ts'
import { electLeaders } from './elect-leaders.ts'

describe('ElectLeaders', () => {
  async function elect(electionType: number, topicPartitions: { topic: string; partitions: number[] }[] | null) {
    const path = new DataPath([electLeaders])
    path.metadata.addTopic('t', 2)
    const request = { electionType, topicPartitions, timeoutMs: 1000 }
    const { errorCode, replicaElectionResults } = await path.connect().call(ElectLeaders, 2, request)
    const results = replicaElectionResults.map(({ topic, partitionResult }) => ({
      topic,
      partitions: partitionResult.map(({ partitionId, errorCode: code }) => [partitionId, errorName(code)]),
    }))
    return [errorName(errorCode), results]
  }

  it('answers ELECTION_NOT_NEEDED for partitions with a leader', async () => {
    expect(await elect(0, [{ topic: 't', partitions: [1, 5] }])).to.deep.equal([
      'NONE',
      [
        {
          topic: 't',
          partitions: [
            [1, 'ELECTION_NOT_NEEDED'],
            [5, 'UNKNOWN_TOPIC_OR_PARTITION'],
          ],
        },
      ],
    ])
  })

  it('lists every topic if all are asked for, without partitions that need no election', async () => {
    expect(await elect(1, null)).to.deep.equal(['NONE', [{ topic: 't', partitions: [] }]])
  })

  it('refuses an unknown type, unless the request is empty', async () => {
    expect(await elect(5, null)).to.deep.equal(['INVALID_REQUEST', []])
    expect(await elect(5, [{ topic: 't', partitions: [1] }])).to.deep.equal([
      'INVALID_REQUEST',
      [{ topic: 't', partitions: [[1, 'INVALID_REQUEST']] }],
    ])
    expect(await elect(5, [])).to.deep.equal(['NONE', []])
  })
})
