import type { SyncGroupRequest, SyncGroupResponse } from '../../../../protocol/apis/sync-group.ts'
import { type Rejection, reject } from '../../../../protocol/error-codes.ts'
import { invariant } from '../../../../protocol/invariant.ts'
import { type Decision, noChange } from '../../shard.ts'
import type { GroupContext } from '../group-context.ts'
import type { ClassicGroup } from './classic-group.ts'
import { noAssignment } from './classic-member.ts'
import type { ClassicRebalance } from './classic-rebalance.ts'

/** A SyncGroup request and its callback, called at once or when the leader's assignment arrives. */
export interface Syncing {
  readonly request: SyncGroupRequest
  readonly answer: (response: SyncGroupResponse) => void
}

/** SyncGroup to a classic group. Source: GroupMetadataManager.classicGroupSyncToClassicGroup. */
export class ClassicSync {
  readonly #context: GroupContext
  readonly #rebalance: ClassicRebalance

  constructor(context: GroupContext, rebalance: ClassicRebalance) {
    this.#context = context
    this.#rebalance = rebalance
  }

  sync(group: ClassicGroup, syncing: Syncing): Decision<void> {
    const { request, answer } = syncing
    const refused = this.#refusal(group, request)
    if (refused !== undefined) return refuseSync(syncing, refused)
    const member = group.members.get(request.memberId)
    invariant(member !== undefined, `${request.memberId} was validated as a member`)
    switch (group.state) {
      case 'PreparingRebalance':
        return refuseSync(syncing, reject('REBALANCE_IN_PROGRESS'))
      case 'CompletingRebalance':
        member.awaitingSync = answer
        this.#rebalance.hasSynced(group, request.memberId)
        return group.isLeader(request.memberId) ? this.#store(group, request) : noChange
      default: {
        this.#rebalance.hasSynced(group, request.memberId)
        const { protocolType, protocolName } = group
        answer({ errorCode: 0, protocolType, protocolName, assignment: member.assignment })
        return noChange
      }
    }
  }

  /** The leader's assignment takes effect once it is stored. */
  #store(group: ClassicGroup, request: SyncGroupRequest): Decision<void> {
    const { generationId } = group
    const assignments = new Map(request.assignments.map((each) => [each.memberId, Buffer.from(each.assignment)]))
    const assignmentOf = ({ memberId }: { readonly memberId: string }) => assignments.get(memberId) ?? noAssignment
    return {
      records: [group.metadataRecord(assignmentOf)],
      response: undefined,
      replay: false,
      appended: () => {
        // If members joined or left meanwhile, another rebalance has started.
        if (group.state !== 'CompletingRebalance' || group.generationId !== generationId) return
        for (const member of group.members.values()) member.assignment = assignmentOf(member)
        this.#rebalance.answerSyncs(group)
        group.transitionTo('Stable', this.#context.nowMs())
      },
      refused: () => {
        this.#rebalance.refuseSyncs(group, 'UNKNOWN_SERVER_ERROR')
        this.#rebalance.startOrContinue(group, `The assignment of generation ${generationId} cannot be written.`)
      },
    }
  }

  #refusal(group: ClassicGroup, request: SyncGroupRequest): Rejection | undefined {
    if (group.state === 'Dead') return reject('COORDINATOR_NOT_AVAILABLE')
    const refused = group.validateMember(request.memberId, request.groupInstanceId)
    if (refused !== undefined) return refused
    if (request.generationId !== group.generationId) return reject('ILLEGAL_GENERATION')
    const isConsistent =
      agrees(request.protocolType, group.protocolType) && agrees(request.protocolName, group.protocolName)
    return isConsistent ? undefined : reject('INCONSISTENT_GROUP_PROTOCOL')
  }
}

function agrees(requested: string | null, known: string | null): boolean {
  return requested === null || known === null || requested === known
}

/** Responds to a sync at once with an error. */
export function refuseSync({ answer }: Pick<Syncing, 'answer'>, { code }: Rejection): Decision<void> {
  answer({ errorCode: code, assignment: noAssignment })
  return noChange
}
