import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { ApiSchema, Fields, InputValue, ValueOf } from '../../protocol/schema.ts'
import type { PartitionHistory } from './broker-model.ts'
import { FIRST_NODE, type SimulatedBroker } from './simulated-broker.ts'
import { SimulatedClient } from './simulated-client.ts'

/** Key types of FindCoordinator: a group, a transactional id. */
export const [GROUP_KEY, TRANSACTION_KEY] = [0, 1] as const
export type CoordinatorKeyType = typeof GROUP_KEY | typeof TRANSACTION_KEY

const routing: ReadonlySet<string> = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
])

/** Whether the error tells a client to look for the partition's leader. */
export function isRoutingError(error: string): boolean {
  return routing.has(error)
}

interface Led {
  readonly leader: number
  readonly leaderEpoch: number
}

/**
 * A client with a connection to each broker that it needs. It learns leaders from Metadata, and looks again when a broker
 * refuses to lead or a connection is lost. In a cluster of one broker it asks nobody.
 */
export class ClusterClient {
  readonly #broker: SimulatedBroker
  readonly #name: string
  readonly #isReliable: boolean
  readonly #clients = new Map<number, SimulatedClient>()
  /** By topic id and partition. */
  readonly #led = new Map<string, Led>()
  #isStale = true

  /** isReliable: its connections meet no network faults. */
  constructor(broker: SimulatedBroker, name: string, { isReliable = false } = {}) {
    this.#broker = broker
    this.#name = name
    this.#isReliable = isReliable
  }

  at(nodeId: number): SimulatedClient {
    let client = this.#clients.get(nodeId)
    if (client === undefined) {
      client = new SimulatedClient(this.#broker, this.#name, { nodeId, isReliable: this.#isReliable })
      this.#clients.set(nodeId, client)
    }
    return client
  }

  /** Asks any broker. */
  ask<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): Promise<ValueOf<S>> {
    return this.at(this.#broker.anyNode).ask(api, version, request)
  }

  /** Leader as far as the client knows; undefined: it knows none. */
  leaderOf({ topic, index }: PartitionHistory): number | undefined {
    if (!this.#broker.isSeveral) return FIRST_NODE
    const led = this.#led.get(`${topic.id}-${index}`)
    return led === undefined || led.leader < 0 ? undefined : led.leader
  }

  get isStale(): boolean {
    return this.#isStale && this.#broker.isSeveral
  }

  /** What it knows of leaders may be out of date. */
  lost(): void {
    this.#isStale = true
  }

  /** Looks for leaders if what it knows is out of date. */
  async refresh(): Promise<void> {
    if (!this.isStale) return
    const { topics } = await this.ask(Metadata, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    this.#isStale = false
    for (const { topicId, partitions } of topics) {
      for (const { partitionIndex, leaderId: leader, leaderEpoch } of partitions) {
        const key = `${topicId}-${partitionIndex}`
        // A broker may know less than another one, as clients expect of real clusters.
        if (leaderEpoch >= (this.#led.get(key)?.leaderEpoch ?? -1)) this.#led.set(key, { leader, leaderEpoch })
        if (leader < 0) this.#isStale = true
      }
    }
  }

  /**
   * Node id of the coordinator of a group, or of a transactional id; undefined: there is none now. Creates the
   * coordinator's topic if it is missing.
   */
  async findCoordinator(key: string, keyType: CoordinatorKeyType = GROUP_KEY): Promise<number | undefined> {
    const answer = await this.ask(FindCoordinator, 4, { key: '', keyType, coordinatorKeys: [key] })
    const { errorCode, nodeId } = answer.coordinators[0]!
    return errorName(errorCode) === 'NONE' ? nodeId : undefined
  }
}
