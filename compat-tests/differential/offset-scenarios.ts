import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { OffsetDelete } from '../../protocol/apis/offset-delete.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { type InputValue, ZERO_UUID } from '../../protocol/schema.ts'
import { coordinatorReady, stableGroup, subscription } from './group-scenarios.ts'
import { inVersions, type Scenario } from './scenario.ts'
import { makeTopic } from './topic-scenarios.ts'
import type { Send } from './transcript.ts'

type CommitRequest = InputValue<typeof OffsetCommit.request.fields>
type CommitTopic = CommitRequest['topics'][number]

const fakeId = 'f4keAAAAAAAAAAAAAAAAAA'

function offsets(...committed: [number, number, string | null][]): CommitTopic['partitions'] {
  return committed.map(([partitionIndex, committedOffset, committedMetadata]) => ({
    partitionIndex,
    committedOffset,
    committedMetadata,
  }))
}

const commits = inVersions(OffsetCommit, 'of every kind', async (send, version) => {
  await coordinatorReady(send)
  const name = `commits-${version}`
  const groupId = name
  const topicId = await makeTopic(send, name, { numPartitions: 2 })
  const topic = (of: string, partitions: CommitTopic['partitions']): CommitTopic =>
    version >= 10
      ? { name: '', topicId: of === name ? topicId : fakeId, partitions }
      : { name: of, topicId: ZERO_UUID, partitions }
  const commit = (what: string, topics: CommitTopic[], wish: Partial<CommitRequest> = {}) =>
    send(OffsetCommit, version, what, { groupId, memberId: '', topics, ...wish })

  await commit('from outside of a group', [topic(name, offsets([0, 7, 'note'], [1, 8, null]))])
  await commit('partitions that are not there', [topic(name, offsets([0, 9, ''], [2, 1, ''], [-1, 1, '']))])
  await commit('a topic that is not there', [
    topic('no-such-topic', offsets([0, 1, ''])),
    topic(name, offsets([1, 3, ''])),
  ])
  await commit('nothing', [])
  await commit('no partitions', [topic(name, [])])
  await commit('long metadata', [topic(name, offsets([0, 1, 'x'.repeat(4096)], [1, 1, 'x'.repeat(4097)]))])
  await commit('a negative offset', [topic(name, offsets([0, -5, '']))])
  await commit('no group id', [topic(name, offsets([0, 1, '']))], { groupId: '' })
  await commit('a generation of a group that is not there', [topic(name, offsets([0, 1, '']))], {
    groupId: `${name}-none`,
    generationIdOrMemberEpoch: 1,
    memberId: 'm',
  })
  const busy = `${name}-busy`
  const { memberId, generationId } = await stableGroup(send, busy)
  const member = { groupId: busy, memberId, generationIdOrMemberEpoch: generationId }
  const one = [topic(name, offsets([0, 1, '']))]
  await commit('a member', one, member)
  await commit('an old generation', one, { ...member, generationIdOrMemberEpoch: generationId - 1 })
  await commit('a stranger', one, { ...member, memberId: 'stranger' })
  await commit('from outside of a group that is in use', one, { groupId: busy })
  if (version >= 7) await commit('an instance that nobody knows', one, { ...member, groupInstanceId: 'i' })
  await fetchAll(send, version, [groupId, busy])
})

async function fetchAll(send: Send, version: number, groupIds: readonly string[]): Promise<void> {
  for (const groupId of groupIds) await send(OffsetFetch, 5, `all of ${groupId}`, { groupId, topics: null })
  await send(OffsetFetch, 8, `all, after commits in v${version}`, {
    groups: groupIds.map((groupId) => ({ groupId, topics: null })),
  })
}

const fetches = inVersions(OffsetFetch, 'of every kind', async (send, version) => {
  await coordinatorReady(send)
  const name = `fetches-${version}`
  const topicId = await makeTopic(send, name, { numPartitions: 2 })
  await send(OffsetCommit, 9, '(commit)', {
    groupId: name,
    memberId: '',
    topics: [{ name, partitions: offsets([0, 7, 'note'], [1, 8, null]) }],
  })
  const topic = (of: string, partitionIndexes: number[]) =>
    version >= 10
      ? { name: '', topicId: of === name ? topicId : fakeId, partitionIndexes }
      : { name: of, topicId: ZERO_UUID, partitionIndexes }
  const fetch = async (what: string, groupId: string, topics: ReturnType<typeof topic>[] | null) => {
    if (version >= 8) await send(OffsetFetch, version, what, { groups: [{ groupId, topics }], requireStable: true })
    else
      await send(OffsetFetch, version, what, {
        groupId,
        topics: topics as { name: string; partitionIndexes: number[] }[],
      })
  }
  await fetch('some', name, [topic(name, [0, 1, 5])])
  await fetch('topics that are not there', name, [topic('no-such-topic', [0]), topic(name, [1])])
  await fetch('nothing', name, [])
  if (version >= 2) await fetch('all', name, null)
  await fetch('a group that is not there', `${name}-none`, [topic(name, [0])])
  if (version >= 2) await fetch('all of a group that is not there', `${name}-none`, null)
  await fetch('no group id', '', [topic(name, [0])])
  if (version < 9) return
  const groups = [
    { groupId: name, memberId: 'm', memberEpoch: 1, topics: null },
    { groupId: name, memberId: null, memberEpoch: 0, topics: null },
  ]
  for (const group of groups) await send(OffsetFetch, version, `as ${group.memberId}`, { groups: [group] })
})

const deletions: Scenario = {
  name: 'OffsetDelete: topics that are read and others',
  run: async (send) => {
    await coordinatorReady(send)
    for (const name of ['read', 'unread']) await makeTopic(send, `delete-${name}`, { numPartitions: 2 })
    const groupId = 'offset-delete'
    const protocols = [{ name: 'range', metadata: subscription('delete-read') }]
    const { memberId, generationId } = await stableGroup(send, groupId, { protocols })
    const topics = ['delete-read', 'delete-unread'].map((name) => ({
      name,
      partitions: offsets([0, 4, ''], [1, 5, '']),
    }))
    await send(OffsetCommit, 8, '(commit)', { groupId, memberId, generationIdOrMemberEpoch: generationId, topics })
    const wanted = (name: string, ...indexes: number[]) => ({
      name,
      partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
    })
    await send(OffsetDelete, 0, 'of all kinds', {
      groupId,
      topics: [wanted('delete-read', 0), wanted('delete-unread', 0, 9), wanted('no-such-topic', 0)],
    })
    await fetchAll(send, 8, [groupId])
    await send(OffsetDelete, 0, 'a group that is not there', { groupId: 'none', topics: [wanted('delete-read', 0)] })
    await send(OffsetDelete, 0, 'no group id', { groupId: '', topics: [wanted('delete-read', 0)] })
    await send(OffsetDelete, 0, 'nothing', { groupId, topics: [] })
    const connect = { protocolType: 'connect', protocols: [{ name: 'v1', metadata: Buffer.alloc(2) }] }
    await stableGroup(send, 'offset-delete-connect', connect)
    await send(OffsetDelete, 0, 'a group of workers', {
      groupId: 'offset-delete-connect',
      topics: [wanted('delete-read', 0)],
    })
  },
}

/** Committed offsets. */
export const offsetScenarios: readonly Scenario[] = [...commits, ...fetches, deletions]
