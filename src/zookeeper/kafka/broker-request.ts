import type { Rejection } from '../../../protocol/error-codes.ts'
import type { ConfigStore } from '../../config/config-store.ts'
import type { MetadataStore } from '../../metadata/metadata-store.ts'
import type { BrokerTree } from '../broker-nodes.ts'
import type { ErrorName } from '../error-codes.ts'

/** Parts of the broker that writes of clients change. */
export interface WriteParts {
  readonly nodeId: number
  readonly configs: ConfigStore
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

/** What a client's write means to the broker: a refusal, or a function that carries it out. */
export type Meaning = Refusal | ((tree: BrokerTree) => Promise<Refusal | Done>)

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
