import { ConsumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { OffsetDelete } from '../../protocol/apis/offset-delete.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { TxnOffsetCommit } from '../../protocol/apis/txn-offset-commit.ts'
import { coordinatorReady, stableGroup } from './group-scenarios.ts'
import { fakeId, type Place, placeOf } from './record-scenarios.ts'
import { inVersions, newest, type Scenario } from './scenario.ts'
import { changesAreApplied } from './topic-scenarios.ts'
import { aged, classic, transactions, withVersion } from './transactions.ts'
import type { Send } from './transcript.ts'

/** Version of TxnOffsetCommit from which on the broker adds the group to the transaction by itself. */
const FIRST_COMMIT_THAT_ADDS = 5
const FIRST_FETCH_OF_STABLE = 7
const FIRST_FETCH_OF_SEVERAL = 8
const FIRST_FETCH_BY_ID = 10

/** Reads offsets in one version: of all partitions, or of the given ones. */
function fetcher(send: Send, version: number, groupId: string, { name, topicId }: Place) {
  return (what: string, partitionIndexes: number[] | null, requireStable: boolean) => {
    const label = `${what}, ${partitionIndexes ?? 'all'}, ${requireStable ? 'stable' : 'any'}`
    if (version < FIRST_FETCH_OF_SEVERAL) {
      const topics = partitionIndexes && [{ name, partitionIndexes }]
      const stable = version >= FIRST_FETCH_OF_STABLE && requireStable
      return send(OffsetFetch, version, label, { groupId, topics: topics as never, requireStable: stable })
    }
    const topic = version >= FIRST_FETCH_BY_ID ? { topicId } : { name }
    const topics = partitionIndexes && [{ ...topic, partitionIndexes }]
    return send(OffsetFetch, version, label, { groups: [{ groupId, topics }], requireStable })
  }
}

/** What readers see of both partitions, with and without requireStable. */
async function look(send: Send, what: string, groupId: string, place: Place, version = newest(OffsetFetch)) {
  const fetch = fetcher(send, version, groupId, place)
  for (const stable of [false, true]) {
    await fetch(what, [0, 1], stable)
    if (version >= 2) await fetch(what, null, stable)
  }
}

const one = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'note' }]

const commits = inVersions(TxnOffsetCommit, 'of every kind', async (send, version) => {
  await coordinatorReady(send)
  const name = `tx-commits-${version}`
  const place = await placeOf(send, name)
  const nowhere = { name: `${name}-none`, topicId: fakeId }
  const addsItself = version >= FIRST_COMMIT_THAT_ADDS
  const tx = transactions(send, withVersion(TxnOffsetCommit, version, addsItself ? newest : classic))
  await tx.begin(name)
  const who = await tx.begin(name)
  await tx.commitOffsets('not added', who, name, place, one)
  await tx.describe('not added', name)
  await look(send, 'not added', name, place)
  await tx.addOffsets('(add)', who, name)
  await tx.commitOffsets('added', who, name, place, one)
  await tx.describe('added', name)
  await look(send, 'added', name, place)
  await tx.commitOffsets('no group', who, '', place, one)
  await tx.commitOffsets('a group that was not added', who, `${name}-other`, place, one)
  await tx.commitOffsets('a topic that is not there', who, name, nowhere, one)
  await tx.commitOffsets('partitions that are not there', who, name, place, [
    { partitionIndex: 1, committedOffset: 6, committedMetadata: null },
    { partitionIndex: 7, committedOffset: 6 },
    { partitionIndex: -1, committedOffset: 6 },
  ])
  await tx.commitOffsets('twice in one', who, name, place, [...one, { ...one[0]!, committedOffset: 8 }])
  await tx.commitOffsets('long metadata', who, name, place, [
    { partitionIndex: 0, committedOffset: 9, committedMetadata: 'x'.repeat(4096) },
    { partitionIndex: 1, committedOffset: 9, committedMetadata: 'x'.repeat(4097) },
  ])
  await tx.commitOffsets('negative offsets', who, name, place, [
    { partitionIndex: 0, committedOffset: -1 },
    { partitionIndex: 1, committedOffset: -7 },
  ])
  await tx.commitOffsets('no partitions', who, name, place, [])
  await tx.commitOffsets('no topics', who, name, place, [], { topics: [] })
  if (version >= 2)
    await tx.commitOffsets('a leader epoch', who, name, place, [
      { partitionIndex: 0, committedOffset: 10, committedLeaderEpoch: 3 },
    ])
  await tx.commitOffsets('an old epoch', aged(who, -1), name, place, one)
  await tx.commitOffsets('an epoch to come', aged(who, 1), name, place, one)
  await tx.commitOffsets('a stranger', { ...who, producerId: who.producerId + 10_000 }, name, place, one)
  await tx.commitOffsets('no producer', { ...who, producerId: -1, producerEpoch: -1 }, name, place, one)
  await tx.commitOffsets('the id of another one', { ...who, transactionalId: `${name}-x` }, name, place, one)
  await tx.commitOffsets('an empty id', { ...who, transactionalId: '' }, name, place, one)
  await look(send, 'in the middle', name, place)
  const next = await tx.end('commits', who, true)
  await look(send, 'committed', name, place)
  await tx.commitOffsets('after the end', who, name, place, one)
  await tx.commitOffsets('after the end, in the next epoch', next, name, place, [
    { partitionIndex: 0, committedOffset: 90 },
    { partitionIndex: 1, committedOffset: 91 },
  ])
  await look(send, 'after the end', name, place)
  await tx.end('aborts', next, false)
  await look(send, 'aborted', name, place)
})

const members = inVersions(TxnOffsetCommit, 'of members', async (send, version) => {
  await coordinatorReady(send)
  const name = `tx-members-${version}`
  const place = await placeOf(send, name)
  const addsItself = version >= FIRST_COMMIT_THAT_ADDS
  const tx = transactions(send, withVersion(TxnOffsetCommit, version, addsItself ? newest : classic))
  const who = await tx.begin(name)
  const { memberId, generationId } = await stableGroup(send, name, { groupInstanceId: 'one' })
  for (const groupId of [name, `${name}-none`, `${name}-consumer`])
    await tx.addOffsets(`(add ${groupId})`, who, groupId)
  const commit = (what: string, wish: object = {}, groupId = name) =>
    tx.commitOffsets(what, who, groupId, place, one, wish)
  await commit('from outside')
  if (version >= 3) {
    const member = { memberId, generationIdOrMemberEpoch: generationId }
    await commit('a member', member)
    await commit('its instance', { ...member, groupInstanceId: 'one' })
    await commit('another instance', { ...member, groupInstanceId: 'two' })
    await commit('the instance of another member', { ...member, memberId: 'stranger', groupInstanceId: 'one' })
    await commit('an old generation', { ...member, generationIdOrMemberEpoch: generationId - 1 })
    await commit('a generation to come', { ...member, generationIdOrMemberEpoch: generationId + 1 })
    await commit('a stranger', { ...member, memberId: 'stranger' })
    await commit('a member without a generation', { memberId })
    await commit('a generation without a member', { generationIdOrMemberEpoch: generationId })
    await commit('a group that is not there', { memberId: 'm', generationIdOrMemberEpoch: 1 }, `${name}-none`)
    const groupId = `${name}-consumer`
    const { memberEpoch } = await send(ConsumerGroupHeartbeat, 1, '(joins)', {
      ...{ groupId, memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 30_000, topicPartitions: [] },
      subscribedTopicNames: [name],
    })
    for (const epoch of [memberEpoch, memberEpoch - 1, memberEpoch + 1, -1])
      await commit(`epoch ${epoch} of a member`, { memberId: 'm', generationIdOrMemberEpoch: epoch }, groupId)
    await commit('a stranger of a consumer group', { memberId: 'x', generationIdOrMemberEpoch: memberEpoch }, groupId)
  }
  await tx.end('commits', who, true)
  await look(send, 'committed', name, place)
})

const reads = inVersions(OffsetFetch, 'pending offsets', async (send, version) => {
  await coordinatorReady(send)
  const name = `tx-pending-${version}`
  const place = await placeOf(send, name)
  const tx = transactions(send)
  const who = await tx.begin(name)
  await tx.commitOffsets('(pending)', who, name, place, one)
  await look(send, 'a group of pending offsets alone', name, place, version)
  await send(OffsetCommit, 9, '(commit)', {
    ...{ groupId: name, memberId: '' },
    topics: [{ name, partitions: [0, 1].map((partitionIndex) => ({ partitionIndex, committedOffset: 3 })) }],
  })
  await look(send, 'committed beside them', name, place, version)
  await tx.commitOffsets('(pending again)', who, name, place, [{ partitionIndex: 0, committedOffset: 7 }])
  const other = await tx.begin(`${name}-other`)
  await tx.commitOffsets('(pending twice)', other, name, place, [{ partitionIndex: 1, committedOffset: 8 }])
  await look(send, 'two transactions', name, place, version)
  await tx.end('one aborts', who, false)
  await look(send, 'one has aborted', name, place, version)
  await tx.end('the other commits', other, true)
  await look(send, 'the other has committed', name, place, version)
})

const overlaps: Scenario = {
  name: 'TxnOffsetCommit: of two producers, and beside other commits',
  run: async (send) => {
    await coordinatorReady(send)
    const name = 'tx-overlap'
    const place = await placeOf(send, name)
    const tx = transactions(send)
    const [first, second] = [await tx.begin(`${name}-a`), await tx.begin(`${name}-b`)]
    const at = (committedOffset: number) => [{ partitionIndex: 0, committedOffset, committedMetadata: 'tx' }]
    const commit = (what: string, committedOffset: number) =>
      send(OffsetCommit, 9, what, {
        ...{ groupId: name, memberId: '' },
        topics: [{ name, partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: 'plain' }] }],
      })
    await tx.commitOffsets('the first', first, name, place, at(10))
    await tx.commitOffsets('the second', second, name, place, at(20))
    const later = await tx.end('the second commits', second, true)
    await look(send, 'the second has committed', name, place)
    const next = await tx.end('the first commits', first, true)
    await look(send, 'the first has committed', name, place)
    await tx.commitOffsets('pending', next, name, place, at(30))
    await commit('a plain commit after it', 25)
    await look(send, 'a plain commit after it', name, place)
    await tx.end('it commits', next, true)
    await look(send, 'it has committed', name, place)
    await tx.commitOffsets('to be aborted', later, name, place, at(40))
    await commit('a plain commit before the abort', 35)
    await tx.end('it aborts', later, false)
    await look(send, 'it has aborted', name, place)
  },
}

const deletions: Scenario = {
  name: 'DeleteGroups, OffsetDelete and DeleteTopics: pending offsets',
  run: async (send) => {
    await coordinatorReady(send)
    const tx = transactions(send)
    const listed = (name: string) =>
      send(ListGroups, 5, `${name}: listed`, { statesFilter: [], typesFilter: [] }, ({ groups }) =>
        groups.filter(({ groupId }) => groupId === name),
      )
    for (const [of, committed] of ['commit', 'abort'].flatMap(
      (each) =>
        [
          [each, true],
          [each, false],
        ] as const,
    )) {
      const isFirst = of === 'commit'
      const name = `tx-drop-${of}-${committed}`
      const place = await placeOf(send, name)
      const topics = [{ name, partitions: [{ partitionIndex: 0, committedOffset: 2 }] }]
      if (committed) await send(OffsetCommit, 9, '(commit)', { groupId: name, memberId: '', topics })
      const who = await tx.begin(name)
      await tx.commitOffsets('(pending)', who, name, place, one)
      await send(DescribeGroups, 6, 'pending', { groups: [name] })
      await listed(name)
      await send(OffsetDelete, 0, 'pending', { groupId: name, topics: [{ name, partitions: [{ partitionIndex: 0 }] }] })
      await look(send, 'offsets deleted', name, place)
      await send(DeleteGroups, 3, 'pending', { groupsNames: [name] })
      await send(DescribeGroups, 6, 'group deleted', { groups: [name] })
      await listed(name)
      await look(send, 'group deleted', name, place)
      await tx.end('ends', who, isFirst)
      await look(send, 'in the end', name, place)
      await send(DescribeGroups, 6, 'in the end', { groups: [name] })
      await send(DeleteGroups, 3, 'in the end', { groupsNames: [name] })
      await look(send, 'deleted in the end', name, place)
    }
  },
}

const topicsThatGo: Scenario = {
  name: 'DeleteTopics: a topic with pending offsets',
  run: async (send) => {
    await coordinatorReady(send)
    const name = 'tx-offsets-go'
    const place = await placeOf(send, name)
    const tx = transactions(send)
    const who = await tx.begin(name)
    await tx.commitOffsets('(pending)', who, name, place, one)
    await send(DeleteTopics, 5, 'the topic', { topicNames: [name], timeoutMs: 5000 })
    await changesAreApplied(send)
    await look(send, 'deleted', name, place, 9)
    await tx.end('commits', who, true)
    await look(send, 'committed', name, place, 9)
  },
}

/** Offsets that are committed in transactions (KIP-447). */
export const transactionOffsetScenarios: readonly Scenario[] = [
  ...commits,
  ...members,
  ...reads,
  overlaps,
  deletions,
  topicsThatGo,
]
