import { ConsumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { LeaveGroup } from '../../protocol/apis/leave-group.ts'
import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { subscriptionTo } from '../../src/coordinator/classic-consumer.fixture.ts'
import { readAssignment, writeAssignment } from '../../src/coordinator/group/classic/consumer-subscription.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import type { GroupClient } from './coordinator-client.ts'
import type { GroupLedger, KnownLife } from './group-ledger.ts'
import { ConnectionLost } from './simulated-broker.ts'
import { check } from './storage-model.ts'

export const TOPIC = 't'
export const PARTITIONS = 6
export const SESSION_MS = 10_000

export interface MemberPlace {
  readonly client: GroupClient
  readonly random: SeededRandom
  readonly ledger: GroupLedger
  readonly groupId: string
  readonly name: string
  readonly instanceId: string | null
}

/** Another broker coordinates, or none does now. */
const astray = new Set(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE'])
/** The member is behind or the coordinator unavailable: the next heartbeat tells what to do. */
const transient = new Set([
  ...astray,
  ...['COORDINATOR_LOAD_IN_PROGRESS', 'UNKNOWN_SERVER_ERROR'],
  ...['REBALANCE_IN_PROGRESS', 'STALE_MEMBER_EPOCH', 'UNSTABLE_OFFSET_COMMIT', 'UNKNOWN_TOPIC_OR_PARTITION'],
  ...['KAFKA_STORAGE_ERROR', 'NOT_LEADER_OR_FOLLOWER', 'REQUEST_TIMED_OUT'],
])
/** The member was removed or replaced. */
const fenced = new Set([
  ...['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID', 'FENCED_MEMBER_EPOCH', 'GROUP_ID_NOT_FOUND'],
  'UNRELEASED_INSTANCE_ID',
])

/** A consumer that takes one step at a time. If the broker ends, the current step fails and the consumer goes on. */
export abstract class SimulatedMember {
  memberId = ''
  generation = -1
  /** Assigned partitions with the next offset; undefined: not fetched yet. */
  readonly positions = new Map<number, number | undefined>()
  /** Life of the group that it joined last. */
  #life: KnownLife['life']
  protected readonly place: MemberPlace
  #isBusy = false
  /** It must look for its coordinator. */
  #isAstray = false

  constructor(place: MemberPlace) {
    this.place = place
    this.#life = place.ledger.known(place.groupId).life
  }

  /** Whether it is in a generation and has its whole assignment. */
  abstract readonly isSettled: boolean
  protected abstract step(): Promise<void>
  abstract leave(): Promise<void>
  protected abstract reset(): void

  /** Takes the next step unless it waits for a response. `failed` gets unexpected errors. */
  act(failed: (error: unknown) => void): void {
    if (this.#isBusy) return
    this.#isBusy = true
    this.#tryStep()
      .catch((error) => {
        if (!(error instanceof ConnectionLost)) failed(error)
      })
      .finally(() => {
        this.#isBusy = false
      })
  }

  async #tryStep(): Promise<void> {
    try {
      await this.step()
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
      this.#isAstray = true
    }
    if (!this.#isAstray) return
    // If nobody tells, the last known coordinator is asked again, and sends the member astray again.
    this.#isAstray = false
    await this.place.client.lookAgain()
  }

  /** It is in a generation now; known: when it asked to join. */
  protected joined(generation: number, known: KnownLife): void {
    this.generation = generation
    this.#life = this.place.ledger.joined(this.place.groupId, generation, known)
  }

  /** It has its assignment in this generation. */
  protected hasAssignment(): void {
    this.place.ledger.assigned(this.#life, this.generation)
  }

  protected owns(partitions: readonly number[]): void {
    for (const partition of [...this.positions.keys()]) {
      if (!partitions.includes(partition)) this.positions.delete(partition)
    }
    for (const partition of partitions) if (!this.positions.has(partition)) this.positions.set(partition, undefined)
  }

  /** True if the response is a success. */
  protected isFine(code: number): boolean {
    const error = errorName(code)
    if (error === 'NONE') return true
    check(transient.has(error) || fenced.has(error), `${this.place.name} was answered ${error}`)
    if (fenced.has(error)) this.reset()
    if (astray.has(error)) this.#isAstray = true
    return false
  }

  /** Fetches the committed offset, or commits progress. */
  protected async work(): Promise<void> {
    const unknown = [...this.positions].filter(([, offset]) => offset === undefined).map(([partition]) => partition)
    if (unknown.length > 0) await this.#fetchPositions(unknown)
    else if (this.positions.size > 0) await this.#commit(this.place.random.pick([...this.positions.keys()]))
  }

  async #fetchPositions(partitionIndexes: readonly number[]): Promise<void> {
    const { client, groupId, ledger } = this.place
    const known = ledger.knownOffsets(groupId)
    const topics = [{ name: TOPIC, topicId: ZERO_UUID, partitionIndexes }]
    const groups = [{ groupId, memberId: this.memberId, memberEpoch: this.generation, topics }]
    const { generation } = this
    const answer = await client.ask(OffsetFetch, 9, { groupId: '', topics: [], groups, requireStable: true })
    const group = answer.groups[0]!
    if (!this.isFine(group.errorCode) || generation !== this.generation) return
    for (const { partitionIndex, committedOffset, errorCode } of group.topics[0]!.partitions) {
      if (!this.isFine(errorCode)) return
      ledger.fetched(groupId, partitionIndex, committedOffset, known)
      if (this.positions.has(partitionIndex)) this.positions.set(partitionIndex, Math.max(0, committedOffset))
    }
  }

  async #commit(partitionIndex: number): Promise<void> {
    const { client, groupId, ledger, random, instanceId: groupInstanceId } = this.place
    const { memberId, generation } = this
    const committedOffset = this.positions.get(partitionIndex)! + 1 + random.below(3)
    // A static member that rejoins is the same member with another id.
    const committer = { memberId: groupInstanceId ?? memberId, life: this.#life }
    const commit = { groupId, generation, partition: partitionIndex, offset: committedOffset, ...committer }
    ledger.sent(commit)
    const known = ledger.known(groupId)
    // Without a response the committed offset is unknown: it must be fetched.
    this.positions.set(partitionIndex, undefined)
    const partition = { partitionIndex, committedOffset, committedLeaderEpoch: -1, commitTimestamp: -1 }
    const topics = [{ name: TOPIC, topicId: ZERO_UUID, partitions: [{ ...partition, committedMetadata: '' }] }]
    const member = { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generation }
    const answer = await client.ask(OffsetCommit, 9, { ...member, retentionTimeMs: -1, topics })
    if (!this.isFine(answer.topics[0]!.partitions[0]!.errorCode)) return
    ledger.committed(commit, known)
    if (this.positions.has(partitionIndex)) this.positions.set(partitionIndex, committedOffset)
  }
}

/** Member of the classic protocol with eager rebalancing; the leader assigns round robin. */
export class SimulatedClassicMember extends SimulatedMember {
  #state: 'out' | 'joined' | 'working' = 'out'
  #others: readonly { readonly memberId: string }[] = []

  get isSettled(): boolean {
    return this.#state === 'working'
  }

  protected async step(): Promise<void> {
    if (this.#state === 'out') await this.#join()
    else if (this.#state === 'joined') await this.#sync()
    else if (this.place.random.oneIn(2)) await this.work()
    else await this.#beat()
  }

  async leave(): Promise<void> {
    if (this.memberId === '') return
    const { client, groupId, instanceId: groupInstanceId } = this.place
    const members = [{ memberId: this.memberId, groupInstanceId, reason: null }]
    this.reset()
    await client.ask(LeaveGroup, 5, { groupId, memberId: '', members })
  }

  protected reset(): void {
    this.memberId = ''
    this.generation = -1
    this.#stop()
  }

  #stop(): void {
    this.#state = 'out'
    this.owns([])
  }

  get #claim() {
    const { groupId, instanceId: groupInstanceId } = this.place
    return { groupId, memberId: this.memberId, generationId: this.generation, groupInstanceId }
  }

  async #join(): Promise<void> {
    const { client, groupId, ledger, instanceId: groupInstanceId } = this.place
    const known = ledger.known(groupId)
    const joined = await client.ask(JoinGroup, 9, {
      ...{ groupId, memberId: this.memberId, groupInstanceId, protocolType: 'consumer', reason: null },
      ...{ sessionTimeoutMs: SESSION_MS, rebalanceTimeoutMs: SESSION_MS },
      protocols: [{ name: 'range', metadata: subscriptionTo(TOPIC) }],
    })
    if (errorName(joined.errorCode) === 'MEMBER_ID_REQUIRED') {
      this.memberId = joined.memberId
      return
    }
    if (!this.isFine(joined.errorCode)) return
    this.memberId = joined.memberId
    this.joined(joined.generationId, known)
    const leads = joined.leader === joined.memberId && !joined.skipAssignment
    this.#others = leads ? joined.members : []
    this.#state = 'joined'
  }

  async #sync(): Promise<void> {
    const assignments = this.#others.map(({ memberId }, i) => {
      const partitions = Array.from({ length: PARTITIONS }, (_, each) => each).filter(
        (each) => each % this.#others.length === i,
      )
      const assignedPartitions = [{ topic: TOPIC, partitions }]
      return { memberId, assignment: writeAssignment({ assignedPartitions, userData: null }, 1) }
    })
    const wish = { protocolType: 'consumer', protocolName: 'range', assignments }
    const synced = await this.place.client.ask(SyncGroup, 5, { ...this.#claim, ...wish })
    if (!this.isFine(synced.errorCode)) return this.#stop()
    const assigned = synced.assignment.length === 0 ? [] : readAssignment(synced.assignment).assignedPartitions
    this.owns(assigned.flatMap(({ partitions }) => [...partitions]))
    this.hasAssignment()
    this.#state = 'working'
  }

  async #beat(): Promise<void> {
    const { errorCode } = await this.place.client.ask(Heartbeat, 4, this.#claim)
    if (errorName(errorCode) === 'REBALANCE_IN_PROGRESS') this.#stop()
    else this.isFine(errorCode)
  }
}

/** Member of the consumer protocol that applies assignments at once. */
export class SimulatedConsumerMember extends SimulatedMember {
  #topicId = ZERO_UUID
  #isNew = true
  #hasAnswer = false

  get isSettled(): boolean {
    return this.generation > 0 && !this.#isNew
  }

  protected async step(): Promise<void> {
    if (this.generation > 0 && this.place.random.oneIn(2)) await this.work()
    else await this.#beat()
  }

  async leave(): Promise<void> {
    if (this.generation <= 0) return
    const { client, groupId, instanceId } = this.place
    const memberEpoch = instanceId !== null && this.place.random.oneIn(2) ? -2 : -1
    const { memberId } = this
    this.reset()
    await client.ask(ConsumerGroupHeartbeat, 1, { groupId, memberId, instanceId, memberEpoch })
  }

  protected reset(): void {
    this.generation = 0
    this.#isNew = true
    this.#hasAnswer = false
    this.owns([])
  }

  async #beat(): Promise<void> {
    const { client, groupId, instanceId, ledger, name } = this.place
    const known = this.generation <= 0 ? ledger.known(groupId) : undefined
    this.memberId = name
    // A member that missed a response sends all fields and gets its whole assignment again.
    const wish = this.#hasAnswer ? {} : { rebalanceTimeoutMs: SESSION_MS, subscribedTopicNames: [TOPIC] }
    this.#hasAnswer = false
    const partitions = [...this.positions.keys()]
    const answer = await client.ask(ConsumerGroupHeartbeat, 1, {
      ...{ groupId, memberId: name, instanceId, memberEpoch: Math.max(0, this.generation) },
      ...wish,
      topicPartitions: partitions.length === 0 ? [] : [{ topicId: this.#topicId, partitions }],
    })
    if (!this.isFine(answer.errorCode)) return
    this.#hasAnswer = true
    if (known === undefined) this.generation = answer.memberEpoch
    else this.joined(answer.memberEpoch, known)
    this.hasAssignment()
    this.#isNew = answer.assignment !== null
    if (answer.assignment === null) return
    for (const { topicId } of answer.assignment.topicPartitions) this.#topicId = topicId
    this.owns(answer.assignment.topicPartitions.flatMap(({ partitions: each }) => [...each]))
  }
}
