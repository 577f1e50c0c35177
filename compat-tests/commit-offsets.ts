import { expect } from 'chai'
import { OffsetCommit } from '../protocol/apis/offset-commit.ts'
import { RawClient } from './raw-client.ts'

const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000'

/** Commits offsets from outside the group, like tools that reset offsets: the first for partition 0, and so on. */
export async function commitFromOutside(
  port: number,
  groupId: string,
  topic: string,
  offsets: number[],
): Promise<void> {
  const client = await RawClient.connect(port)
  const partitions = offsets.map((committedOffset, partitionIndex) => ({
    partitionIndex,
    committedOffset,
    committedMetadata: '',
  }))
  const topics = [{ name: topic, topicId: NO_TOPIC_ID, partitions }]
  const response = await client.send(OffsetCommit, 8, { groupId, memberId: '', groupInstanceId: null, topics })
  client.close()
  const codes = response.topics.flatMap((each) => each.partitions.map(({ errorCode }) => errorCode))
  expect(codes).to.deep.equal(offsets.map(() => 0))
}
