import type { JoinGroupRequest, JoinGroupResponse } from '../../../../protocol/apis/join-group.ts'
import type { SyncGroupResponse } from '../../../../protocol/apis/sync-group.ts'

/** An assignment protocol that a member supports, with its metadata for the leader. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export const noAssignment: Buffer = Buffer.alloc(0)

/** A member of a classic group. Source: ClassicGroupMember. */
export interface ClassicMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  /** In the member's order of preference. */
  protocols: readonly MemberProtocol[]
  assignment: Buffer
  /** Set while the member waits for the next generation. */
  awaitingJoin: ((response: JoinGroupResponse) => void) | undefined
  /** Set while the member waits for the leader's assignment. */
  awaitingSync: ((response: SyncGroupResponse) => void) | undefined
  /** Has not completed a rebalance: waiting does not count as a heartbeat. */
  isNew: boolean
}

/** Copies a request's protocols out of the frame's memory. */
export function copyProtocols(protocols: JoinGroupRequest['protocols']): MemberProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
}

/** Whether both have the same protocols, metadata and order of preference. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length && a.every(({ name, metadata }, i) => name === b[i]!.name && metadata.equals(b[i]!.metadata))
  )
}

/** The member's metadata for the chosen protocol; undefined if it does not support it. */
export function metadataUnder(member: ClassicMember, protocol: string | null): Buffer | undefined {
  return member.protocols.find(({ name }) => name === protocol)?.metadata
}

/** A member that waits for a response needs no heartbeat once it has completed a rebalance. */
export function hasSatisfiedHeartbeat(member: ClassicMember): boolean {
  return !member.isNew && (member.awaitingJoin !== undefined || member.awaitingSync !== undefined)
}
