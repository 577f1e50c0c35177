import { FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'
import type { CoordinatorKeyType } from './cluster-client.ts'
import type { SimulatedClient } from './simulated-client.ts'

/** What a broker answers to a question that only a coordinator answers, for each key. */
type Question = (client: SimulatedClient) => Promise<readonly { readonly key: string; readonly errorCode: number }[]>

/** Who coordinates groups, or transactional ids: the brokers that brokers name, and those that answer for them. */
export class Coordinations {
  readonly #host: SimulatedHost
  readonly #keyType: CoordinatorKeyType
  readonly #keys: readonly string[]
  readonly #question: Question
  readonly #named = new Map<string, Set<number>>()
  readonly #answering = new Map<string, number[]>()

  constructor(host: SimulatedHost, keyType: CoordinatorKeyType, keys: readonly string[], question: Question) {
    this.#host = host
    this.#keyType = keyType
    this.#keys = keys
    this.#question = question
    for (const key of keys) {
      this.#named.set(key, new Set())
      this.#answering.set(key, [])
    }
  }

  /** Asks this broker. */
  async ask(client: SimulatedClient, nodeId: number): Promise<void> {
    if (this.#keys.length === 0) return
    const asked = client.ask(FindCoordinator, 4, { key: '', keyType: this.#keyType, coordinatorKeys: this.#keys })
    const { coordinators } = await this.#host.settle(asked)
    for (const each of coordinators) this.#named.get(each.key)!.add(each.nodeId)
    for (const { key, errorCode } of await this.#question(client))
      if (errorName(errorCode) !== 'NOT_COORDINATOR') this.#answering.get(key)!.push(nodeId)
  }

  /** What is wrong with the answers of all brokers; undefined: nothing. */
  get wrong(): string | undefined {
    return this.#keys.map((key) => this.#wrongFor(key)).find((wrong) => wrong !== undefined)
  }

  #wrongFor(key: string): string | undefined {
    const named = [...this.#named.get(key)!]
    const answering = this.#answering.get(key)!
    if (named.length > 1) return `${named} coordinate ${key}, as brokers say`
    const [coordinator = -1] = named
    const isRight = coordinator < 0 ? answering.length === 0 : `${answering}` === `${coordinator}`
    return isRight ? undefined : `${answering} coordinate ${key}, and ${coordinator} is named`
  }
}
