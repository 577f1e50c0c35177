import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/apis/consumer-group-heartbeat.ts'
import type { GroupWorld } from './group-world.fixture.ts'

/** Test member of the consumer protocol: it applies each assignment at its next heartbeat. */
export class ConsumerClient {
  readonly world: GroupWorld
  readonly groupId: string
  readonly memberId: string
  memberEpoch = 0
  instanceId: string | null = null
  rebalanceTimeoutMs = 60_000
  topics: string[] | null = null
  regex: string | null = null
  assignor: string | null = null
  apiVersion = 1
  /** Partitions it works on, by topic id. */
  owned = new Map<string, Set<number>>()
  /** Assignment last received; undefined once it is applied. */
  newAssignment: Map<string, Set<number>> | undefined
  #hasOwnedChanged = true

  constructor(world: GroupWorld, groupId: string, memberId: string, changes: Partial<ConsumerClient> = {}) {
    this.world = world
    this.groupId = groupId
    this.memberId = memberId
    Object.assign(this, changes)
  }

  /** Sends one heartbeat; joins if the member has no epoch. A fenced member starts again. */
  async beat(changes: Partial<ConsumerGroupHeartbeatRequest> = {}): Promise<ConsumerGroupHeartbeatResponse> {
    const response = await this.send(this.#request(changes))
    if (response.errorCode === 0) this.#take(response)
    else if ([25, 110].includes(response.errorCode)) this.reset()
    return response
  }

  async send(request: ConsumerGroupHeartbeatRequest): Promise<ConsumerGroupHeartbeatResponse> {
    const client = { clientId: this.memberId, clientHost: '/127.0.0.1', apiVersion: this.apiVersion }
    return this.world.coordinator.consumerHeartbeat(request, client, this.world.slices)
  }

  /** -1 leaves, -2 leaves temporarily (static member). */
  async leave(memberEpoch: -1 | -2 = -1): Promise<number> {
    const response = await this.send({ ...this.#request({}), memberEpoch, topicPartitions: null })
    this.reset()
    return response.errorCode
  }

  /** Drops all partitions and the member epoch. */
  reset(): void {
    this.memberEpoch = 0
    this.owned = new Map()
    this.newAssignment = undefined
    this.#hasOwnedChanged = true
  }

  /** Revokes partitions, then takes new ones; the next heartbeat reports it. */
  applyAssignment(): void {
    if (this.newAssignment === undefined) return
    this.owned = this.newAssignment
    this.newAssignment = undefined
    this.#hasOwnedChanged = true
  }

  /** Sorted partitions of a topic that the member works on. */
  partitions(topicId: string): number[] {
    return [...(this.owned.get(topicId) ?? [])].sort((a, b) => a - b)
  }

  get partitionCount(): number {
    let count = 0
    for (const partitions of this.owned.values()) count += partitions.size
    return count
  }

  #request(changes: Partial<ConsumerGroupHeartbeatRequest>): ConsumerGroupHeartbeatRequest {
    const isJoining = this.memberEpoch === 0
    const topicPartitions = [...this.owned].map(([topicId, each]) => ({ topicId, partitions: [...each] }))
    const request = {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch: this.memberEpoch,
      instanceId: this.instanceId,
      rackId: null,
      rebalanceTimeoutMs: isJoining ? this.rebalanceTimeoutMs : -1,
      subscribedTopicNames: isJoining ? this.topics : null,
      subscribedTopicRegex: isJoining ? this.regex : null,
      serverAssignor: isJoining ? this.assignor : null,
      topicPartitions: isJoining ? [] : this.#hasOwnedChanged ? topicPartitions : null,
    }
    return { ...request, ...changes }
  }

  #take({ memberEpoch, assignment }: ConsumerGroupHeartbeatResponse): void {
    this.memberEpoch = memberEpoch
    this.#hasOwnedChanged = false
    if (assignment === undefined || assignment === null) return
    this.newAssignment = new Map(assignment.topicPartitions.map((each) => [each.topicId, new Set(each.partitions)]))
  }
}

/** Lets all clients heartbeat and apply assignments until nothing changes; fails if that takes too long. */
export async function settleGroup(world: GroupWorld, clients: readonly ConsumerClient[]): Promise<void> {
  for (let round = 0; round < 30; round++) {
    let isQuiet = true
    for (const client of clients) {
      const before = client.memberEpoch
      await world.host.settle(client.beat())
      if (client.newAssignment !== undefined || client.memberEpoch !== before) isQuiet = false
      client.applyAssignment()
    }
    await world.host.advance(2000)
    if (isQuiet) return
  }
  throw new Error('the group does not come to rest')
}
