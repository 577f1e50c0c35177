import { ConsumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { InputValue } from '../../protocol/schema.ts'
import type { RawClient } from '../raw-client.ts'

const TIMEOUT_MS = 60_000
const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000'

/** Origin of a commit: outside the group, or a member with its generation or epoch. */
export interface Committer {
  readonly groupId: string
  readonly memberId?: string
  readonly groupInstanceId?: string | null
  readonly generationIdOrMemberEpoch?: number
}

/** Commits one offset; resolves to the name of the error, NONE if there was none. */
export async function commitOffset(
  client: RawClient,
  by: Committer,
  topic: string,
  partitionIndex: number,
  committedOffset: number,
  note = '',
): Promise<string> {
  const partition = { partitionIndex, committedOffset, committedLeaderEpoch: 0, commitTimestamp: -1 }
  const topics = [{ name: topic, topicId: NO_TOPIC_ID, partitions: [{ ...partition, committedMetadata: note }] }]
  const request = { memberId: '', retentionTimeMs: -1, ...by, topics }
  const response = await client.send(OffsetCommit, 9, request)
  return errorName(response.topics[0]!.partitions[0]!.errorCode)
}

/** A member of a classic group, independent of its connection so that it can outlast a broker. */
export class ClassicMember {
  readonly groupId: string
  readonly topic: string
  readonly instanceId: string | null
  memberId = ''
  generationId = -1

  constructor(groupId: string, topic: string, instanceId: string | null = null) {
    this.groupId = groupId
    this.topic = topic
    this.instanceId = instanceId
  }

  get #claim() {
    const { groupId, memberId, generationId } = this
    return { groupId, memberId, generationId, groupInstanceId: this.instanceId }
  }

  get committer(): Committer {
    const { groupId, memberId, instanceId: groupInstanceId, generationId: generationIdOrMemberEpoch } = this
    return { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch }
  }

  /** Joins and syncs; the leader gets all partitions. Resolves to the name of the error, NONE if there was none. */
  async enter(client: RawClient, partitions: readonly number[]): Promise<string> {
    const joined = await client.send(JoinGroup, 7, {
      groupId: this.groupId,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      sessionTimeoutMs: TIMEOUT_MS,
      rebalanceTimeoutMs: TIMEOUT_MS,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscriptionOf(this.topic) }],
    })
    this.memberId = joined.memberId
    if (errorName(joined.errorCode) === 'MEMBER_ID_REQUIRED') return this.enter(client, partitions)
    if (joined.errorCode !== 0) return errorName(joined.errorCode)
    this.generationId = joined.generationId
    const assignment = assignmentOf(this.topic, partitions)
    const assignments = joined.members.map(({ memberId }) => ({ memberId, assignment }))
    return errorName((await client.send(SyncGroup, 4, { ...this.#claim, assignments })).errorCode)
  }

  async beat(client: RawClient): Promise<string> {
    return errorName((await client.send(Heartbeat, 3, this.#claim)).errorCode)
  }
}

type Beat = InputValue<typeof ConsumerGroupHeartbeat.request.fields>

/** A member of the consumer protocol that applies assignments at once, also independent of its connection. */
export class ConsumerMember {
  readonly groupId: string
  readonly memberId: string
  memberEpoch = 0
  heartbeatIntervalMs = -1
  owned: { topicId: string; partitions: number[] }[] = []
  readonly #wish: Partial<Beat>

  constructor(groupId: string, memberId: string, wish: Partial<Beat>) {
    this.groupId = groupId
    this.memberId = memberId
    this.#wish = wish
  }

  get partitionCount(): number {
    return this.owned.reduce((sum, { partitions }) => sum + partitions.length, 0)
  }

  get committer(): Committer {
    return { groupId: this.groupId, memberId: this.memberId, generationIdOrMemberEpoch: this.memberEpoch }
  }

  /** Sends a heartbeat. Resolves to the name of the error, NONE if there was none. */
  async beat(client: RawClient): Promise<string> {
    const { groupId, memberId, memberEpoch, owned: topicPartitions } = this
    const first = { ...this.#wish, rebalanceTimeoutMs: TIMEOUT_MS, topicPartitions: [] }
    const instanceId = this.#wish.instanceId ?? null
    const wish = memberEpoch === 0 ? first : { instanceId, topicPartitions }
    const response = await client.send(ConsumerGroupHeartbeat, 1, { groupId, memberId, memberEpoch, ...wish })
    if (response.errorCode !== 0) return errorName(response.errorCode)
    this.memberEpoch = response.memberEpoch
    this.heartbeatIntervalMs = response.heartbeatIntervalMs
    if (response.assignment !== null) {
      this.owned = response.assignment.topicPartitions.map(({ topicId, partitions }) => ({
        topicId,
        partitions: [...partitions],
      }))
    }
    return 'NONE'
  }
}

/** ConsumerProtocolSubscription v0 to one topic. */
function subscriptionOf(topic: string): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 0, 1, 0, topic.length])
  return Buffer.concat([head, Buffer.from(topic), Buffer.from([255, 255, 255, 255])])
}

/** ConsumerProtocolAssignment v0 with partitions of one topic. */
function assignmentOf(topic: string, partitions: readonly number[]): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 0, 1, 0, topic.length])
  const numbers = Buffer.alloc(4 * partitions.length + 8)
  numbers.writeInt32BE(partitions.length, 0)
  for (const [i, partition] of partitions.entries()) numbers.writeInt32BE(partition, 4 + 4 * i)
  numbers.writeInt32BE(-1, 4 + 4 * partitions.length)
  return Buffer.concat([head, Buffer.from(topic), numbers])
}
