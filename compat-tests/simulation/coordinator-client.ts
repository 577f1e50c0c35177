import type { ApiSchema, Fields, InputValue, ValueOf } from '../../protocol/schema.ts'
import { ClusterClient, type CoordinatorKeyType, GROUP_KEY } from './cluster-client.ts'
import { FIRST_NODE, type SimulatedBroker } from './simulated-broker.ts'

/** Asks the coordinator of one group, or of one transactional id. */
export interface GroupClient {
  /** Rejects with ConnectionLost if the connection or the broker ends before it answers. */
  ask<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): Promise<ValueOf<S>>
  /** Looks for the coordinator again. */
  lookAgain(): Promise<void>
}

/** A client without a connection, for a broker that is alone. */
export function clientOfOne(broker: SimulatedBroker): GroupClient {
  return { ask: (api, version, request) => broker.ask(api, version, request), lookAgain: () => Promise.resolve() }
}

/** A client of a cluster, which may fail to find the coordinator. */
export class CoordinatorClient implements GroupClient {
  readonly #client: ClusterClient
  readonly #key: string
  readonly #keyType: CoordinatorKeyType
  /** Coordinator as far as the client knows. */
  #nodeId = FIRST_NODE

  constructor(broker: SimulatedBroker, key: string, name: string, keyType: CoordinatorKeyType = GROUP_KEY) {
    this.#client = new ClusterClient(broker, name)
    this.#key = key
    this.#keyType = keyType
  }

  ask<Q extends Fields, S extends Fields>(
    api: ApiSchema<Q, S>,
    version: number,
    request: InputValue<Q>,
  ): Promise<ValueOf<S>> {
    return this.#client.at(this.#nodeId).ask(api, version, request)
  }

  /** This creates the coordinator's topic if it is missing. */
  async lookAgain(): Promise<void> {
    this.#nodeId = (await this.#client.findCoordinator(this.#key, this.#keyType)) ?? this.#nodeId
  }
}
