import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { JoinGroup } from '../../protocol/apis/join-group.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { subscriptionTo } from '../../src/coordinator/classic-consumer.fixture.ts'
import { writeAssignment } from '../../src/coordinator/group/classic/consumer-subscription.ts'
import { INPUT } from './all-topics.ts'
import type { CoordinatorClient } from './coordinator-client.ts'
import { answerOf, Refused, untilAnswered } from './patient-requests.ts'
import type { CommittingMember } from './transaction-producer.ts'
import type { TransactionWorld } from './transaction-world.ts'
import type { Turns } from './turns.ts'

export const COPY_SESSION_MS = 10_000

/** Errors of a member that is no longer in its group. */
const removed: ReadonlySet<string> = new Set([
  ...['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID', 'REBALANCE_IN_PROGRESS'],
])

/** The only member of a classic group: a static one, which its next instance replaces. It has all of the input. */
export class CopyMember {
  readonly #world: TransactionWorld
  readonly #turns: Turns
  readonly #groupId: string
  readonly #client: CoordinatorClient
  #memberId = ''
  #generation = -1

  constructor(world: TransactionWorld, turns: Turns, groupId: string, client: CoordinatorClient) {
    this.#world = world
    this.#turns = turns
    this.#groupId = groupId
    this.#client = client
  }

  get claim(): CommittingMember {
    const [generationIdOrMemberEpoch, memberId] = [this.#generation, this.#memberId]
    return { generationIdOrMemberEpoch, memberId, groupInstanceId: this.#instanceId }
  }

  get #instanceId(): string {
    return `${this.#groupId} member`
  }

  /** Joins if it is not in the group. */
  async join(): Promise<void> {
    while (this.#generation < 0) {
      try {
        await this.#joinOnce()
      } catch (error) {
        if (!(error instanceof Refused) || !this.forgets(error.error)) throw error
        await this.#turns.next()
      }
    }
  }

  async #joinOnce(): Promise<void> {
    const groupId = this.#groupId
    const groupInstanceId = this.#instanceId
    const joined = await this.#ask(() =>
      this.#client.ask(JoinGroup, 9, {
        ...{ groupId, memberId: this.#memberId, groupInstanceId, protocolType: 'consumer', reason: null },
        ...{ sessionTimeoutMs: COPY_SESSION_MS, rebalanceTimeoutMs: COPY_SESSION_MS },
        protocols: [{ name: 'range', metadata: subscriptionTo(INPUT) }],
      }),
    )
    this.#memberId = joined.memberId
    const { memberId, generationId } = joined
    const partitions = this.#world.topics.input.partitions.map(({ index }) => index)
    const assignment = writeAssignment({ assignedPartitions: [{ topic: INPUT, partitions }], userData: null }, 1)
    const assignments = joined.leader === memberId && !joined.skipAssignment ? [{ memberId, assignment }] : []
    await this.#ask(() =>
      this.#client.ask(SyncGroup, 5, {
        ...{ groupId, generationId, memberId, groupInstanceId },
        ...{ protocolType: 'consumer', protocolName: 'range', assignments },
      }),
    )
    this.#generation = generationId
    this.#world.counts.rejoins++
  }

  #ask<T extends { readonly errorCode: number }>(ask: () => Promise<T>): Promise<T> {
    // REBALANCE_IN_PROGRESS: another instance joins; then it must join, too.
    return untilAnswered(this.#turns, this.#client, ask, ({ errorCode }) => {
      const error = errorName(errorCode)
      return error === 'REBALANCE_IN_PROGRESS' ? 'ILLEGAL_GENERATION' : error
    })
  }

  async beat(): Promise<void> {
    const request = { groupId: this.#groupId, generationId: this.#generation, memberId: this.#memberId }
    const answer = await answerOf(() =>
      this.#client.ask(Heartbeat, 4, { ...request, groupInstanceId: this.#instanceId }),
    )
    if (answer === undefined) return this.#client.lookAgain().catch(() => {})
    const error = errorName(answer.value.errorCode)
    if (error === 'NOT_COORDINATOR') await answerOf(() => this.#client.lookAgain())
    if (this.forgets(error)) throw new Refused(error)
  }

  /** True if the error tells that it must join again. */
  forgets(error: string): boolean {
    if (!removed.has(error)) return false
    this.#generation = -1
    if (error === 'UNKNOWN_MEMBER_ID' || error === 'FENCED_INSTANCE_ID') this.#memberId = ''
    return true
  }
}
