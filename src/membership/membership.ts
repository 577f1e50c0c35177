import type { Listener } from '../metadata/cluster-image.ts'

/**
 * THE SEAM for which brokers live, who leads and who coordinates. It records both in the cluster metadata, where all
 * brokers look them up. Embedded: the process itself (embedded-membership.ts).
 */
export interface Membership {
  /** Registers brokers that listen. From then on they lead partitions and coordinate. */
  join(brokers: readonly JoiningBroker[]): Promise<void>
  /** A broker is about to stop: others take over what it leads and coordinates. It still answers. */
  retire(nodeId: number): Promise<void>
  /** A broker has stopped; isUnclean: it may have lost what it had acknowledged. */
  leave(nodeId: number, how: { readonly isUnclean: boolean }): Promise<void>
  /** Removes a broker that has stopped from the cluster. Replicas stay assigned to it. */
  remove(nodeId: number): Promise<void>
}

/** What a broker registers. */
export interface JoiningBroker {
  readonly nodeId: number
  readonly rack: string | null
  /** Where clients reach it. An empty host: at the address that they connected to. */
  readonly endpoints: readonly Listener[]
  /** Uuids of its data directories. */
  readonly directoryIds: readonly string[]
}
