import { noEpochs, type PartitionEpochs, sameEpochs } from './partition-epochs.ts'

/** State of a member's reconciliation, with the values used in the log. Source: MemberState. */
export const memberState = { stable: 0, unrevokedPartitions: 1, unreleasedPartitions: 2, unknown: 127 } as const
export type MemberState = (typeof memberState)[keyof typeof memberState]

/** Epoch of a static member that left temporarily. */
export const LEAVE_GROUP_STATIC_MEMBER_EPOCH = -2
export const LEAVE_GROUP_MEMBER_EPOCH = -1

/** Data that a classic member sent when it joined. */
export interface ClassicMemberMetadata {
  readonly sessionTimeoutMs: number
  readonly supportedProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
}

/** Member of a consumer group; immutable. Source: ConsumerGroupMember. */
export interface ConsumerMember {
  readonly memberId: string
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: number
  readonly clientId: string
  readonly clientHost: string
  readonly subscribedTopicNames: ReadonlySet<string>
  /** Null or empty: none. */
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  /** Null: it uses the consumer protocol. */
  readonly classicMetadata: ClassicMemberMetadata | null
  readonly assigned: PartitionEpochs
  readonly pendingRevocation: PartitionEpochs
}

/** New member without any data. */
export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: memberState.stable,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: new Set(),
    subscribedTopicRegex: '',
    serverAssignor: null,
    classicMetadata: null,
    assigned: noEpochs,
    pendingRevocation: noEpochs,
  }
}

/**
 * The member in a new epoch. The previous epoch is kept because a heartbeat whose response was lost may be repeated.
 */
export function inEpoch(member: ConsumerMember, memberEpoch: number): ConsumerMember {
  return { ...member, memberEpoch, previousMemberEpoch: member.memberEpoch }
}

export function isReconciledTo(member: ConsumerMember, epoch: number): boolean {
  return member.state === memberState.stable && member.memberEpoch === epoch
}

/** Undefined if the member subscribes only by topic names. */
export function regexOf(member: ConsumerMember | undefined): string | undefined {
  const regex = member?.subscribedTopicRegex
  return regex === null || regex === '' ? undefined : regex
}

/** Whether the data sent by the member is the same. */
export function sameMetadata(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.serverAssignor === b.serverAssignor &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
    sameClassicMetadata(a.classicMetadata, b.classicMetadata)
  )
}

/** Whether the coordinator's assignment is the same. */
export function sameAssignment(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.memberEpoch === b.memberEpoch &&
    a.previousMemberEpoch === b.previousMemberEpoch &&
    a.state === b.state &&
    sameEpochs(a.assigned, b.assigned) &&
    sameEpochs(a.pendingRevocation, b.pendingRevocation)
  )
}

export function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const name of a) if (!b.has(name)) return false
  return true
}

function sameClassicMetadata(a: ClassicMemberMetadata | null, b: ClassicMemberMetadata | null): boolean {
  if (a === b) return true
  if (a === null || b === null || a.sessionTimeoutMs !== b.sessionTimeoutMs) return false
  if (a.supportedProtocols.length !== b.supportedProtocols.length) return false
  return a.supportedProtocols.every(({ name, metadata }, i) => {
    const other = b.supportedProtocols[i]!
    return name === other.name && metadata.equals(other.metadata)
  })
}
