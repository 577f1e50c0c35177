import { MalformedError } from '../../../protocol/byte-reader.ts'
import { type ErrorName, errorCode, type Rejection, reject } from '../../../protocol/error-codes.ts'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import type { CoordinatorRecord } from '../coordinator-record.ts'
import type { TopicPartitions } from './assignor/assignor.ts'
import { ClassicGroup } from './classic/classic-group.ts'
import { type ClassicMember, metadataUnder, noAssignment } from './classic/classic-member.ts'
import type { ClassicRebalance } from './classic/classic-rebalance.ts'
import {
  consumerProtocolVersion,
  readAssignment,
  readSubscription,
  writeAssignment,
} from './classic/consumer-subscription.ts'
import { CONSUMER_PROTOCOL_TYPE } from './common-group.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import { type ConsumerMember, memberState, newMember } from './consumer/consumer-member.ts'
import type { ConsumerTimers } from './consumer/consumer-timers.ts'
import { metadataHash } from './consumer/metadata-hash.ts'
import { withEpoch } from './consumer/partition-epochs.ts'
import type { GroupContext } from './group-context.ts'
import type { GroupTable } from './group-table.ts'

/** Converts groups with members between the protocols (KIP-848). Source: GroupMetadataManager. */
export class GroupConversion {
  readonly #context: GroupContext
  readonly #groups: GroupTable
  readonly #rebalance: ClassicRebalance
  readonly #timers: ConsumerTimers

  constructor(context: GroupContext, groups: GroupTable, rebalance: ClassicRebalance, timers: ConsumerTimers) {
    this.#context = context
    this.#groups = groups
    this.#rebalance = rebalance
    this.#timers = timers
  }

  get #policy(): string {
    return this.#context.config.groupConsumerMigrationPolicy.toLowerCase()
  }

  /** Whether up- and downgrades are both disabled. */
  get isDisabled(): boolean {
    return this.#policy === 'disabled'
  }

  /**
   * Converts a classic group with members to a consumer group. The records also change the table when they are
   * replayed. GROUP_ID_NOT_FOUND if it cannot be converted.
   */
  upgrade(classic: ClassicGroup, records: CoordinatorRecord[]): ConsumerGroup | Rejection {
    const refused = this.#upgradeRefusal(classic)
    if (refused !== undefined) return refused
    refuseAllWaiting(classic)
    const group = this.#read(classic)
    if (!(group instanceof ConsumerGroup)) return group
    for (const record of [...classic.tombstones(), ...group.recordsOfAll()]) records.push(record)
    for (const { memberId, classicMetadata } of group.members.values()) {
      this.#timers.watch(group.groupId, memberId, classicMetadata?.sessionTimeoutMs)
    }
    this.#context.logger.info({ groupId: classic.groupId }, 'Classic group becomes a consumer group.')
    return group
  }

  #upgradeRefusal(classic: ClassicGroup): Rejection | undefined {
    const because = (reason: string) =>
      reject(
        'GROUP_ID_NOT_FOUND',
        `Cannot upgrade classic group ${classic.groupId} to consumer group because ${reason}.`,
      )
    if (!['upgrade', 'bidirectional'].includes(this.#policy)) return because('online upgrade is disabled')
    if (!classic.isOfConsumers) return because('the group does not use the consumer embedded protocol')
    if (classic.members.size > this.#context.config.groupConsumerMaxSize) {
      return because('the group size exceeds the consumer group maximum size')
    }
    return undefined
  }

  #read(classic: ClassicGroup): ConsumerGroup | Rejection {
    const because = (reason: string) =>
      reject(
        'GROUP_ID_NOT_FOUND',
        `Cannot upgrade classic group ${classic.groupId} to consumer group because ${reason}.`,
      )
    try {
      const group = fromClassicGroup(classic, this.#context.image())
      return (
        group ??
        because(
          'an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor before re-attempting the upgrade',
        )
      )
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      return because('the embedded consumer protocol is malformed')
    }
  }

  /** Whether the group may be downgraded to the classic protocol: only classic members remain without `leaving`. */
  canDowngradeWithout(group: ConsumerGroup, leaving: readonly ConsumerMember[]): boolean {
    const left = group.members.size - leaving.length
    if (left === 0 || !group.isClassicWithout(leaving) || !this.#mayDowngradeTo(left)) return false
    const gone = new Set(leaving)
    return [...group.members.values()].every((member) => gone.has(member) || isReadable(member))
  }

  /** The same if a static classic member replaces the only member that is not classic. */
  canDowngradeByReplacing(group: ConsumerGroup, replaced: ConsumerMember, joining: ConsumerMember): boolean {
    const isLast = replaced.classicMetadata === null && group.isClassicWithout([replaced])
    if (!isLast || !this.#mayDowngradeTo(group.members.size) || !isReadable(joining)) return false
    return [...group.members.values()].every((member) => member === replaced || isReadable(member))
  }

  #mayDowngradeTo(size: number): boolean {
    return ['downgrade', 'bidirectional'].includes(this.#policy) && size <= this.#context.config.groupMaxSize
  }

  /**
   * Replaces a consumer group in the table by a classic group, at once: the records are only for the log. `joining`
   * replaces the static member with its instance id.
   */
  downgrade(
    group: ConsumerGroup,
    change: { readonly leaving: readonly ConsumerMember[]; readonly joining: ConsumerMember | undefined },
    rebalanceReason: string | undefined,
    records: CoordinatorRecord[],
  ): void {
    const replacedId = group.staticMember(change.joining?.instanceId ?? null)?.memberId
    const renamed = (memberId: string) => (memberId === replacedId ? change.joining!.memberId : memberId)
    for (const record of group.tombstones(change.joining === undefined ? undefined : renamed)) records.push(record)
    const classic = toClassicGroup(group, change, this.#context.image(), this.#context.nowMs())
    records.push(classic.metadataRecord(({ assignment }) => assignment))
    for (const memberId of group.members.keys()) this.#timers.forget(group.groupId, memberId)
    this.#groups.set(classic)
    for (const member of classic.members.values()) this.#rebalance.keepAlive(classic, member)
    if (rebalanceReason !== undefined) this.#rebalance.start(classic, rebalanceReason)
    this.#context.logger.info({ groupId: group.groupId }, 'Consumer group becomes a classic group.')
  }
}

/**
 * Whether every protocol of a classic member can be read, so that it can be given an assignment under any of them: when
 * it joins a consumer group only its first is read. If not, Kafka refuses to let any member leave.
 */
function isReadable({ classicMetadata }: ConsumerMember): boolean {
  const protocols = classicMetadata?.supportedProtocols ?? []
  return protocols.every(({ metadata }) => metadata.length >= 2 && metadata.readInt16BE(0) >= 0)
}

/** Members learn of the new protocol from the response to their rejoin. */
function refuseAllWaiting(classic: ClassicGroup): void {
  const error: ErrorName = 'REBALANCE_IN_PROGRESS'
  for (const member of classic.members.values()) {
    const { memberId } = member
    classic.answerJoin(member, { errorCode: errorCode(error), protocolName: null, leader: '', memberId, members: [] })
    classic.answerSync(member, { errorCode: errorCode(error), assignment: noAssignment })
  }
}

/** Undefined if members keep custom data in assignments, which would be lost. Throws MalformedError. */
function fromClassicGroup(classic: ClassicGroup, image: MetadataImage): ConsumerGroup | undefined {
  const group = new ConsumerGroup(classic.groupId)
  group.groupEpoch = classic.generationId
  group.assignmentEpoch = classic.generationId
  group.assignmentTimestampMs = 0
  for (const member of classic.members.values()) {
    const assigned = assignedPartitions(member, image)
    if (assigned === undefined) return undefined
    group.setTarget(member.memberId, assigned)
    group.setMember(fromClassicMember(member, classic, assigned))
  }
  group.metadataHash = metadataHash(group.subscriptions.topics(), image)
  return group
}

function assignedPartitions({ assignment }: ClassicMember, image: MetadataImage): TopicPartitions | undefined {
  const partitions = new Map<string, ReadonlySet<number>>()
  if (assignment.length === 0) return partitions
  const { assignedPartitions: topics, userData } = readAssignment(assignment)
  if (userData !== null && userData.length > 0) return undefined
  for (const { topic, partitions: each } of topics) {
    const id = image.topicsByName.get(topic)?.id
    if (id !== undefined) partitions.set(id, new Set(each))
  }
  return partitions
}

function fromClassicMember(member: ClassicMember, classic: ClassicGroup, assigned: TopicPartitions): ConsumerMember {
  const { generationId } = classic
  const subscription = readSubscription(metadataUnder(member, classic.protocolName) ?? noAssignment)
  return {
    ...newMember(member.memberId),
    memberEpoch: generationId,
    previousMemberEpoch: generationId,
    state: memberState.stable,
    instanceId: member.groupInstanceId,
    rackId: subscription.rackId === '' ? null : subscription.rackId,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: new Set(subscription.topics),
    assigned: withEpoch(assigned, generationId),
    classicMetadata: { sessionTimeoutMs: member.sessionTimeoutMs, supportedProtocols: member.protocols },
  }
}

/** Source: ClassicGroup.fromConsumerGroup. */
function toClassicGroup(
  group: ConsumerGroup,
  { leaving, joining }: { readonly leaving: readonly ConsumerMember[]; readonly joining: ConsumerMember | undefined },
  image: MetadataImage,
  nowMs: number,
): ClassicGroup {
  const classic = new ClassicGroup(group.groupId, {
    state: 'Stable',
    generationId: group.groupEpoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: null,
    leaderId: null,
    stateTimestampMs: nowMs,
  })
  const replaced = group.staticMember(joining?.instanceId ?? null)
  const gone = new Set(leaving)
  const staying = [...group.members.values()].filter((member) => !gone.has(member) && member !== replaced)
  for (const member of joining === undefined ? staying : [...staying, joining]) classic.add(toClassicMember(member))
  classic.protocolName = classic.selectProtocol()
  classic.updateTopics()
  for (const member of classic.members.values()) {
    const formerId = member.memberId === joining?.memberId ? replaced?.memberId : member.memberId
    const metadata = metadataUnder(member, classic.protocolName) ?? noAssignment
    member.assignment = encodeAssignment(group.targetOf(formerId ?? member.memberId), image, metadata)
  }
  return classic
}

function toClassicMember(member: ConsumerMember): ClassicMember {
  return {
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: member.classicMetadata?.sessionTimeoutMs ?? 0,
    protocols: member.classicMetadata?.supportedProtocols ?? [],
    assignment: noAssignment,
    awaitingJoin: undefined,
    awaitingSync: undefined,
    isNew: false,
  }
}

/** Encodes partitions for a classic consumer with this subscription; omits deleted topics. */
export function encodeAssignment(partitions: TopicPartitions, image: MetadataImage, subscription: Buffer): Buffer {
  const assigned = [...partitions].flatMap(([topicId, each]) => {
    const topic = image.topicsById.get(topicId)?.name
    return topic === undefined ? [] : [{ topic, partitions: [...each] }]
  })
  return writeAssignment({ assignedPartitions: assigned, userData: null }, consumerProtocolVersion(subscription))
}
