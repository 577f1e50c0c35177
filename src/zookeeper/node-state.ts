import type { ClientView, NodeData } from './broker-nodes.ts'
import type { Acl, StoredNode } from './node-store.ts'
import { perms } from './op-codes.ts'

/** Everything about a node except its children. Never changes: a change makes a new one. Clients see another cversion (`statOf`). */
export interface NodeState extends Omit<StoredNode, 'data'> {
  /** null as the client sent it. */
  readonly data: NodeData
  /** Session of an ephemeral node; 0: not ephemeral. */
  readonly owner: bigint
  /** Removed some time after its last child. */
  readonly isContainer: boolean
  /** Made by the broker, through BrokerTree. Not stored. */
  readonly isBrokers: boolean
}

/** ZooKeeper's Stat. Times in milliseconds since 1970. */
export interface Stat {
  readonly czxid: number
  readonly mzxid: number
  readonly ctimeMs: number
  readonly mtimeMs: number
  readonly version: number
  /** Children created and deleted so far. */
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly numChildren: number
  readonly pzxid: number
}

/** Everyone may do everything. Source: ZooDefs.Ids.OPEN_ACL_UNSAFE. */
export const openAcl: readonly Acl[] = [{ perms: perms.all, scheme: 'world', id: 'anyone' }]
/** Everyone may read. Source: ZooDefs.Ids.READ_ACL_UNSAFE. */
export const readOnlyAcl: readonly Acl[] = [{ perms: perms.read, scheme: 'world', id: 'anyone' }]

/** A node as a fresh server has it. */
export const firstState: NodeState = {
  data: Buffer.alloc(0),
  acl: openAcl,
  czxid: 0,
  mzxid: 0,
  pzxid: 0,
  ctimeMs: 0,
  mtimeMs: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  owner: 0n,
  isContainer: false,
  isBrokers: false,
}

/** State of a node that is created now. */
export function createdState(
  node: Partial<Pick<NodeState, 'acl' | 'owner' | 'isContainer' | 'isBrokers'>> & Pick<NodeState, 'data'>,
  zxid: number,
  nowMs: number,
): NodeState {
  return { ...firstState, ...node, czxid: zxid, mzxid: zxid, pzxid: zxid, ctimeMs: nowMs, mtimeMs: nowMs }
}

/** State after new data was set. */
export function withData(state: NodeState, data: NodeData, zxid: number, nowMs: number): NodeState {
  return { ...state, data, mzxid: zxid, mtimeMs: nowMs, version: state.version + 1 }
}

/** State after a child was created. */
export function withChild(state: NodeState, zxid: number): NodeState {
  return { ...state, cversion: state.cversion + 1, pzxid: zxid }
}

/** State after a child was deleted. */
export function withoutChild(state: NodeState, zxid: number): NodeState {
  return { ...state, pzxid: Math.max(state.pzxid, zxid) }
}

/** The data for the client that asks. */
export function dataFor(state: NodeState, view: ClientView): Buffer | null {
  return typeof state.data === 'function' ? state.data(view) : state.data
}

/** Source: DataNode.copyStat. */
export function statOf(state: NodeState, numChildren: number, view: ClientView): Stat {
  return {
    ...state,
    // Every child was created once, and all that are gone were deleted once.
    cversion: 2 * state.cversion - numChildren,
    ephemeralOwner: state.owner,
    dataLength: dataFor(state, view)?.length ?? 0,
    numChildren,
  }
}

/** What is stored of a node of clients. */
export function storedNodeOf(state: NodeState): StoredNode {
  const { data, acl, czxid, mzxid, pzxid, ctimeMs, mtimeMs, version, cversion, aversion } = state
  // Only the broker's nodes have data that depends on the client, and they are not stored.
  const bytes = typeof data === 'function' ? null : data
  return { data: bytes, acl, czxid, mzxid, pzxid, ctimeMs, mtimeMs, version, cversion, aversion }
}

/** The reverse of storedNodeOf. */
export function stateOfStored(node: StoredNode): NodeState {
  return { ...node, owner: 0n, isContainer: false, isBrokers: false }
}
