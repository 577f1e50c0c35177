import { type Rejection, reject } from '../../../../protocol/error-codes.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import { javaBucket } from '../../java-hash.ts'
import { noPartitions, type TopicPartitions } from '../assignor/assignor.ts'
import {
  anyPartition,
  CONSUMER_PROTOCOL_TYPE,
  type CommitOrigin,
  type CommonGroup,
  type PartitionCheck,
  type RetentionBase,
} from '../common-group.ts'
import { type ConsumerMember, isReconciledTo, memberState, regexOf } from './consumer-member.ts'
import * as records from './consumer-records.ts'
import { epochsOf, type PartitionEpochs } from './partition-epochs.ts'
import { addCount, SubscriptionCounts } from './subscription-counts.ts'
import type { ResolvedRegex } from './topic-regex.ts'

/** From this version on, OffsetCommit supports members of the consumer protocol. */
const CONSUMER_PROTOCOL_COMMIT_VERSION = 9

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

/**
 * Group of the consumer protocol (KIP-848) as replayed from the log: members with their current and target assignments.
 * Source: ModernGroup, ConsumerGroup.
 */
export class ConsumerGroup implements CommonGroup {
  readonly kind = 'consumer'
  readonly protocolType = CONSUMER_PROTOCOL_TYPE
  readonly groupId: string
  groupEpoch = 1
  /** -1 once the target assignment was deleted. */
  assignmentEpoch = 1
  assignmentTimestampMs = 0
  /** Hash over the subscribed topics; a different hash requires a new assignment. */
  metadataHash = 0n
  /** Kafka before 4.1 kept partitions and racks in a record of their own; it is deleted when found. */
  hasPartitionMetadataRecord = false
  /** The hash is valid until then; 0: it must be recomputed. Not in the log. */
  metadataFreshUntilMs = 0
  readonly #members = new Map<string, ConsumerMember>()
  readonly #instances = new Map<string, string>()
  readonly #target = new Map<string, TopicPartitions>()
  readonly #subscriptions = new SubscriptionCounts()
  readonly #assignors = new Map<string, number>()
  readonly #regexes = new Map<string, number>()
  readonly #resolved = new Map<string, ResolvedRegex>()
  /** Owner's epoch of each partition that is not free. */
  readonly #owners = new Map<string, Map<number, number>>()
  #classicMembers = 0
  readonly #classicProtocols = new Map<string, number>()

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get members(): ReadonlyMap<string, ConsumerMember> {
    return this.#members
  }
  get target(): ReadonlyMap<string, TopicPartitions> {
    return this.#target
  }
  get subscriptions(): SubscriptionCounts {
    return this.#subscriptions
  }
  /** Number of members by regular expression. */
  get regexes(): ReadonlyMap<string, number> {
    return this.#regexes
  }
  get resolvedRegexes(): ReadonlyMap<string, ResolvedRegex> {
    return this.#resolved
  }
  get classicMemberCount(): number {
    return this.#classicMembers
  }

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  get stateName(): ConsumerGroupState {
    if (this.isEmpty) return 'Empty'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.#members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling'
    }
    return 'Stable'
  }

  member(memberId: string): ConsumerMember | Rejection {
    return (
      this.#members.get(memberId) ??
      reject('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${this.groupId}.`)
    )
  }

  hasStaticMember(instanceId: string | null): boolean {
    return instanceId !== null && this.#instances.has(instanceId)
  }

  staticMember(instanceId: string | null): ConsumerMember | undefined {
    const memberId = instanceId === null ? undefined : this.#instances.get(instanceId)
    return memberId === undefined ? undefined : this.#members.get(memberId)
  }

  /** Target assignment of a member; a new static member inherits that of the member it replaces. */
  targetOf(memberId: string, instanceId: string | null = null): TopicPartitions {
    const owner = instanceId === null ? memberId : this.#instances.get(instanceId)
    return (owner === undefined ? undefined : this.#target.get(owner)) ?? noPartitions
  }

  setTarget(memberId: string, partitions: TopicPartitions): void {
    this.#target.set(memberId, partitions)
  }

  deleteTarget(memberId: string): void {
    this.#target.delete(memberId)
  }

  setMember(member: ConsumerMember): void {
    const old = this.#members.get(member.memberId)
    this.#members.set(member.memberId, member)
    // Both may name thousands of topics, and each update changes one of the two.
    if (old?.subscribedTopicNames !== member.subscribedTopicNames) {
      if (old !== undefined) this.#subscriptions.addNames(old.subscribedTopicNames, -1)
      this.#subscriptions.addNames(member.subscribedTopicNames, 1)
    }
    if (old === undefined || !ownsTheSame(old, member)) {
      if (old !== undefined) this.#releaseAll(old)
      this.#ownAll(member)
    }
    if (old !== undefined) this.#count(old, -1)
    this.#count(member, 1)
  }

  deleteMember(memberId: string): void {
    const old = this.#members.get(memberId)
    if (old === undefined) return
    this.#members.delete(memberId)
    this.#subscriptions.addNames(old.subscribedTopicNames, -1)
    this.#releaseAll(old)
    this.#count(old, -1)
  }

  #count(member: ConsumerMember, by: 1 | -1): void {
    if (member.serverAssignor !== null) addCount(this.#assignors, member.serverAssignor, by)
    const regex = regexOf(member)
    if (regex !== undefined) addCount(this.#regexes, regex, by)
    if (member.instanceId !== null) this.#countInstance(member.instanceId, member.memberId, by)
    if (member.classicMetadata !== null) {
      this.#classicMembers += by
      // A member may repeat a name.
      const names = new Set(member.classicMetadata.supportedProtocols.map(({ name }) => name))
      for (const name of names) addCount(this.#classicProtocols, name, by)
    }
  }

  #countInstance(instanceId: string, memberId: string, by: 1 | -1): void {
    if (by === 1) this.#instances.set(instanceId, memberId)
    else if (this.#instances.get(instanceId) === memberId) this.#instances.delete(instanceId)
  }

  #ownAll({ assigned, pendingRevocation, memberEpoch }: ConsumerMember): void {
    this.#own(assigned, memberEpoch)
    this.#own(pendingRevocation, memberEpoch)
  }

  #releaseAll({ assigned, pendingRevocation, memberEpoch }: ConsumerMember): void {
    this.#release(assigned, memberEpoch)
    this.#release(pendingRevocation, memberEpoch)
  }

  #own(partitions: PartitionEpochs, epoch: number): void {
    for (const [topicId, owned] of partitions) {
      const owners = this.#owners.get(topicId) ?? new Map<number, number>()
      this.#owners.set(topicId, owners)
      for (const partition of owned.keys()) owners.set(partition, epoch)
    }
  }

  #release(partitions: PartitionEpochs, epoch: number): void {
    for (const [topicId, owned] of partitions) {
      const owners = this.#owners.get(topicId)
      if (owners === undefined) continue
      // Another member may own the partition by now, in a later epoch.
      for (const partition of owned.keys()) if (owners.get(partition) === epoch) owners.delete(partition)
      if (owners.size === 0) this.#owners.delete(topicId)
    }
  }

  /** Whether a member owns the partition or has yet to revoke it. */
  isOwned(topicId: string, partition: number): boolean {
    return this.#owners.get(topicId)?.has(partition) === true
  }

  setResolvedRegex(regex: string, resolved: ResolvedRegex): void {
    this.deleteResolvedRegex(regex)
    this.#resolved.set(regex, resolved)
    this.#subscriptions.addRegexTopics(resolved.topics, 1)
  }

  deleteResolvedRegex(regex: string): void {
    const old = this.#resolved.get(regex)
    if (old === undefined) return
    this.#resolved.delete(regex)
    this.#subscriptions.addRegexTopics(old.topics, -1)
  }

  /** Number of members that subscribe with the regular expression. */
  regexMemberCount(regex: string): number {
    return this.#regexes.get(regex) ?? 0
  }

  /** When regular expressions were last resolved, all together. */
  get lastRegexRefresh(): ResolvedRegex | undefined {
    return this.#resolved.values().next().value
  }

  /** Subscriptions of the group after `updated` replaces `old` (undefined: no member). */
  subscriptionsWith(old: ConsumerMember | undefined, updated: ConsumerMember | undefined): SubscriptionCounts {
    const counts = this.#subscriptions.copy()
    if (old !== undefined) counts.addNames(old.subscribedTopicNames, -1)
    if (updated !== undefined) counts.addNames(updated.subscribedTopicNames, 1)
    const oldRegex = regexOf(old)
    const isLast = oldRegex !== undefined && oldRegex !== regexOf(updated) && this.regexMemberCount(oldRegex) === 1
    if (isLast) counts.addRegexTopics(this.#resolved.get(oldRegex)?.topics ?? [], -1)
    return counts
  }

  regexesWith(old: ConsumerMember, updated: ConsumerMember): ReadonlyMap<string, number> {
    const [oldRegex, newRegex] = [regexOf(old), regexOf(updated)]
    if (oldRegex === newRegex) return this.#regexes
    const counts = new Map(this.#regexes)
    if (oldRegex !== undefined) addCount(counts, oldRegex, -1)
    if (newRegex !== undefined) addCount(counts, newRegex, 1)
    return counts
  }

  /** Assignor that most members request; undefined if none requests one. */
  preferredAssignor(old?: ConsumerMember, updated?: ConsumerMember): string | undefined {
    const counts = new Map(this.#assignors)
    if (old !== undefined && old.serverAssignor !== null) addCount(counts, old.serverAssignor, -1)
    const wish = updated?.serverAssignor ?? undefined
    // Break assignor ties like Kafka: it takes the one that its hash map meets first, a newly added one before others.
    const first = wish !== undefined && !counts.has(wish) ? wish : undefined
    if (wish !== undefined) addCount(counts, wish, 1)
    let best: [string, number] | undefined
    for (const each of [...counts].sort(([a], [b]) => placeOf(a, first) - placeOf(b, first))) {
      if (best === undefined || each[1] > best[1]) best = each
    }
    return best?.[0]
  }

  /** Whether a member with these classic protocols is compatible with the group's classic members. */
  supportsClassicProtocols(protocolType: string, protocols: readonly { readonly name: string }[]): boolean {
    if (protocolType !== CONSUMER_PROTOCOL_TYPE) return false
    if (this.isEmpty) return protocols.length > 0
    return protocols.some(({ name }) => (this.#classicProtocols.get(name) ?? 0) === this.#classicMembers)
  }

  /** Whether only classic members remain without `leaving`. */
  isClassicWithout(leaving: Iterable<ConsumerMember>): boolean {
    let leavingCount = 0
    let classicLeaving = 0
    for (const { classicMetadata } of leaving) {
      leavingCount++
      if (classicMetadata !== null) classicLeaving++
    }
    return this.#classicMembers - classicLeaving === this.#members.size - leavingCount
  }

  /** Whether another member still owns a partition assigned to this member. */
  isWaitingForRelease(member: ConsumerMember): boolean {
    if (member.state !== memberState.unreleasedPartitions) return false
    for (const [topicId, partitions] of this.targetOf(member.memberId)) {
      const assigned = epochsOf(member.assigned, topicId)
      for (const partition of partitions) if (!assigned.has(partition) && this.isOwned(topicId, partition)) return true
    }
    return false
  }

  validateOffsetCommit(origin: CommitOrigin): PartitionCheck | Rejection {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: epoch, transactional, apiVersion } = origin
    if (epoch < 0 && this.isEmpty) return anyPartition
    if (transactional && epoch === -1 && memberId === '' && groupInstanceId === null) return anyPartition
    const member = this.#members.get(memberId)
    if (member === undefined) return this.member(memberId) as Rejection
    if (!transactional && member.classicMetadata === null && apiVersion < CONSUMER_PROTOCOL_COMMIT_VERSION) {
      return reject('UNSUPPORTED_VERSION')
    }
    if (epoch === member.memberEpoch) return anyPartition
    if (epoch > member.memberEpoch) return staleEpoch(member)
    // A commit with an older epoch is valid for partitions that the member has owned since then (KIP-1251).
    return (_topic, topicId, partition) => {
      const since =
        member.assigned.get(topicId)?.get(partition) ?? member.pendingRevocation.get(topicId)?.get(partition)
      return since === undefined || epoch < since ? staleEpoch(member) : undefined
    }
  }

  validateOffsetFetch(memberId: string | null, memberEpoch: number): Rejection | undefined {
    // Kafka looks up a member without a name and fails.
    if (memberId === null) return memberEpoch < 0 ? undefined : reject('UNKNOWN_SERVER_ERROR')
    const member = this.#members.get(memberId)
    if (member === undefined) return this.member(memberId) as Rejection
    return memberEpoch === member.memberEpoch ? undefined : staleEpoch(member)
  }

  validateOffsetDelete(): undefined {}

  validateDeletion(): Rejection | undefined {
    return this.isEmpty ? undefined : reject('NON_EMPTY_GROUP')
  }

  isSubscribedTo(topic: string): boolean {
    return this.#subscriptions.has(topic)
  }

  isSubscribedToAny(topics: ReadonlySet<string>): boolean {
    return this.#subscriptions.hasAny(topics)
  }

  retentionBase(): RetentionBase {
    return (commitTimestampMs) => commitTimestampMs
  }

  /**
   * Tombstones of the whole group. `renamed` maps a member id in memory to the one in the log, which differs for a
   * member that is being replaced.
   */
  tombstones(renamed: (memberId: string) => string = (memberId) => memberId): CoordinatorRecord[] {
    const memberIds = [...this.#members.keys()].map(renamed)
    const { groupId } = this
    return [
      ...memberIds.map((memberId) => records.currentAssignmentTombstone(groupId, memberId)),
      ...memberIds.map((memberId) => records.targetAssignmentTombstone(groupId, memberId)),
      records.targetAssignmentMetadataTombstone(groupId),
      ...memberIds.map((memberId) => records.memberTombstone(groupId, memberId)),
      ...[...this.#resolved.keys()].map((regex) => records.regexTombstone(groupId, regex)),
      records.partitionMetadataTombstone(groupId),
      records.groupEpochTombstone(groupId),
    ]
  }

  /** Records that describe the whole group. */
  recordsOfAll(): CoordinatorRecord[] {
    const { groupId } = this
    const members = [...this.#members.values()]
    return [
      ...members.map((member) => records.memberRecord(groupId, member)),
      records.groupEpochRecord(groupId, this.groupEpoch, this.metadataHash),
      ...members.map(({ memberId }) => records.targetAssignmentRecord(groupId, memberId, this.targetOf(memberId))),
      records.targetAssignmentMetadataRecord(groupId, this.assignmentEpoch, this.assignmentTimestampMs),
      ...members.map((member) => records.currentAssignmentRecord(groupId, member)),
    ]
  }
}

function ownsTheSame(a: ConsumerMember, b: ConsumerMember): boolean {
  return a.memberEpoch === b.memberEpoch && a.assigned === b.assigned && a.pendingRevocation === b.pendingRevocation
}

function placeOf(assignor: string, first: string | undefined): number {
  return assignor === first ? -1 : javaBucket(assignor)
}

/** Classic members use generations, not epochs. */
function staleEpoch({ classicMetadata }: ConsumerMember): Rejection {
  return reject(classicMetadata === null ? 'STALE_MEMBER_EPOCH' : 'ILLEGAL_GENERATION')
}

/** Whether all members have the same subscription. Source: ConsumerGroup.subscriptionType. */
export function isHomogeneous(
  regexes: ReadonlyMap<string, number>,
  subscriptions: SubscriptionCounts,
  memberCount: number,
): boolean {
  const [regexMembers] = regexes.values()
  for (const { byName, byRegex } of subscriptions.counts()) {
    const isOfAll = regexMembers === undefined ? byName === memberCount : byRegex === 1 && byName === 0
    if (!isOfAll) return false
  }
  return regexMembers === undefined || regexMembers === memberCount
}
