import { expect } from 'chai'
import { DescribeTopicPartitions } from '../../protocol/apis/describe-topic-partitions.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { DataPath } from './data-path.fixture.ts'
import { describeTopicPartitions } from './describe-topic-partitions.ts'

describe('DescribeTopicPartitions', () => {
  async function describeTopics(names: string[], cursor: { topicName: string; partitionIndex: number } | null = null) {
    const path = new DataPath([describeTopicPartitions])
    path.metadata.addTopic('t', 3)
    const request = { topics: names.map((name) => ({ name })), responsePartitionLimit: 2000, cursor }
    const { topics } = await path.connect().call(DescribeTopicPartitions, 0, request)
    return topics.map(({ name, errorCode, partitions }) => [name, errorName(errorCode), partitions.length])
  }

  it('fails as a whole on a topic without a name, as Kafka does', async () => {
    expect(await describeTopics(['', 't'])).to.deep.equal([
      ['', 'UNKNOWN_SERVER_ERROR', 0],
      ['t', 'UNKNOWN_SERVER_ERROR', 0],
    ])
  })

  it('ignores an empty name before the cursor', async () => {
    expect(await describeTopics(['', 't'], { topicName: 't', partitionIndex: 1 })).to.deep.equal([['t', 'NONE', 2]])
  })

  it('accepts an empty name that is the cursor', async () => {
    expect(await describeTopics([''], { topicName: '', partitionIndex: 0 })).to.deep.equal([
      ['', 'INVALID_TOPIC_EXCEPTION', 0],
    ])
  })
})
