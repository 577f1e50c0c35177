import type { Rejection } from '../../../protocol/error-codes.ts'
import type { Slices } from '../../../storage/host/turn-slices.ts'
import type { ConfigStore } from '../../config/config-store.ts'
import type { MetadataStore } from '../../metadata/metadata-store.ts'
import type { BrokerTree, NodeChange } from '../broker-nodes.ts'
import type { ErrorName } from '../error-codes.ts'

/** Parts of the broker that writes of clients change. */
export interface WriteParts {
  readonly nodeId: number
  /** Of the first broker: it has the settings of the logs and of the controller. */
  readonly configs: ConfigStore
  /** Of a broker that runs. */
  configsOf(nodeId: number): ConfigStore | undefined
  readonly slices: Slices
  readonly metadata: MetadataStore
  nowMs(): number
  /** True for a name that resolves to an address. */
  isHost(name: string): Promise<boolean>
}

/** A refused write: the error that the client gets, and the reason for the log. */
export interface Refusal {
  readonly error: ErrorName
  readonly reason: string
}

/** Result of a write that was carried out; `notes` are lines for the log. */
export interface Done {
  readonly notes: readonly string[]
}

/** Carries a write out. `shown` resolves when the tree shows all changes of the metadata so far. */
export type CarryOut = (tree: BrokerTree, shown: () => Promise<void>) => Promise<Refusal | Done>

/** What a client's write means to the broker: a refusal, or a function that carries it out. */
export type Meaning = Refusal | CarryOut

export const done: Done = { notes: [] }

/** ZooKeeper has no code for "that is not yours to write". Clients understand this one as final. */
export function notAllowed(reason: string): Refusal {
  return { error: 'NOAUTH', reason }
}

export function malformed(reason: string): Refusal {
  return { error: 'BADARGUMENTS', reason }
}

/** The broker's own error as ZooKeeper's. */
export function refusedBy({ error, message }: Rejection): Refusal {
  const reason = message === null || message === '' ? error : `${error}: ${message}`
  if (error === 'TOPIC_ALREADY_EXISTS') return { error: 'NODEEXISTS', reason }
  if (error === 'UNKNOWN_TOPIC_OR_PARTITION' || error === 'UNKNOWN_TOPIC_ID') return { error: 'NONODE', reason }
  return { error: 'BADARGUMENTS', reason }
}

/** A node that asks for something: it is there until that is done and the tree shows it. */
export function whileShown(
  change: Exclude<NodeChange, { kind: 'delete' }>,
  work: () => Promise<Refusal | Done>,
): CarryOut {
  return async (tree, shown) => {
    tree.put(change.path, change.data)
    try {
      return await work()
    } finally {
      await shown()
      tree.remove(change.path)
    }
  }
}
