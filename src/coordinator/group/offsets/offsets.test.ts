import { expect } from 'chai'
import { errorCode, isRejection } from '../../../../protocol/error-codes.ts'
import type { VerificationGuard } from '../../../../storage/partition-log.ts'
import { ConsumerClient, settleGroup } from '../../consumer-client.fixture.ts'
import { ClassicClient, committedOffset, GroupWorld, topicIdOf } from '../../group-world.fixture.ts'
import type { TransactionEnd } from '../../state-log.ts'

const HOUR_MS = 3_600_000
/** Session timeout of one day, so that members need no heartbeat; the broker allows it. */
const LONG_SESSION = { sessionTimeoutMs: 86_400_000 }
const LONG_SESSIONS = {
  'group.max.session.timeout.ms': '86400000',
  'group.consumer.max.session.timeout.ms': '86400000',
  'group.consumer.session.timeout.ms': '86400000',
}
/** ConsumerProtocolSubscription v0 to topic t. */
const readsT = { name: 'range', metadata: Buffer.from('00000000000100017400000000', 'hex') }

function tool(world: GroupWorld, groupId = 'g'): ClassicClient {
  return new ClassicClient(world, groupId, 'tool')
}

/** Commits an offset of partition 0. Returns the error code, of the log's refusal too. */
async function commitInTransaction(
  world: GroupWorld,
  producerId: number,
  offset: number,
  { producerEpoch = 0, verification }: { producerEpoch?: number; verification?: VerificationGuard | null } = {},
): Promise<number> {
  const partition = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: null }
  const outcome = await world.coordinator.commitOffsetsInTransaction(
    {
      transactionalId: 'tx',
      groupId: 'g',
      producerId,
      producerEpoch,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: 't', topicId: topicIdOf('t'), partitions: [partition] }],
    },
    5,
    verification,
  )
  return isRejection(outcome) ? outcome.code : outcome[0]!.partitions[0]!.errorCode
}

function endTransaction(
  world: GroupWorld,
  producerId: number,
  result: 'commit' | 'abort',
  changes: Partial<TransactionEnd> = {},
) {
  const end = { producerId, producerEpoch: 0, coordinatorEpoch: 0, transactionVersion: 0, result, ...changes }
  return world.coordinator.endTransaction(0, end)
}

async function stableOffset(world: GroupWorld): Promise<number | string> {
  const topics = [{ name: 't', topicId: topicIdOf('t'), partitionIndexes: [0] }]
  const outcome = await world.coordinator.fetchOffsets({ groupId: 'g', memberId: null, memberEpoch: -1, topics }, true)
  if (isRejection(outcome)) return outcome.error
  const [partition] = outcome.topics[0]!.partitions
  return partition!.errorCode === errorCode('UNSTABLE_OFFSET_COMMIT') ? 'unstable' : partition!.committedOffset
}

/** Keys that remain after compaction: those whose last record has a value. */
function keysAfterCompaction({ log }: GroupWorld): string[] {
  const last = new Map(log.records.map(({ key, value }) => [key.toString('hex'), value]))
  return [...last].filter(([, value]) => value !== null).map(([key]) => Buffer.from(key, 'hex').toString('latin1'))
}

/** Commit identity for a member of the consumer protocol. */
function asClassic({ memberId, memberEpoch }: ConsumerClient): { memberId: string; generationId: number } {
  return { memberId, generationId: memberEpoch }
}

describe('committed offsets', () => {
  it('exist for a group without members, and a missing one is no error', async () => {
    const world = await GroupWorld.started()
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(-1)
    expect(await tool(world).commit('t', 0, 5)).to.equal(0)
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(5)
    expect(world.state.groups.classic('g')).to.include({ isSimple: true, state: 'Empty' })
  })

  it('of a recreated topic are not those of the old one', async () => {
    const world = await GroupWorld.started()
    world.setTopic('t', 1)
    await tool(world).commit('t', 0, 5)
    // The coordinator is not told of the deletion, as when it learns of it later.
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
    expect(await commit('abcd')).to.equal(errorCode('OFFSET_METADATA_TOO_LARGE'))
    expect(world.state.groups.get('g'), 'a group that holds nothing').to.equal(undefined)
    expect(await commit('abc')).to.equal(0)
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
    const world = await GroupWorld.started({ 'offsets.retention.minutes': '60', ...LONG_SESSIONS })
    const member = new ClassicClient(world, 'g', 'a', { ...LONG_SESSION, protocolType: 'connect' })
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

  it('of a group with consumers expire where none of them reads the topic', async () => {
    const world = await GroupWorld.started({ 'offsets.retention.minutes': '60', ...LONG_SESSIONS })
    for (const topic of ['t', 'u']) world.setTopic(topic, 1)
    const classic = new ClassicClient(world, 'classic', 'a', { ...LONG_SESSION, protocols: [readsT] })
    await world.host.settle(classic.enter())
    await classic.sync([])
    const modern = new ConsumerClient(world, 'modern', 'b', { topics: ['t'] })
    await settleGroup(world, [modern])
    const commits = [classic, Object.assign(new ClassicClient(world, 'modern', 'b'), asClassic(modern))]
    for (const by of commits) for (const topic of ['t', 'u']) expect(await by.commit(topic, 0, 5)).to.equal(0)
    await world.host.advance(2 * HOUR_MS)
    for (const { groupId } of commits) {
      expect(await committedOffset(world, groupId, 't', 0), groupId).to.equal(5)
      expect(await committedOffset(world, groupId, 'u', 0), groupId).to.equal(-1)
    }
  })

  it('of a group of the consumer protocol expire once it is empty, and the whole group with them', async () => {
    const world = await GroupWorld.started({ 'offsets.retention.minutes': '60' })
    world.setTopic('t', 2)
    const member = new ConsumerClient(world, 'g', 'a', { regex: 't.*' })
    await settleGroup(world, [member])
    expect(await Object.assign(tool(world), asClassic(member)).commit('t', 0, 5)).to.equal(0)
    await member.leave()
    await world.host.advance(HOUR_MS / 2)
    expect(await committedOffset(world, 'g', 't', 0)).to.equal(5)
    await world.host.advance(HOUR_MS)
    expect(world.state.groups.size).to.equal(0)
    expect(keysAfterCompaction(world)).to.deep.equal([])
  })

  it('expire when an old client requests it, whatever offsets.retention.minutes says', async () => {
    const world = await GroupWorld.started({ 'offsets.retention.minutes': '60' })
    const partition = { partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: -1, commitTimestamp: -1 }
    const topics = [{ name: 't', topicId: topicIdOf('t'), partitions: [{ ...partition, committedMetadata: '' }] }]
    for (const [groupId, retentionTimeMs] of [
      ['short', HOUR_MS / 4],
      ['long', 3 * HOUR_MS],
    ] as const) {
      const nobody = { memberId: '', groupInstanceId: null, generationIdOrMemberEpoch: -1 }
      await world.coordinator.commitOffsets({ groupId, ...nobody, retentionTimeMs, topics }, 4)
    }
    const both = async () => [
      await committedOffset(world, 'short', 't', 0),
      await committedOffset(world, 'long', 't', 0),
    ]
    await world.host.advance(HOUR_MS / 2)
    expect(await both()).to.deep.equal([-1, 5])
    await world.restart()
    await world.host.advance(2 * HOUR_MS)
    expect(await both()).to.deep.equal([-1, 5])
    await world.host.advance(HOUR_MS)
    expect(await both()).to.deep.equal([-1, -1])
  })

  it('leave nothing but tombstones when groups of both protocols are deleted', async () => {
    const world = await GroupWorld.started()
    world.setTopic('t', 2)
    const classic = new ClassicClient(world, 'classic', 'a')
    await world.host.settle(classic.enter())
    await classic.sync([])
    await classic.commit('t', 0, 5)
    await classic.leave()
    const modern = new ConsumerClient(world, 'modern', 'b', { regex: 't.*' })
    await settleGroup(world, [modern])
    expect(await Object.assign(tool(world, 'modern'), asClassic(modern)).commit('t', 1, 6)).to.equal(0)
    await modern.leave()
    await tool(world, 'simple').commit('t', 0, 7)
    expect(keysAfterCompaction(world)).not.to.deep.equal([])
    const names = ['classic', 'modern', 'simple']
    const outcomes = await world.coordinator.deleteGroups(names)
    expect(outcomes).to.deep.equal(names.map((groupId) => ({ groupId, errorCode: 0 })))
    expect(keysAfterCompaction(world)).to.deep.equal([])
    await world.restart()
    expect(world.state.groups.size).to.equal(0)
  })

  it('are deleted on request, but not if the group subscribes to the topic', async () => {
    const world = await GroupWorld.started()
    const member = new ClassicClient(world, 'g', 'a', { protocols: [readsT] })
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
  it('take effect once it commits; until then they are unstable for require stable', async () => {
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
  it('are refused without the guard of their verification, which changes nothing', async () => {
    const world = await GroupWorld.started()
    const { coordinator, state } = world
    const producer = { producerId: 7, producerEpoch: 0, bumpsEpoch: true }
    expect(await commitInTransaction(world, 7, 10, { verification: null })).to.equal(errorCode('INVALID_TXN_STATE'))
    expect([world.log.records.length, await stableOffset(world)]).to.deep.equal([0, -1])
    const guard = coordinator.beginVerification('g', producer)
    if (guard === undefined || guard instanceof Promise || isRejection(guard)) throw new Error('there is no guard')
    expect(await commitInTransaction(world, 7, 10, { verification: guard })).to.equal(0)
    expect(coordinator.beginVerification('g', producer)).to.equal(undefined)
    expect(await commitInTransaction(world, 7, 11, { verification: null })).to.equal(0)
    await endTransaction(world, 7, 'commit', { producerEpoch: 1, transactionVersion: 2 })
    expect(await stableOffset(world)).to.equal(11)
    expect(world.state).to.equal(state)
  })

  it('stay pending if a stale producer or coordinator would change them, and nothing is reloaded', async () => {
    const world = await GroupWorld.started()
    const { state } = world
    await commitInTransaction(world, 7, 10, { producerEpoch: 1 })
    await endTransaction(world, 7, 'abort', { producerEpoch: 1, coordinatorEpoch: 3 })
    await commitInTransaction(world, 7, 20, { producerEpoch: 1 })
    const { length } = world.log.records
    const codeOf = async (changes: Partial<TransactionEnd>) => {
      const outcome = await endTransaction(world, 7, 'commit', changes)
      return isRejection(outcome) ? outcome.error : undefined
    }
    expect(await commitInTransaction(world, 7, 30)).to.equal(errorCode('INVALID_PRODUCER_EPOCH'))
    expect(await codeOf({ coordinatorEpoch: 3 })).to.equal('INVALID_PRODUCER_EPOCH')
    expect(await codeOf({ producerEpoch: 1, coordinatorEpoch: 2 })).to.equal('TRANSACTION_COORDINATOR_FENCED')
    expect(await codeOf({ producerEpoch: 1, coordinatorEpoch: 3, transactionVersion: 2 })).to.equal(
      'INVALID_PRODUCER_EPOCH',
    )
    expect(world.log.records.length).to.equal(length)
    expect(await stableOffset(world)).to.equal('unstable')
    expect(await codeOf({ producerEpoch: 1, coordinatorEpoch: 3 })).to.equal(undefined)
    expect(await stableOffset(world)).to.equal(20)
    expect(world.state).to.equal(state)
  })

  it('are not verified without a group, nor by a coordinator that has stopped', async () => {
    const world = await GroupWorld.started()
    const producer = { producerId: 7, producerEpoch: 0, bumpsEpoch: false }
    const errorOf = async (groupId: string) => {
      const begun = await world.coordinator.beginVerification(groupId, producer)
      return isRejection(begun) ? begun.error : undefined
    }
    expect(world.coordinator.partitionOf('g')).to.equal(0)
    expect(await errorOf('')).to.equal('INVALID_GROUP_ID')
    world.coordinator.stop()
    expect(await errorOf('g')).to.equal('COORDINATOR_NOT_AVAILABLE')
  })
})
