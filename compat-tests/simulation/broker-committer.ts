import { OffsetCommit } from '../../protocol/apis/offset-commit.ts'
import { OffsetFetch } from '../../protocol/apis/offset-fetch.ts'
import { errorName } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { BrokerWorld } from './broker-world.ts'
import { ClusterClient } from './cluster-client.ts'
import { ConnectionLost, FIRST_NODE } from './simulated-broker.ts'
import { check } from './storage-model.ts'

/** The coordinator is not available or cannot write: a client retries. */
const transient = new Set(['NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE'])

/**
 * A client without a group membership that commits increasing offsets and sometimes fetches: the result must be the
 * last acknowledged offset or one sent since.
 */
export class BrokerCommitter {
  readonly #world: BrokerWorld
  readonly #client: ClusterClient
  readonly #groupId: string
  readonly #topic: string
  readonly #isSynced: boolean
  /** Broker that coordinates the group, as far as the client knows. */
  #coordinator = FIRST_NODE
  #acknowledged = -1
  #sent = -1
  #isBusy = false

  /** isSynced: acknowledged offsets survive a power loss. */
  constructor(world: BrokerWorld, parts: { groupId: string; topic: string; isSynced: boolean }) {
    this.#world = world
    this.#groupId = parts.groupId
    this.#topic = parts.topic
    this.#isSynced = parts.isSynced
    this.#client = new ClusterClient(world.broker, parts.groupId)
  }

  /** Whether the last commit was acknowledged. */
  get isAtRest(): boolean {
    return this.#acknowledged === this.#sent && this.#sent >= 0
  }

  lostPower(): void {
    if (!this.#isSynced) this.#acknowledged = -1
  }

  act(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    const step = (this.#world.random.oneIn(3) ? this.#look() : this.#commit())
      .catch(async (error) => {
        if (error instanceof ConnectionLost && this.#world.broker.isSeveral) await this.#findCoordinator()
        throw error
      })
      .finally(() => {
        this.#isBusy = false
      })
    this.#world.watch(step)
  }

  /** The coordinator; sometimes any broker: it may have been the coordinator, and must know that it is not. */
  get #asked(): number {
    const { broker, random } = this.#world
    return broker.isSeveral && random.oneIn(4) ? broker.anyNode : this.#coordinator
  }

  async #commit(): Promise<void> {
    const committedOffset = ++this.#sent
    const partition = { partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, commitTimestamp: -1 }
    const topics = [
      {
        name: this.#topic,
        topicId: ZERO_UUID,
        partitions: [{ ...partition, committedMetadata: `at ${committedOffset}` }],
      },
    ]
    const simple = { groupId: this.#groupId, memberId: '', groupInstanceId: null, generationIdOrMemberEpoch: -1 }
    const answer = await this.#client.at(this.#asked).ask(OffsetCommit, 8, { ...simple, retentionTimeMs: -1, topics })
    if (!(await this.#isFine(answer.topics[0]!.partitions[0]!.errorCode))) return
    this.#acknowledged = Math.max(this.#acknowledged, committedOffset)
    this.#world.counts.commits++
  }

  async #look(): Promise<void> {
    const known = this.#acknowledged
    const topics = [{ name: this.#topic, topicId: ZERO_UUID, partitionIndexes: [0] }]
    const groups = [{ groupId: this.#groupId, memberId: null, memberEpoch: -1, topics }]
    const answer = await this.#client
      .at(this.#asked)
      .ask(OffsetFetch, 8, { groupId: '', topics: [], groups, requireStable: false })
    const group = answer.groups[0]!
    if (!(await this.#isFine(group.errorCode))) return
    const { committedOffset, metadata } = group.topics[0]!.partitions[0]!
    const isKnown = committedOffset >= known && committedOffset <= this.#sent
    check(isKnown, `${this.#groupId} is at ${committedOffset}, not from ${known} to ${this.#sent}`)
    check(committedOffset < 0 || metadata === `at ${committedOffset}`, `${this.#groupId}: ${metadata}`)
    this.#acknowledged = Math.max(this.#acknowledged, committedOffset)
  }

  async #isFine(code: number): Promise<boolean> {
    const error = errorName(code)
    if (error === 'NONE') return true
    check(transient.has(error), `${this.#groupId} was answered ${error}`)
    await this.#findCoordinator()
    return false
  }

  /** This creates the offsets topic if it is missing. */
  async #findCoordinator(): Promise<void> {
    this.#coordinator = (await this.#client.findCoordinator(this.#groupId)) ?? this.#coordinator
  }
}
