import { expect } from 'chai'
import fc from 'fast-check'
import { topicIdOf } from '../../group-world.fixture.ts'
import type { AssignedMember, AssignmentTask, Assignor, TopicPartitions } from './assignor.ts'
import { assignorsNamed } from './assignors.ts'
import { rangeAssignor } from './range-assignor.ts'
import { uniformAssignor } from './uniform-assignor.ts'

const topics = ['a', 'b', 'c', 'd'].map((name) => topicIdOf(name))

interface Sharing {
  readonly counts: readonly number[]
  /** Topics that each member reads, as indexes into `topics`. */
  readonly members: readonly (readonly number[])[]
}

const sharing: fc.Arbitrary<Sharing> = fc.record({
  counts: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 4, maxLength: 4 }),
  members: fc.array(fc.subarray([0, 1, 2, 3], { minLength: 1 }), { minLength: 1, maxLength: 7 }),
})

function taskOf({ counts, members }: Sharing, before: ReadonlyMap<string, TopicPartitions>): AssignmentTask {
  const described = members.map((reads, index): AssignedMember => {
    const memberId = `m${index}`
    const topicIds = new Set(reads.map((topic) => topics[topic]!))
    return { memberId, instanceId: null, topicIds, assigned: before.get(memberId) ?? new Map() }
  })
  const isHomogeneous = members.every((reads) => String(reads) === String(members[0]))
  return { members: described, isHomogeneous, partitionCount: (id) => counts[topics.indexOf(id)]! }
}

function sizes(assignment: ReadonlyMap<string, TopicPartitions>, task: AssignmentTask): number[] {
  return task.members.map(({ memberId }) =>
    [...(assignment.get(memberId) ?? new Map<string, ReadonlySet<number>>()).values()].reduce(
      (sum, each) => sum + each.size,
      0,
    ),
  )
}

/** Expects every subscribed partition to go to exactly one of its subscribers. */
function expectComplete(assignment: ReadonlyMap<string, TopicPartitions>, task: AssignmentTask): void {
  const owners = new Map<string, string>()
  for (const { memberId, topicIds } of task.members) {
    for (const [topicId, partitions] of assignment.get(memberId) ?? []) {
      expect(topicIds.has(topicId), `${memberId} reads what it gets`).to.equal(true)
      for (const partition of partitions) {
        const key = `${topicId}-${partition}`
        expect(owners.get(key)).to.equal(undefined)
        owners.set(key, memberId)
      }
    }
  }
  const read = new Set(task.members.flatMap(({ topicIds }) => [...topicIds]))
  const total = [...read].reduce((sum, topicId) => sum + task.partitionCount(topicId), 0)
  expect(owners.size).to.equal(total)
}

function moved(before: ReadonlyMap<string, TopicPartitions>, after: ReadonlyMap<string, TopicPartitions>): number {
  let count = 0
  for (const [memberId, partitions] of before) {
    for (const [topicId, each] of partitions) {
      for (const partition of each) if (after.get(memberId)?.get(topicId)?.has(partition) !== true) count++
    }
  }
  return count
}

for (const assignor of [uniformAssignor, rangeAssignor] as readonly Assignor[]) {
  describe(`the ${assignor.name} assignor`, () => {
    it('assigns each partition to one of its subscribers, also when members join and leave', () => {
      fc.assert(
        fc.property(sharing, sharing, (first, second) => {
          const task = taskOf(first, new Map())
          const before = assignor.assign(task)
          expectComplete(before, task)
          const next = taskOf({ counts: first.counts, members: second.members }, before)
          expectComplete(assignor.assign(next), next)
        }),
      )
    })
  })
}

describe('the uniform assignor among members with the same subscription', () => {
  const same = sharing.map(({ counts, members }) => ({ counts, members: members.map(() => members[0]!) }))

  it('gives no member two partitions more than another', () => {
    fc.assert(
      fc.property(same, (each) => {
        const task = taskOf(each, new Map())
        const counts = sizes(uniformAssignor.assign(task), task)
        expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(1)
      }),
    )
  })

  it('moves nothing without a change, and no more than a new member gets', () => {
    fc.assert(
      fc.property(same, (each) => {
        const before = uniformAssignor.assign(taskOf(each, new Map()))
        expect(moved(before, uniformAssignor.assign(taskOf(each, before)))).to.equal(0)
        const grown = taskOf({ ...each, members: [...each.members, each.members[0]!] }, before)
        const after = uniformAssignor.assign(grown)
        expect(moved(before, after)).to.equal(sizes(after, grown).at(-1))
      }),
    )
  })
})

describe('the range assignor', () => {
  it('gives members consecutive partitions in the order of their ids, one more to the first ones', () => {
    const task = taskOf(
      {
        counts: [7, 3, 1, 1],
        members: [
          [0, 1],
          [0, 1],
          [0, 1],
        ],
      },
      new Map(),
    )
    const assignment = rangeAssignor.assign(task)
    const of = (memberId: string) => topics.map((topicId) => [...(assignment.get(memberId)?.get(topicId) ?? [])])
    expect(of('m0')).to.deep.equal([[0, 1, 2], [0], [], []])
    expect(of('m1')).to.deep.equal([[3, 4], [1], [], []])
    expect(of('m2')).to.deep.equal([[5, 6], [2], [], []])
  })
})

describe('group.consumer.assignors', () => {
  it('may name them by their classes', () => {
    const names = ['range', 'org.apache.kafka.coordinator.group.assignor.UniformAssignor', 'com.example.Mine']
    expect(assignorsNamed(names).map(({ name }) => name)).to.deep.equal(['range', 'uniform'])
  })
})
