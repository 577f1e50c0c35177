import { isAllowed, resolvedAcl } from './access-control.ts'
import type { AuthId } from './authentication.ts'
import type { BrokerChange, ClientView, NodeChange } from './broker-nodes.ts'
import { bytesOf, type DataTree } from './data-tree.ts'
import type { ErrorName } from './error-codes.ts'
import { limits } from './limits.ts'
import { isValidPath, parentOf, specialPaths } from './node-path.ts'
import {
  createdState,
  type NodeState,
  type Stat,
  statOf,
  storedNodeOf,
  withChild,
  withData,
  withoutChild,
} from './node-state.ts'
import type { StoredChange } from './node-store.ts'
import { perms } from './op-codes.ts'
import type { CreateOp, WriteOp } from './requests.ts'

/** Who asks for a change, and when. */
export interface PlanContext {
  readonly zxid: number
  readonly nowMs: number
  readonly sessionId: bigint
  readonly ids: readonly AuthId[]
  readonly view: ClientView
  /** See BrokerNodes. Paths are whole. */
  readonly meaningOf: (change: NodeChange) => BrokerChange | ErrorName | undefined
}

/** Outcome of one operation. */
export interface OpResult {
  readonly path: string
  /** Undefined if the operation has none: check, delete. */
  readonly stat: Stat | undefined
}

/** One change of the tree, with the new states. */
type TreeChange =
  | { readonly kind: 'create'; readonly path: string; readonly state: NodeState; readonly parent: NodeState }
  | { readonly kind: 'remove'; readonly path: string; readonly parent: NodeState }
  | { readonly kind: 'setData' | 'replace'; readonly path: string; readonly state: NodeState }

interface PlannedNode {
  readonly state: NodeState
  readonly childCount: number
}

/**
 * Decides operations one after the other, each on top of those before it, and changes nothing. `applyTo` makes the
 * changes. The checks and their order are those of PrepRequestProcessor.pRequest2Txn.
 */
export class Plan {
  /** The operation that the broker carries out, if there is one. */
  brokerChange: BrokerChange | undefined
  /**
   * Whether an operation was refused because what the broker carries out must be the only change: its log and that of
   * clients' nodes are two, and a crash could come between them.
   */
  isMixed = false
  /** Whether an operation was refused because there is no room. */
  isOutOfRoom = false
  readonly #tree: DataTree
  readonly #context: PlanContext
  readonly #nodes = new Map<string, PlannedNode | null>()
  readonly #toStore = new Set<string>()
  readonly #changes: TreeChange[] = []
  #hasChange = false
  #addedBytes = 0
  #addedNodes = 0

  constructor(tree: DataTree, context: PlanContext) {
    this.#tree = tree
    this.#context = context
  }

  /** Whether nothing was decided that changes the tree. */
  get isEmpty(): boolean {
    return this.#changes.length === 0
  }

  /** Decides one operation. An error means that the whole plan must be given up. */
  add(op: WriteOp): OpResult | ErrorName {
    switch (op.kind) {
      case 'create':
        return this.#create(op)
      case 'delete':
        return this.#delete(op.path, op.version)
      case 'setData':
        return this.#setData(op.path, op.data, op.version)
      case 'setAcl':
        return this.#setAcl(op)
      case 'check':
        return this.#check(op.path, op.version)
    }
  }

  /** Removes the ephemeral nodes of a session. */
  removeEphemerals(sessionId: bigint): void {
    for (const path of this.#tree.ephemerals.get(sessionId) ?? []) this.#remove(path, false)
  }

  /** Removes a container if it has had children and has none. */
  removeContainer(path: string): void {
    const node = this.#node(path)
    if (node?.state.isContainer && node.state.cversion > 0 && node.childCount === 0) this.#remove(path, true)
  }

  /** What has to be stored before the changes may be made. */
  stored(): StoredChange[] {
    return [...this.#toStore].map((path) => {
      const node = this.#nodes.get(path)
      return { path, node: node ? storedNodeOf(node.state) : null }
    })
  }

  /** Makes the changes in the tree from which they were planned. */
  applyTo(tree: DataTree): void {
    for (const change of this.#changes) {
      if (change.kind === 'create') tree.create(change.path, change.state, change.parent)
      else if (change.kind === 'remove') tree.remove(change.path, change.parent)
      else tree[change.kind](change.path, change.state)
    }
  }

  #create(op: CreateOp): OpResult | ErrorName {
    const mode = createModes[op.flags]
    if (mode === undefined) return 'BADARGUMENTS'
    // ZooKeeper serves nodes with a time to live only if it is told to by a system property.
    if (mode.hasTtl) return 'UNIMPLEMENTED'
    // With a negative time ZooKeeper 3.5 stops.
    if (op.ttlMs !== undefined) return op.ttlMs >= 0 ? 'BADARGUMENTS' : 'UNIMPLEMENTED'
    if (op.path === null) return 'MARSHALLINGERROR'
    if (!hasParent(op.path)) return 'BADARGUMENTS'
    const { ids, zxid, nowMs, sessionId } = this.#context
    const acl = resolvedAcl(op.acl, ids)
    if (typeof acl === 'string') return acl
    const parent = this.#node(parentOf(op.path))
    if (parent === undefined) return 'NONODE'
    if (!isAllowed(parent.state.acl, perms.create, ids)) return 'NOAUTH'
    const path = mode.isSequential ? `${op.path}${sequenceNumber(parent.state.cversion)}` : op.path
    if (!isValidPath(path)) return 'BADARGUMENTS'
    if (this.#node(path) !== undefined) return 'NODEEXISTS'
    if (parent.state.owner !== 0n) return 'NOCHILDRENFOREPHEMERALS'
    const owner = mode.isEphemeral && !op.isContainer ? sessionId : 0n
    const data = op.data === null ? null : Buffer.from(op.data)
    const state = createdState({ data, acl, owner, isContainer: op.isContainer }, zxid, nowMs)
    const refusal = this.#ask({ kind: 'create', path, data, isEphemeral: owner !== 0n }, state, 1)
    if (refusal !== undefined) return refusal
    return this.#insert(path, state, parent)
  }

  #insert(path: string, state: NodeState, parent: PlannedNode): OpResult {
    const parentState = withChild(parent.state, this.#context.zxid)
    this.#put(parentOf(path), { state: parentState, childCount: parent.childCount + 1 })
    this.#put(path, { state, childCount: 0 })
    this.#changes.push({ kind: 'create', path, state, parent: parentState })
    // The parent's count of children numbers later ones. For an ephemeral child nobody can tell after a restart.
    if (state.owner === 0n) this.#store(parentOf(path), path)
    return this.#result(path, { state, childCount: 0 })
  }

  #delete(path: string | null, version: number): OpResult | ErrorName {
    if (path === null) return 'MARSHALLINGERROR'
    if (!hasParent(path) || specialPaths.includes(path)) return 'BADARGUMENTS'
    const parent = this.#node(parentOf(path))
    const node = this.#node(path)
    if (parent === undefined || node === undefined) return 'NONODE'
    if (!isAllowed(parent.state.acl, perms.delete, this.#context.ids)) return 'NOAUTH'
    if (!isExpected(version, node.state.version)) return 'BADVERSION'
    if (node.childCount > 0) return 'NOTEMPTY'
    const refusal = this.#ask({ kind: 'delete', path }, node.state, -1)
    if (refusal !== undefined) return refusal
    this.#remove(path, node.state.owner === 0n)
    return { path, stat: undefined }
  }

  #remove(path: string, isStored: boolean): void {
    const parent = this.#node(parentOf(path))!
    const state = withoutChild(parent.state, this.#context.zxid)
    this.#put(parentOf(path), { state, childCount: parent.childCount - 1 })
    if (isStored) this.#store(parentOf(path), path)
    this.#put(path, null)
    this.#changes.push({ kind: 'remove', path, parent: state })
  }

  #setData(path: string | null, data: Buffer | null, version: number): OpResult | ErrorName {
    if (!isValidPath(path)) return 'BADARGUMENTS'
    const node = this.#node(path)
    if (node === undefined) return 'NONODE'
    if (!isAllowed(node.state.acl, perms.write, this.#context.ids)) return 'NOAUTH'
    if (!isExpected(version, node.state.version)) return 'BADVERSION'
    const { zxid, nowMs } = this.#context
    const state = withData(node.state, data === null ? null : Buffer.from(data), zxid, nowMs)
    const refusal = this.#ask({ kind: 'set', path, data: state.data as Buffer | null }, state, 0)
    if (refusal !== undefined) return refusal
    return this.#change('setData', path, { state, childCount: node.childCount })
  }

  #setAcl({ path, acl, version }: Extract<WriteOp, { kind: 'setAcl' }>): OpResult | ErrorName {
    if (!isValidPath(path)) return 'BADARGUMENTS'
    const resolved = resolvedAcl(acl, this.#context.ids)
    if (typeof resolved === 'string') return resolved
    const node = this.#node(path)
    if (node === undefined) return 'NONODE'
    if (!isAllowed(node.state.acl, perms.admin, this.#context.ids)) return 'NOAUTH'
    if (!isExpected(version, node.state.aversion)) return 'BADVERSION'
    // Lists of the broker's nodes would be lost with the process.
    if (node.state.isBrokers) return 'UNIMPLEMENTED'
    if (this.#isSecond(this.brokerChange !== undefined)) return 'BADARGUMENTS'
    const state = { ...node.state, acl: resolved, aversion: node.state.aversion + 1 }
    if (!this.#fits(path, state, 0)) return 'SYSTEMERROR'
    return this.#change('replace', path, { state, childCount: node.childCount })
  }

  #change(kind: 'setData' | 'replace', path: string, node: PlannedNode): OpResult {
    this.#put(path, node)
    this.#changes.push({ kind, path, state: node.state })
    if (node.state.owner === 0n) this.#store(path)
    return this.#result(path, node)
  }

  #check(path: string | null, version: number): OpResult | ErrorName {
    if (!isValidPath(path)) return 'BADARGUMENTS'
    const node = this.#node(path)
    if (node === undefined) return 'NONODE'
    if (!isAllowed(node.state.acl, perms.read, this.#context.ids)) return 'NOAUTH'
    return isExpected(version, node.state.version) ? { path, stat: undefined } : 'BADVERSION'
  }

  /** Whether the change may be made, and by whom. `state`: of the node after the change, or of the node that goes. */
  #ask(change: NodeChange, state: NodeState, addedNodes: number): ErrorName | undefined {
    const meaning = this.#context.meaningOf(change)
    if (typeof meaning === 'string') return meaning
    if (meaning === undefined) {
      if (state.isBrokers) return 'NOAUTH'
      if (this.#isSecond(this.brokerChange !== undefined)) return 'BADARGUMENTS'
      return change.kind === 'delete' || this.#fits(change.path, state, addedNodes) ? undefined : 'SYSTEMERROR'
    }
    if (this.#isSecond(this.#hasChange)) return 'BADARGUMENTS'
    this.brokerChange = meaning
    return undefined
  }

  /** Notes a change. True if it may not follow the changes before it. */
  #isSecond(isRefused: boolean): boolean {
    this.#hasChange = true
    this.isMixed ||= isRefused
    return isRefused
  }

  /** Whether there is room for the state of a node, as planned so far. */
  #fits(path: string, state: NodeState, addedNodes: number): boolean {
    const before = this.#node(path)?.state
    const addedBytes = bytesOf(path, state) - (before === undefined ? 0 : bytesOf(path, before))
    this.#addedBytes += addedBytes
    this.#addedNodes += addedNodes
    const bytes = this.#tree.clientBytes + this.#addedBytes
    const isTooLarge = addedBytes > 0 && bytes > limits.clientNodeBytes
    this.isOutOfRoom ||= isTooLarge || (addedNodes > 0 && this.#tree.size + this.#addedNodes > limits.nodeCount)
    return !this.isOutOfRoom
  }

  #node(path: string): PlannedNode | undefined {
    const planned = this.#nodes.get(path === '' ? '/' : path)
    if (planned !== undefined) return planned ?? undefined
    const state = this.#tree.get(path)
    return state === undefined ? undefined : { state, childCount: this.#tree.children(path).size }
  }

  #put(path: string, node: PlannedNode | null): void {
    this.#nodes.set(path, node)
  }

  /** Nodes of clients, before they are planned to be removed. */
  #store(...paths: string[]): void {
    for (const path of paths) if (this.#node(path)?.state.isBrokers === false) this.#toStore.add(path)
  }

  #result(path: string, { state, childCount }: PlannedNode): OpResult {
    return { path, stat: statOf(state, childCount, this.#context.view) }
  }
}

interface CreateMode {
  readonly isEphemeral: boolean
  readonly isSequential: boolean
  readonly hasTtl: boolean
}

/** Modes by flags; 4 is a container if the request is of the container type. Source: CreateMode. */
const createModes: readonly (CreateMode | undefined)[] = [
  { isEphemeral: false, isSequential: false, hasTtl: false },
  { isEphemeral: true, isSequential: false, hasTtl: false },
  { isEphemeral: false, isSequential: true, hasTtl: false },
  { isEphemeral: true, isSequential: true, hasTtl: false },
  { isEphemeral: false, isSequential: false, hasTtl: false },
  { isEphemeral: false, isSequential: false, hasTtl: true },
  { isEphemeral: false, isSequential: true, hasTtl: true },
]

function hasParent(path: string): boolean {
  return path.includes('/') && !path.includes('\0')
}

/** At least ten characters, as Java formats %010d. */
function sequenceNumber(cversion: number): string {
  return cversion < 0 ? `-${`${-cversion}`.padStart(9, '0')}` : `${cversion}`.padStart(10, '0')
}

/** -1: any version. */
function isExpected(expected: number, version: number): boolean {
  return expected === -1 || expected === version
}
