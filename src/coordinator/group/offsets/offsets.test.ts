import { expect } from 'chai'
import { errorCode, isRejection } from '../../../../protocol/error-codes.ts'
import { ClassicClient, committedOffset, GroupWorld, topicIdOf } from '../../testing/group-world.ts'

const HOUR_MS = 3_600_000

function tool(world: GroupWorld, groupId = 'g'): ClassicClient {
  return new ClassicClient(world, groupId, 'tool')
}

async function commitInTransaction(world: GroupWorld, producerId: number, offset: number): Promise<number> {
  const partition = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: null }
  const outcome = await world.coordinator.commitOffsetsInTransaction(
    {
      transactionalId: 'tx',
      groupId: 'g',
      producerId,
      producerEpoch: 0,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: 't', topicId: topicIdOf('t'), partitions: [partition] }],
    },
    5,
  )
  return isRejection(outcome) ? outcome.code : outcome[0]!.partitions[0]!.errorCode
}

function endTransaction(world: GroupWorld, producerId: number, result: 'commit' | 'abort') {
  return world.coordinator.endTransaction(0, { producerId, producerEpoch: 0, coordinatorEpoch: 0, result })
}

async function stableOffset(world: GroupWorld): Promise<number | string> {
  const topics = [{ name: 't', topicId: topicIdOf('t'), partitionIndexes: [0] }]
  const outcome = await world.coordinator.fetchOffsets({ groupId: 'g', memberId: null, memberEpoch: -1, topics }, true)
  if (isRejection(outcome)) return outcome.error
  const [partition] = outcome.topics[0]!.partitions
  return partition!.errorCode === errorCode('UNSTABLE_OFFSET_COMMIT') ? 'unstable' : partition!.committedOffset
}

describe('committed offsets', () => {
  it('are there for a group that nobody is in, and none is no error', async () => {
    const world = await GroupWorld.started()
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(-1)
    expect(await tool(world).commit('t', 0, 5)).to.equal(0)
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(5)
    expect(world.state.groups.classic('g')).to.include({ isSimple: true, state: 'Empty' })
  })

  it('of a topic that was made anew are not those of the old one', async () => {
    const world = await GroupWorld.started()
    world.setTopic('t', 1)
    await tool(world).commit('t', 0, 5)
    // Nothing of what is committed is told to the coordinator, as when it learns of the deletion later.
    world.replaceTopicSilently('t', topicIdOf('new'))
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(-1)
  })

  it('go when their topic is deleted', async () => {
    const world = await GroupWorld.started()
    world.setTopic('t', 1)
    await tool(world).commit('t', 0, 5)
    await tool(world).commit('u', 0, 6)
    world.setTopic('t', 0)
    await world.host.advance(1)
    expect(world.state.offsets.get('g', 't', 0)).to.equal(undefined)
    expect(world.state.offsets.get('g', 'u', 0)?.offset).to.equal(6)
  })

  it('come with metadata of at most offset.metadata.max.bytes', async () => {
    const world = await GroupWorld.started({ 'offset.metadata.max.bytes': '3' })
    const commit = async (committedMetadata: string) => {
      const partition = { partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, commitTimestamp: -1 }
      const outcome = await world.coordinator.commitOffsets(
        {
          groupId: 'g',
          memberId: '',
          groupInstanceId: null,
          generationIdOrMemberEpoch: -1,
          retentionTimeMs: -1,
          topics: [{ name: 't', topicId: topicIdOf('t'), partitions: [{ ...partition, committedMetadata }] }],
        },
        8,
      )
      return isRejection(outcome) ? outcome.code : outcome[0]!.partitions[0]!.errorCode
    }
    expect(await commit('abc')).to.equal(0)
    expect(await commit('abcd')).to.equal(errorCode('OFFSET_METADATA_TOO_LARGE'))
  })

  it('of simple consumers expire offsets.retention.minutes after the commit, and their group with them', async () => {
    const world = await GroupWorld.started({ 'offsets.retention.minutes': '60' })
    await tool(world).commit('t', 0, 5)
    await world.host.advance(HOUR_MS / 2)
    await tool(world).commit('t', 1, 6)
    await world.host.advance(HOUR_MS / 2 + 600_000)
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(-1)
    expect(await committedOffset(world, 'g', 't', 1)).to.equal(6)
    await world.host.advance(HOUR_MS)
    expect(world.state.groups.get('g')).to.equal(undefined)
    await world.restart()
    expect(world.state.groups.size).to.equal(0)
  })

  it('of a group with members never expire, and count from when the group went empty', async () => {
    const world = await GroupWorld.started({
      'offsets.retention.minutes': '60',
      'group.max.session.timeout.ms': '100000000',
    })
    const member = new ClassicClient(world, 'g', 'a', { sessionTimeoutMs: 50_000_000, protocolType: 'connect' })
    await world.host.settle(member.enter())
    await member.sync([])
    await member.commit('t', 0, 5)
    await world.host.advance(3 * HOUR_MS)
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(5)
    await member.leave()
    await world.host.advance(HOUR_MS / 2)
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(5)
    await world.host.advance(HOUR_MS)
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(-1)
  })

  it('are deleted on demand, but not where the group reads the topic', async () => {
    const world = await GroupWorld.started()
    const version = Buffer.from('00000000000100017400000000', 'hex')
    const member = new ClassicClient(world, 'g', 'a', { protocols: [{ name: 'range', metadata: version }] })
    await world.host.settle(member.enter())
    await member.sync([])
    await member.commit('t', 0, 5)
    await member.commit('u', 0, 6)
    const topics = ['t', 'u'].map((name) => ({ name, partitions: [{ partitionIndex: 0 }] }))
    const outcome = await world.coordinator.deleteOffsets({ groupId: 'g', topics })
    if (isRejection(outcome)) throw new Error(outcome.error)
    const codes = outcome.topics.map(({ partitions }) => partitions[0]!.errorCode)
    expect(codes).to.deep.equal([errorCode('GROUP_SUBSCRIBED_TO_TOPIC'), 0])
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(5)
    expect(await committedOffset(world, 'g', 'u', 0)).to.equal(-1)
  })

  it('go with their group, which must be empty', async () => {
    const world = await GroupWorld.started()
    await tool(world).commit('t', 0, 5)
    const member = new ClassicClient(world, 'busy', 'a')
    await world.host.settle(member.enter())
    expect(await world.coordinator.deleteGroups(['g', 'busy', 'none'])).to.deep.equal([
      { groupId: 'g', errorCode: 0 },
      { groupId: 'busy', errorCode: errorCode('NON_EMPTY_GROUP') },
      { groupId: 'none', errorCode: errorCode('GROUP_ID_NOT_FOUND') },
    ])
    expect(world.state.groups.get('g')).to.equal(undefined)
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(-1)
  })
})

describe('offsets in a transaction', () => {
  it('count once it commits; until then require stable says that they may change', async () => {
    const world = await GroupWorld.started()
    await tool(world).commit('t', 0, 1)
    expect(await commitInTransaction(world, 7, 10)).to.equal(0)
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(1)
    expect(await stableOffset(world)).to.equal('unstable')
    await world.restart()
    expect(await stableOffset(world)).to.equal('unstable')
    await endTransaction(world, 7, 'commit')
    expect(await stableOffset(world)).to.equal(10)
    await world.restart()
    expect(await stableOffset(world)).to.equal(10)
  })

  it('are dropped when it aborts', async () => {
    const world = await GroupWorld.started()
    await tool(world).commit('t', 0, 1)
    await commitInTransaction(world, 7, 10)
    await endTransaction(world, 7, 'abort')
    expect(await stableOffset(world)).to.equal(1)
  })

  it('do not undo a later commit', async () => {
    const world = await GroupWorld.started()
    await commitInTransaction(world, 7, 10)
    await tool(world).commit('t', 0, 20)
    await endTransaction(world, 7, 'commit')
    expect(await stableOffset(world)).to.equal(20)
  })

  it('go with a deletion of the group', async () => {
    const world = await GroupWorld.started()
    await commitInTransaction(world, 7, 10)
    await world.coordinator.deleteGroups(['g'])
    await endTransaction(world, 7, 'commit')
    expect(await stableOffset(world)).to.equal(-1)
  })
})
