import type { ErrorName } from './error-codes.ts'

/** Where a client reached this process; nodes with addresses are answered with it. */
export interface ClientView {
  readonly localAddress: string
  readonly localPort: number
}

/** Data of a node (null: a client sees null), or a function that makes it for the client that asks. */
export type NodeData = Buffer | null | ((view: ClientView) => Buffer)

/** One change of a client, resolved (sequence number appended) and checked as ZooKeeper does. */
export type NodeChange =
  | { readonly kind: 'create'; readonly path: string; readonly data: Buffer | null; readonly isEphemeral: boolean }
  | { readonly kind: 'set'; readonly path: string; readonly data: Buffer | null }
  | { readonly kind: 'delete'; readonly path: string }

/** What a change means to the broker. */
export interface BrokerChange {
  /**
   * Carries the change out in the broker, wholly or not at all. Resolves once the tree shows the result: undefined, or
   * the error for the client. The server makes no change to the tree itself.
   */
  carryOut(): Promise<ErrorName | undefined>
}

/** Nodes through which the broker appears in the tree, and what clients' changes of them do. Paths are below the chroot. */
export interface BrokerNodes {
  /** Puts the nodes into the tree and keeps them up to date until `detach`. Resolves when they are complete. */
  attach(tree: BrokerTree): Promise<void>
  detach(): void
  /**
   * Meaning of a client's change. Undefined: the node belongs to clients, and the server makes the change. An error: the
   * change is refused. Decides only, changes nothing.
   */
  meaningOf(change: NodeChange): BrokerChange | ErrorName | undefined
}

/** The tree as the broker's side changes it. Each change has its own zxid and fires watches. Paths are below the chroot. */
export interface BrokerTree {
  /**
   * Creates a node or replaces its data. No change and no event if the data is the same buffer content. The parent must
   * exist. A stored node of clients at the path becomes the broker's.
   */
  put(path: string, data: NodeData, options?: { readonly isEphemeral?: boolean }): void
  /** Removes a node and all below it, also nodes of clients. Does nothing if there is none. */
  remove(path: string): void
  has(path: string): boolean
  /** Undefined if there is no node, or if its data depends on the client. */
  data(path: string): Buffer | null | undefined
  /** Names, in no order; empty if there is no node. */
  children(path: string): readonly string[]
}
