import type { Decision } from '../../shard.ts'
import type { GroupContext } from '../group-context.ts'

/** What happens to a member whose time is over. */
export type Fence = (groupId: string, memberId: string, why: string) => Decision<void> | undefined

/**
 * How long the members of consumer groups may take: to be heard of, to give up partitions, and (those of the classic
 * protocol) to join and to sync. Source: GroupMetadataManager.
 */
export class ConsumerTimers {
  readonly #context: GroupContext
  readonly #fence: Fence

  constructor(context: GroupContext, fence: Fence) {
    this.#context = context
    this.#fence = fence
  }

  /** The member was heard of. Without a timeout of its own it has the group's. */
  watch(groupId: string, memberId: string, timeoutMs = this.#sessionTimeoutMs(groupId)): void {
    this.#set(sessionTimer(groupId, memberId), groupId, memberId, timeoutMs, 'the member session expired')
  }

  #sessionTimeoutMs(groupId: string): number {
    return this.#context.settingsOf(groupId).consumerSessionTimeoutMs
  }

  /** The member has to give up partitions; `isStuck` says later whether it still has not. */
  awaitRevocation(groupId: string, memberId: string, timeoutMs: number, isStuck: () => boolean): void {
    this.#context.timers.set(rebalanceTimer(groupId, memberId), timeoutMs, () =>
      isStuck() ? this.#fence(groupId, memberId, 'it failed to give up its partitions in time') : undefined,
    )
  }

  revoked(groupId: string, memberId: string): void {
    this.#context.timers.cancel(rebalanceTimer(groupId, memberId))
  }

  /** A classic member was told to join again; being told once more gives it no more time. */
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

  /** The member is gone. */
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
