import { expect } from 'chai'
import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { errorName, reject } from '../../protocol/error-codes.ts'
import type { AskedReassignment } from '../metadata/metadata-store.ts'
import { alterPartitionReassignments } from './alter-partition-reassignments.ts'
import { DataPath } from './data-path.fixture.ts'

describe('AlterPartitionReassignments', () => {
  function path() {
    const data = new DataPath([alterPartitionReassignments])
    const asked: [readonly AskedReassignment[], boolean][] = []
    data.metadata.alterPartitionReassignments = async (each, { mayChangeReplicationFactor }) => {
      asked.push([each, mayChangeReplicationFactor])
      return each.map(({ partition }) => (partition === 1 ? reject('NO_REASSIGNMENT_IN_PROGRESS', null) : undefined))
    }
    return { client: data.connect(), asked }
  }

  const topics = [
    {
      name: 't',
      partitions: [
        { partitionIndex: 0, replicas: [1, 2] },
        { partitionIndex: 1, replicas: null },
      ],
    },
    { name: 'u', partitions: [{ partitionIndex: 3, replicas: [1] }] },
  ]

  it('answers each partition in its place', async () => {
    const { client, asked } = path()
    const request = { timeoutMs: 1000, allowReplicationFactorChange: false, topics }
    const answer = await client.call(AlterPartitionReassignments, 1, request)
    expect([answer.errorCode, answer.errorMessage, answer.allowReplicationFactorChange]).to.deep.equal([0, null, false])
    const errors = answer.responses.map(({ name, partitions }) => [
      name,
      partitions.map((each) => [each.partitionIndex, errorName(each.errorCode), each.errorMessage]),
    ])
    expect(errors).to.deep.equal([
      [
        't',
        [
          [0, 'NONE', null],
          [1, 'NO_REASSIGNMENT_IN_PROGRESS', null],
        ],
      ],
      ['u', [[3, 'NONE', null]]],
    ])
    const reassignments = [
      { topic: 't', partition: 0, replicas: [1, 2] },
      { topic: 't', partition: 1, replicas: null },
      { topic: 'u', partition: 3, replicas: [1] },
    ]
    expect(asked).to.deep.equal([[reassignments, false]])
  })

  it('version 0 may change the number of replicas', async () => {
    const { client, asked } = path()
    await client.call(AlterPartitionReassignments, 0, { timeoutMs: 1000, topics })
    expect(asked[0]?.[1]).to.equal(true)
  })

  it('changes nothing after its deadline, or if it is empty', async () => {
    const { client, asked } = path()
    const late = await client.call(AlterPartitionReassignments, 1, { timeoutMs: 0, topics })
    expect(errorName(late.errorCode)).to.equal('REQUEST_TIMED_OUT')
    expect(
      late.responses.flatMap(({ partitions }) => partitions.map((each) => errorName(each.errorCode))),
    ).to.deep.equal(['REQUEST_TIMED_OUT', 'REQUEST_TIMED_OUT', 'REQUEST_TIMED_OUT'])
    const empty = await client.call(AlterPartitionReassignments, 1, {
      timeoutMs: 0,
      allowReplicationFactorChange: false,
      topics: [],
    })
    expect(empty).to.deep.include({ errorCode: 0, errorMessage: '', allowReplicationFactorChange: true })
    expect(asked).to.deep.equal([])
  })
})
