import { type ClientEndpoint, clientEndpoint } from './client-endpoint.ts'
import type { RequestContext } from './handler.ts'

/** Leader and leader epoch in a response; -1 if the partition is unknown. */
export interface LeaderHint {
  readonly leaderId: number
  readonly leaderEpoch: number
}

/**
 * Current leaders and their endpoints, for a client that asked the wrong broker (KIP-951): it needs no Metadata
 * request. Source: KafkaApis.getCurrentLeader.
 */
export class LeaderHints {
  readonly #context: RequestContext
  readonly #endpoints = new Map<number, ClientEndpoint>()

  constructor(context: RequestContext) {
    this.#context = context
  }

  /** The leader of a partition. Adds its endpoint to `endpoints`. */
  leaderOf(topic: string, partition: number): LeaderHint {
    const image = this.#context.services.metadata.image.topicsByName.get(topic)?.partitions[partition]
    if (image === undefined) return { leaderId: -1, leaderEpoch: -1 }
    const { leader: leaderId, leaderEpoch } = image
    const endpoint = clientEndpoint(leaderId, this.#context)
    if (endpoint !== undefined) this.#endpoints.set(leaderId, endpoint)
    return { leaderId, leaderEpoch }
  }

  /** Endpoints of all leaders returned so far. */
  get endpoints(): (ClientEndpoint & { readonly rack: string | null })[] {
    const { brokers } = this.#context.services.metadata.image
    return [...this.#endpoints.values()].map((each) => ({ ...each, rack: brokers.get(each.nodeId)?.rack ?? null }))
  }
}
