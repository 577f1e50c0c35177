import { type ClientEndpoint, clientEndpoint } from './client-endpoint.ts'
import type { RequestContext } from './handler.ts'

/** Leader and epoch of a partition as an answer tells them; -1 where the partition is unknown. */
export interface LeaderHint {
  readonly leaderId: number
  readonly leaderEpoch: number
}

/**
 * What spares a client its next Metadata request when it asked the wrong broker (KIP-951): who leads now, and where that
 * broker is. Source: KafkaApis.getCurrentLeader.
 */
export class LeaderHints {
  readonly #context: RequestContext
  readonly #endpoints = new Map<number, ClientEndpoint>()

  constructor(context: RequestContext) {
    this.#context = context
  }

  /** The leader of a partition, whose endpoint goes into the answer too. */
  leaderOf(topic: string, partition: number): LeaderHint {
    const image = this.#context.services.metadata.image.topicsByName.get(topic)?.partitions[partition]
    if (image === undefined) return { leaderId: -1, leaderEpoch: -1 }
    const { leader: leaderId, leaderEpoch } = image
    const endpoint = clientEndpoint(leaderId, this.#context)
    if (endpoint !== undefined) this.#endpoints.set(leaderId, endpoint)
    return { leaderId, leaderEpoch }
  }

  /** Endpoints of all leaders that were named. */
  get endpoints(): (ClientEndpoint & { readonly rack: string | null })[] {
    const { brokers } = this.#context.services.metadata.image
    return [...this.#endpoints.values()].map((each) => ({ ...each, rack: brokers.get(each.nodeId)?.rack ?? null }))
  }
}
