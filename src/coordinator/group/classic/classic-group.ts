import type { JoinGroupResponse } from '../../../../protocol/apis/join-group.ts'
import type { SyncGroupResponse } from '../../../../protocol/apis/sync-group.ts'
import { errorCode, type Rejection, reject } from '../../../../protocol/error-codes.ts'
import {
  GroupMetadataRecord,
  type GroupMetadataValue,
} from '../../../../protocol/internal-records/classic-group-records.ts'
import { invariant } from '../../../../protocol/invariant.ts'
import { type CoordinatorRecord, record, tombstone } from '../../coordinator-record.ts'
import { javaBucket } from '../../java-hash.ts'
import {
  anyPartition,
  CONSUMER_PROTOCOL_TYPE,
  type CommitOrigin,
  type CommonGroup,
  type PartitionCheck,
  type RetentionBase,
} from '../common-group.ts'
import { addCount } from '../consumer/subscription-counts.ts'
import { type ClassicMember, type MemberProtocol, metadataUnder, noAssignment } from './classic-member.ts'
import { subscribedTopics } from './consumer-subscription.ts'

export type ClassicGroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

const previousStates: Readonly<Record<ClassicGroupState, readonly ClassicGroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
}

/** Version in which Kafka 4.4 writes GroupMetadata. Source: GroupCoordinatorRecordHelpers. */
const GROUP_METADATA_VERSION = 3

/** State of a group at creation. */
export interface ClassicGroupOrigin {
  readonly state: ClassicGroupState
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leaderId: string | null
  /** Undefined in groups written by Kafka 2.0 and older. */
  readonly stateTimestampMs: number | undefined
}

/** Group of the classic protocol: its members and the state of its rebalance. Source: ClassicGroup. */
export class ClassicGroup implements CommonGroup {
  readonly kind = 'classic'
  readonly groupId: string
  readonly members = new Map<string, ClassicMember>()
  /** Members that have received a member id and not yet joined with it (KIP-394). */
  readonly pendingJoinMembers = new Set<string>()
  /** Members of this generation that have not sent SyncGroup yet. */
  readonly pendingSyncMembers = new Set<string>()
  state: ClassicGroupState
  previousState: ClassicGroupState = 'Dead'
  generationId: number
  protocolType: string | null
  protocolName: string | null
  leaderId: string | null
  stateTimestampMs: number | undefined
  /** A member joined during the delay of the initial rebalance. */
  newMemberAdded = false
  /** Undefined if the members' metadata does not contain topics. */
  topics: ReadonlySet<string> | undefined
  awaitingJoinCount = 0
  readonly #instances = new Map<string, string>()
  /** Number of members that support each protocol. */
  readonly #support = new Map<string, number>()

  constructor(groupId: string, origin: ClassicGroupOrigin) {
    this.groupId = groupId
    this.state = origin.state
    this.generationId = origin.generationId
    this.protocolType = origin.protocolType
    this.protocolName = origin.protocolName
    this.leaderId = origin.leaderId
    this.stateTimestampMs = origin.stateTimestampMs
  }

  static empty(groupId: string, nowMs: number): ClassicGroup {
    const nobody = { generationId: 0, protocolType: null, protocolName: null, leaderId: null }
    return new ClassicGroup(groupId, { state: 'Empty', ...nobody, stateTimestampMs: nowMs })
  }

  get stateName(): string {
    return this.state
  }
  get isEmpty(): boolean {
    return this.state === 'Empty'
  }
  /** Holds only offsets committed from outside the group. */
  get isSimple(): boolean {
    return this.protocolType === null && this.isEmpty && this.pendingJoinMembers.size === 0
  }
  get isOfConsumers(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE
  }
  /** Names of protocols that at least one member supports. */
  get offeredProtocols(): IterableIterator<string> {
    return this.#support.keys()
  }
  get staticMemberCount(): number {
    return this.#instances.size
  }

  isIn(...states: readonly ClassicGroupState[]): boolean {
    return states.includes(this.state)
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#instances.get(groupInstanceId)
  }

  transitionTo(state: ClassicGroupState, nowMs: number): void {
    invariant(previousStates[state].includes(this.state), `group ${this.groupId} goes from ${this.state} to ${state}`)
    this.previousState = this.state
    this.state = state
    this.stateTimestampMs = nowMs
  }

  get canRebalance(): boolean {
    return previousStates.PreparingRebalance.includes(this.state)
  }

  add(member: ClassicMember): void {
    if (member.groupInstanceId !== null) {
      invariant(!this.#instances.has(member.groupInstanceId), `${member.groupInstanceId} is a member already`)
      this.#instances.set(member.groupInstanceId, member.memberId)
    }
    if (this.members.size === 0) this.protocolType = member.protocolType
    this.leaderId ??= member.memberId
    this.members.set(member.memberId, member)
    this.#countProtocols(member, 1)
    if (member.awaitingJoin !== undefined) this.awaitingJoinCount++
    this.pendingJoinMembers.delete(member.memberId)
  }

  remove(memberId: string): void {
    const member = this.members.get(memberId)
    if (member !== undefined) {
      this.members.delete(memberId)
      this.#countProtocols(member, -1)
      if (member.awaitingJoin !== undefined) this.awaitingJoinCount--
      if (member.groupInstanceId !== null) this.#instances.delete(member.groupInstanceId)
    }
    if (this.isLeader(memberId)) this.leaderId = this.members.keys().next().value ?? null
    this.pendingJoinMembers.delete(memberId)
    this.pendingSyncMembers.delete(memberId)
  }

  updateMember(
    member: ClassicMember,
    update: Pick<ClassicMember, 'protocols' | 'rebalanceTimeoutMs' | 'sessionTimeoutMs' | 'awaitingJoin'>,
  ): void {
    this.#countProtocols(member, -1)
    if (member.awaitingJoin !== undefined) this.awaitingJoinCount--
    Object.assign(member, update)
    this.#countProtocols(member, 1)
    if (member.awaitingJoin !== undefined) this.awaitingJoinCount++
  }

  /** Changes the member id of a static member; requests that wait under the old id are fenced. */
  replaceStaticMember(groupInstanceId: string, oldMemberId: string, newMemberId: string): ClassicMember {
    const old = this.members.get(oldMemberId)
    invariant(old !== undefined, `replaces ${oldMemberId}, which is no member`)
    const fenced = errorCode('FENCED_INSTANCE_ID')
    this.answerJoin(old, { errorCode: fenced, protocolName: null, leader: '', memberId: oldMemberId, members: [] })
    this.answerSync(old, { errorCode: fenced, assignment: noAssignment })
    this.members.delete(oldMemberId)
    const member = { ...old, memberId: newMemberId, awaitingJoin: undefined, awaitingSync: undefined, isNew: false }
    this.members.set(newMemberId, member)
    if (this.isLeader(oldMemberId)) this.leaderId = newMemberId
    this.#instances.set(groupInstanceId, newMemberId)
    return member
  }

  /** False if no member that can lead has joined. */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false
    if (this.members.get(this.leaderId)?.awaitingJoin !== undefined) return true
    for (const member of this.members.values()) {
      if (member.awaitingJoin === undefined) continue
      this.leaderId = member.memberId
      return true
    }
    return false
  }

  get hasAllMembersJoined(): boolean {
    return this.members.size === this.awaitingJoinCount && this.pendingJoinMembers.size === 0
  }

  /** Longest rebalance timeout of the members. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const { rebalanceTimeoutMs } of this.members.values()) longest = Math.max(longest, rebalanceTimeoutMs)
    return longest
  }

  /** Whether a member with these protocols is compatible with all current members. */
  supports(protocolType: string, protocols: readonly { readonly name: string }[]): boolean {
    if (this.isEmpty) return protocolType !== '' && protocols.length > 0
    return this.protocolType === protocolType && protocols.some(({ name }) => this.#isOfferedByAll(name))
  }

  /** Protocol with the most votes among those that all members support. */
  selectProtocol(): string {
    const votes = new Map<string, number>()
    for (const { protocols } of this.members.values()) {
      const vote = protocols.find(({ name }) => this.#isOfferedByAll(name))
      invariant(vote !== undefined, `members of ${this.groupId} have no protocol in common`)
      votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
    }
    // Break ties like Kafka: take the protocol that its hash map meets first.
    const inKafkasOrder = [...votes].sort(([a], [b]) => javaBucket(a) - javaBucket(b))
    return inKafkasOrder.reduce((best, each) => (each[1] > best[1] ? each : best))[0]
  }

  startGeneration(nowMs: number): void {
    this.generationId++
    this.protocolName = this.members.size === 0 ? null : this.selectProtocol()
    this.updateTopics()
    this.transitionTo(this.members.size === 0 ? 'Empty' : 'CompletingRebalance', nowMs)
    this.pendingSyncMembers.clear()
  }

  /** Reads the subscribed topics from the members' metadata. */
  updateTopics(): void {
    this.topics = this.isOfConsumers ? subscribedTopics(this.members.values(), this.protocolName) : undefined
  }

  /** Member data that the leader needs. */
  membersForLeader(): JoinGroupResponse['members'] {
    return [...this.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: metadataUnder(member, this.protocolName) ?? noAssignment,
    }))
  }

  answerJoin(member: ClassicMember, response: JoinGroupResponse): boolean {
    if (member.awaitingJoin === undefined) return false
    const answer = member.awaitingJoin
    member.awaitingJoin = undefined
    this.awaitingJoinCount--
    answer(response)
    return true
  }

  answerSync(member: ClassicMember, response: SyncGroupResponse): boolean {
    if (member.awaitingSync === undefined) return false
    const answer = member.awaitingSync
    member.awaitingSync = undefined
    answer(response)
    return true
  }

  /** Errors: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID. */
  validateMember(memberId: string, groupInstanceId: string | null): Rejection | undefined {
    if (groupInstanceId !== null) {
      const known = this.#instances.get(groupInstanceId)
      if (known === undefined) return reject('UNKNOWN_MEMBER_ID')
      if (known !== memberId) return reject('FENCED_INSTANCE_ID')
    }
    return this.members.has(memberId) ? undefined : reject('UNKNOWN_MEMBER_ID')
  }

  validateOffsetCommit(origin: CommitOrigin): PartitionCheck | Rejection {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: generation, transactional } = origin
    if (this.state === 'Dead') return reject('COORDINATOR_NOT_AVAILABLE')
    // Tools and simple consumers commit from outside a group that has no members.
    if (generation < 0 && this.isEmpty) return anyPartition
    if (generation >= 0 || memberId !== '' || groupInstanceId !== null) {
      const refused = this.validateMember(memberId, groupInstanceId)
      if (refused !== undefined) return refused
      if (generation !== this.generationId) return reject('ILLEGAL_GENERATION')
    } else if (!transactional && !this.isEmpty) {
      return reject('UNKNOWN_MEMBER_ID')
    }
    if (!transactional && this.state === 'CompletingRebalance') return reject('REBALANCE_IN_PROGRESS')
    return anyPartition
  }

  validateOffsetFetch(_memberId?: string | null, _memberEpoch?: number): Rejection | undefined {
    return this.state === 'Dead' ? reject('GROUP_ID_NOT_FOUND', `Group ${this.groupId} is in dead state.`) : undefined
  }

  validateOffsetDelete(): Rejection | undefined {
    if (this.isIn('Empty', 'Dead') || this.isOfConsumers) return this.validateOffsetFetch()
    return reject('NON_EMPTY_GROUP')
  }

  validateDeletion(): Rejection | undefined {
    return this.isIn('Empty', 'Dead') ? this.validateOffsetFetch() : reject('NON_EMPTY_GROUP')
  }

  isSubscribedTo(topic: string): boolean {
    return this.topics === undefined ? this.isOfConsumers : this.topics.has(topic)
  }

  retentionBase(): RetentionBase {
    const sinceCommit = (commitTimestampMs: number) => commitTimestampMs
    if (this.protocolType === null) return sinceCommit
    if (this.isEmpty) return (commitTimestampMs) => this.stateTimestampMs ?? commitTimestampMs
    if (this.isOfConsumers && this.topics !== undefined && this.state === 'Stable') return sinceCommit
    return undefined
  }

  tombstones(): CoordinatorRecord[] {
    return [tombstone(GroupMetadataRecord, { group: this.groupId })]
  }

  /** Record of the whole group with the given assignments; a member without one gets an empty one. */
  metadataRecord(assignmentOf: (member: ClassicMember) => Buffer): CoordinatorRecord {
    const members = [...this.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: metadataUnder(member, this.protocolName) ?? noAssignment,
      assignment: assignmentOf(member),
    }))
    return this.#record({
      protocolType: this.protocolType ?? '',
      generation: this.generationId,
      protocol: this.protocolName,
      leader: this.leaderId,
      members,
    })
  }

  /** Record of a new group, before any member has joined. */
  emptyRecord(): CoordinatorRecord {
    return this.#record({ protocolType: '', generation: 0, protocol: null, leader: null, members: [] })
  }

  #record(value: Omit<GroupMetadataValue, 'currentStateTimestamp'>): CoordinatorRecord {
    const currentStateTimestamp = this.stateTimestampMs ?? -1
    return record(
      GroupMetadataRecord,
      GROUP_METADATA_VERSION,
      { group: this.groupId },
      { ...value, currentStateTimestamp },
    )
  }

  #isOfferedByAll(protocol: string): boolean {
    // True for all protocols if there are no members: the first members may leave before the first generation and must
    // not restrict later ones.
    return (this.#support.get(protocol) ?? 0) === this.members.size
  }

  #countProtocols({ protocols }: { readonly protocols: readonly MemberProtocol[] }, by: 1 | -1): void {
    // A member may repeat a name. Kafka then counts it twice and finds no protocol that all members support.
    const names = new Set(protocols.map(({ name }) => name))
    for (const name of names) addCount(this.#support, name, by)
  }
}
