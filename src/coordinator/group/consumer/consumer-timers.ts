import type { Decision } from '../../shard.ts'
import type { GroupContext } from '../group-context.ts'

/** Handles a member whose timeout has expired. */
export type Fence = (groupId: string, memberId: string, why: string) => Decision<void> | undefined

/**
 * Timeouts of consumer group members: session, revocation, and (classic members) join and sync. Source:
 * GroupMetadataManager.
 */
export class ConsumerTimers {
  readonly #context: GroupContext
  readonly #fence: Fence

  constructor(context: GroupContext, fence: Fence) {
    this.#context = context
    this.#fence = fence
  }

  /** Restarts the member's session timeout; the default is the group's. */
  watch(groupId: string, memberId: string, timeoutMs = this.#sessionTimeoutMs(groupId)): void {
    this.#set(sessionTimer(groupId, memberId), groupId, memberId, timeoutMs, 'the member session expired')
  }

  #sessionTimeoutMs(groupId: string): number {
    return this.#context.settingsOf(groupId).consumerSessionTimeoutMs
  }

  /** Starts the revocation timeout; `isStuck` says at its end whether the member still has to revoke. */
  awaitRevocation(groupId: string, memberId: string, timeoutMs: number, isStuck: () => boolean): void {
    this.#context.timers.set(rebalanceTimer(groupId, memberId), timeoutMs, () =>
      isStuck() ? this.#fence(groupId, memberId, 'it failed to give up its partitions in time') : undefined,
    )
  }

  revoked(groupId: string, memberId: string): void {
    this.#context.timers.cancel(rebalanceTimer(groupId, memberId))
  }

  /** Starts the timeout for a classic member to rejoin; a repeated request does not extend it. */
  awaitJoin(groupId: string, memberId: string, timeoutMs: number): void {
    const key = joinTimer(groupId, memberId)
    if (this.#context.timers.has(key)) return
    this.#set(key, groupId, memberId, timeoutMs, 'the classic member failed to join within the rebalance timeout')
  }

  joined(groupId: string, memberId: string): void {
    this.#context.timers.cancel(joinTimer(groupId, memberId))
  }

  awaitSync(groupId: string, memberId: string, timeoutMs: number): void {
    const why = 'the member failed to sync within timeout'
    this.#set(syncTimer(groupId, memberId), groupId, memberId, timeoutMs, why)
  }

  synced(groupId: string, memberId: string): void {
    this.#context.timers.cancel(syncTimer(groupId, memberId))
  }

  /** Cancels the timers of a removed member. */
  forget(groupId: string, memberId: string): void {
    for (const timer of [sessionTimer, rebalanceTimer, joinTimer, syncTimer]) {
      this.#context.timers.cancel(timer(groupId, memberId))
    }
  }

  #set(key: string, groupId: string, memberId: string, timeoutMs: number, why: string): void {
    this.#context.timers.set(key, timeoutMs, () => this.#fence(groupId, memberId, why))
  }
}

function sessionTimer(groupId: string, memberId: string): string {
  return `session-${groupId}-${memberId}`
}

function rebalanceTimer(groupId: string, memberId: string): string {
  return `rebalance-${groupId}-${memberId}`
}

function joinTimer(groupId: string, memberId: string): string {
  return `consumer-join-${groupId}-${memberId}`
}

function syncTimer(groupId: string, memberId: string): string {
  return `consumer-sync-${groupId}-${memberId}`
}
