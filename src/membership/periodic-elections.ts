import { failureOfPart, inBackground } from '../../storage/failure-policy.ts'
import type { Host, Timer } from '../../storage/host/host.ts'
import { isImbalanced } from '../metadata/leader-elections.ts'
import type { LogBackedMetadataStore } from '../metadata/log-backed-metadata-store.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import type { Logger } from '../observe/logger.ts'

/** Settings under their Kafka names. They may change. */
export interface ElectionSettings {
  readonly autoLeaderRebalanceEnable: boolean
  readonly leaderImbalanceCheckIntervalSeconds: number
  readonly uncleanLeaderElectionIntervalMs: number
}

export interface PeriodicElectionsParts {
  readonly host: Pick<Host, 'timers' | 'clock' | 'fatal'>
  readonly logger: Logger
  readonly metadata: Pick<LogBackedMetadataStore, 'image' | 'onChange' | 'balanceLeaders' | 'electUncleanLeaders'>
  readonly settings: () => ElectionSettings
}

/**
 * Elections that Kafka's controller holds from time to time: it gives leadership back to preferred replicas, and takes
 * replicas that are not in sync where a topic allows it. No timer runs while there is nothing to elect. Source:
 * ReplicationControlManager, PeriodicTaskControlManager.
 */
export class PeriodicElections {
  readonly #parts: PeriodicElectionsParts
  readonly #unsubscribe: () => void
  #balancing: Timer | undefined
  #electing: Timer | undefined
  /** The elections under way. */
  readonly #underWay = new Set<Promise<void>>()
  #isStopped = false

  constructor(parts: PeriodicElectionsParts) {
    this.#parts = parts
    this.#unsubscribe = parts.metadata.onChange((_, { topicsChanged }) => this.#schedule(topicsChanged))
    this.#schedule(parts.metadata.image.topicsByName.values())
  }

  /** Resolves once no election is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#unsubscribe()
    this.#balancing?.cancel()
    this.#electing?.cancel()
    await Promise.all(this.#underWay)
  }

  #schedule(topics: Iterable<TopicImage>): void {
    const { autoLeaderRebalanceEnable, leaderImbalanceCheckIntervalSeconds, uncleanLeaderElectionIntervalMs } =
      this.#parts.settings()
    for (const topic of topics) {
      if (this.#balancing === undefined && autoLeaderRebalanceEnable && isImbalanced(topic))
        this.#balancing = this.#after(leaderImbalanceCheckIntervalSeconds * 1000, () => this.#balance())
      if (this.#electing === undefined && topic.partitions.some(({ leader }) => leader === -1))
        this.#electing = this.#after(uncleanLeaderElectionIntervalMs, () => this.#elect())
    }
  }

  #after(delayMs: number, elect: () => Promise<void>): Timer {
    const { host } = this.#parts
    return host.timers.after(delayMs, () => {
      const election = this.#alone(elect).finally(() => this.#underWay.delete(election))
      this.#underWay.add(election)
      inBackground(host, election)
    })
  }

  async #balance(): Promise<void> {
    this.#balancing = undefined
    if (this.#parts.settings().autoLeaderRebalanceEnable) await this.#parts.metadata.balanceLeaders(this.#now())
  }

  async #elect(): Promise<void> {
    this.#electing = undefined
    await this.#parts.metadata.electUncleanLeaders(this.#now())
  }

  /** A failed election is tried again when the next one is due. */
  async #alone(elect: () => Promise<void>): Promise<void> {
    const { host, logger, metadata } = this.#parts
    try {
      await elect()
    } catch (caught) {
      logger.error({ err: failureOfPart(host, caught) }, 'leaders could not be elected')
    }
    if (!this.#isStopped) this.#schedule(metadata.image.topicsByName.values())
  }

  #now() {
    return { nowMs: this.#parts.host.clock.nowMs() }
  }
}
