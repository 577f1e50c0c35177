import type { JoinGroupRequest, JoinGroupResponse } from '../../../../protocol/apis/join-group.ts'
import type { SyncGroupResponse } from '../../../../protocol/apis/sync-group.ts'

/** One way in which a member offers to share out the work, with what the leader must know for it. */
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
  /** Has not been through a whole rebalance: its waiting does not count as a heartbeat. */
  isNew: boolean
}

/** Protocols of a request, out of its frame's memory. */
export function copyProtocols(protocols: JoinGroupRequest['protocols']): MemberProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
}

/** Same protocols, same metadata, same order of preference. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length && a.every(({ name, metadata }, i) => name === b[i]!.name && metadata.equals(b[i]!.metadata))
  )
}

/** What a member says about itself under the chosen protocol; undefined where it does not have it. */
export function metadataUnder(member: ClassicMember, protocol: string | null): Buffer | undefined {
  return member.protocols.find(({ name }) => name === protocol)?.metadata
}

/** A member that waits for an answer needs no heartbeat, once it has been through a rebalance. */
export function hasSatisfiedHeartbeat(member: ClassicMember): boolean {
  return !member.isNew && (member.awaitingJoin !== undefined || member.awaitingSync !== undefined)
}
