import type { Host } from '../../storage/host/host.ts'
import type { BrokerLifeCycle } from '../metadata/broker-life-cycle.ts'
import type { JoiningBroker, Membership } from './membership.ts'

export interface EmbeddedMembershipParts {
  readonly host: Pick<Host, 'clock'>
  /** Records in the metadata log what happens to brokers. */
  readonly brokers: BrokerLifeCycle
}

/** Membership of the brokers of one process: the process knows which of them run. */
export class EmbeddedMembership implements Membership {
  readonly #parts: EmbeddedMembershipParts
  readonly #running = new Set<number>()
  /** How brokers of this process stopped that do not run now. */
  readonly #lastStops = new Map<number, 'clean' | 'unclean'>()

  constructor(parts: EmbeddedMembershipParts) {
    this.#parts = parts
  }

  async join(brokers: readonly JoiningBroker[]): Promise<void> {
    for (const { nodeId, rack, endpoints, directoryIds } of brokers) {
      const lastStop = this.#lastStops.get(nodeId)
      const registration = { nodeId, rack, directoryIds, advertised: endpoints, fenced: false }
      await this.#parts.brokers.register(
        lastStop === undefined ? registration : { ...registration, lastStop },
        this.#now(),
      )
      this.#lastStops.delete(nodeId)
      this.#running.add(nodeId)
    }
    await this.#parts.brokers.reconcile(this.#running, this.#now())
  }

  async retire(nodeId: number): Promise<void> {
    await this.#parts.brokers.shutDown(nodeId, this.#now())
  }

  async leave(nodeId: number, { isUnclean }: { readonly isUnclean: boolean }): Promise<void> {
    // Else it stopped before, and its last stop counts.
    if (this.#running.delete(nodeId)) this.#lastStops.set(nodeId, isUnclean ? 'unclean' : 'clean')
    await this.#parts.brokers.fence(nodeId, this.#now())
  }

  async remove(nodeId: number): Promise<void> {
    this.#lastStops.delete(nodeId)
    await this.#parts.brokers.unregister(nodeId, this.#now())
  }

  #now() {
    return { nowMs: this.#parts.host.clock.nowMs() }
  }
}
