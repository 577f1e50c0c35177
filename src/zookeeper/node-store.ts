/** A persistent node of clients as it is stored. */
export interface StoredNode {
  /** null: a client sees null. */
  readonly data: Buffer | null
  readonly acl: readonly Acl[]
  readonly czxid: number
  readonly mzxid: number
  /** zxid of the last creation or deletion of a child. */
  readonly pzxid: number
  readonly ctimeMs: number
  readonly mtimeMs: number
  readonly version: number
  /** Children created so far: the number of the next sequential child. */
  readonly cversion: number
  readonly aversion: number
}

/** One entry of an access control list. */
export interface Acl {
  readonly perms: number
  readonly scheme: string
  readonly id: string
}

/** New content of a path; null: the node is gone. */
export interface StoredChange {
  readonly path: string
  readonly node: StoredNode | null
}

/** Keeps the persistent nodes of clients. Nodes of the broker and ephemeral nodes are not stored. Paths are whole, with the chroot. */
export interface NodeStore {
  /** Replays what is stored, the last content of a path last. Parents may come after their children. */
  load(replay: (change: StoredChange) => void): Promise<void>
  /** Stores changes, all or none. Resolves once they survive a crash. Rejects if they are lost; load again then. */
  append(changes: readonly StoredChange[]): Promise<void>
}
