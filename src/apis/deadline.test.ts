import { expect } from 'chai'
import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { alterPartitionReassignments } from './alter-partition-reassignments.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import { DataPath } from './data-path.fixture.ts'
import { deleteTopics } from './delete-topics.ts'
import { electLeaders } from './elect-leaders.ts'

const handlers = [createTopics, createPartitions, deleteTopics, electLeaders, alterPartitionReassignments]
const timeoutMs = 0

describe('a request that leaves no time for the controller', () => {
  function rig() {
    const path = new DataPath(handlers)
    path.metadata.addTopic('t')
    return { path, client: path.connect() }
  }

  it('does not create, extend or delete a topic', async () => {
    const { path, client } = rig()
    const wish = { name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await client.call(CreateTopics, 7, { topics: [wish], timeoutMs, validateOnly: false })
    const more = { topics: [{ name: 't', count: 2, assignments: null }], timeoutMs, validateOnly: false }
    const { results } = await client.call(CreatePartitions, 3, more)
    const { responses } = await client.call(DeleteTopics, 1, { topicNames: ['t'], topics: [], timeoutMs })
    const answers = [...topics, ...results, ...responses].map(({ name, errorCode }) => [name, errorName(errorCode)])
    expect(answers).to.deep.equal([
      ['new', 'REQUEST_TIMED_OUT'],
      ['t', 'REQUEST_TIMED_OUT'],
      ['t', 'REQUEST_TIMED_OUT'],
    ])
    const { topicsByName } = path.metadata.image
    expect([...topicsByName.keys()]).to.deep.equal(['t'])
    expect(topicsByName.get('t')?.partitions).to.have.length(1)
  })

  it('elects no leader, also in versions without a top-level error', async () => {
    const { client } = rig()
    const request = { electionType: 0, topicPartitions: [{ topic: 't', partitions: [0] }], timeoutMs }
    for (const [version, whole] of [
      [0, 'NONE'],
      [2, 'REQUEST_TIMED_OUT'],
    ] as const) {
      const { errorCode, replicaElectionResults } = await client.call(ElectLeaders, version, request)
      expect(errorName(errorCode)).to.equal(whole)
      expect(errorName(replicaElectionResults[0]!.partitionResult[0]!.errorCode)).to.equal('REQUEST_TIMED_OUT')
    }
  })

  it('moves no replica', async () => {
    const { client } = rig()
    const move = { topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas: [1] }] }], timeoutMs }
    const moved = await client.call(AlterPartitionReassignments, 1, move)
    expect(errorName(moved.errorCode)).to.equal('REQUEST_TIMED_OUT')
    expect(errorName(moved.responses[0]!.partitions[0]!.errorCode)).to.equal('REQUEST_TIMED_OUT')
  })

  it('succeeds if it is empty', async () => {
    const { client } = rig()
    expect(
      (await client.call(ElectLeaders, 2, { electionType: 0, topicPartitions: [], timeoutMs })).errorCode,
    ).to.equal(0)
    expect((await client.call(AlterPartitionReassignments, 1, { topics: [], timeoutMs })).errorCode).to.equal(0)
  })
})
