import { expect } from 'chai'
import { OffsetCommit } from '../protocol/apis/offset-commit.ts'
import { OffsetFetch } from '../protocol/apis/offset-fetch.ts'
import { errorName } from '../protocol/error-codes.ts'
import { ZERO_UUID } from '../protocol/schema.ts'
import { RunningBroker } from './running-broker.fixture.ts'

describe('offsets of clients that stored them in ZooKeeper', () => {
  const groupId = 'g'
  const member = { generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null }
  const partition = { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: -1, committedMetadata: 'note' }

  it('are stored and read by version 0 without a look for the coordinator', async () => {
    const broker = await new RunningBroker().start({ 'offsets.topic.num.partitions': '1' })
    await broker.create('t')
    const fetched = async () => {
      const topics = [{ name: 't', partitionIndexes: [0] }]
      const answer = await broker.call(OffsetFetch, 0, { groupId, groups: [], topics, requireStable: false })
      const { errorCode, committedOffset } = answer.topics[0]!.partitions[0]!
      return [errorName(errorCode), committedOffset]
    }
    expect(await fetched()).to.deep.equal(['UNKNOWN_TOPIC_OR_PARTITION', -1])
    const topics = [{ name: 't', topicId: ZERO_UUID, partitions: [partition] }]
    const answer = await broker.call(OffsetCommit, 0, { groupId, ...member, topics })
    expect(errorName(answer.topics[0]!.partitions[0]!.errorCode)).to.equal('NONE')
    expect(await fetched()).to.deep.equal(['NONE', 7])
    await broker.stop()
  })
})
