import { expect } from 'chai'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { mergeAnswers } from './commit-topics.ts'

describe('answers to the topics of a commit', () => {
  const topic = (name: string, partitionIndex: number, errorCode: number) => ({
    name,
    topicId: ZERO_UUID,
    partitions: [{ partitionIndex, errorCode }],
  })

  it('have one entry for each topic if anything was refused, also for topics named twice', () => {
    const merged = mergeAnswers([topic('a', 5, 3), topic('a', 6, 3)], [topic('b', 0, 0), topic('a', 0, 0)], false)
    expect(
      merged.map(({ name, partitions }) => [name, ...partitions.map(({ partitionIndex }) => partitionIndex)]),
    ).to.deep.equal([
      ['a', 5, 6, 0],
      ['b', 0],
    ])
  })

  it("are the coordinator's own if nothing was refused", () => {
    const answered = [topic('a', 0, 0), topic('a', 1, 0)]
    expect(mergeAnswers([], answered, false)).to.equal(answered)
  })
})
