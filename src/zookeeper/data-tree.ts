import { nameOf, parentOf, specialPaths } from './node-path.ts'
import { firstState, type NodeState, readOnlyAcl } from './node-state.ts'
import { type Watcher, Watches } from './watches.ts'

/** A node and the names of its children. */
interface TreeNode {
  state: NodeState
  readonly children: Set<string>
}

/** Memory of a node besides its path, data and list: objects and map entries. */
const NODE_BYTES = 500

/**
 * All nodes, and the watches on them. A change here is final and is told to watches at once; whether it may happen was
 * decided before (plan.ts). Source: DataTree.
 */
export class DataTree {
  readonly dataWatches = new Watches()
  readonly childWatches = new Watches()
  readonly #nodes = new Map<string, TreeNode>()
  readonly #ephemerals = new Map<bigint, Set<string>>()
  readonly #containers = new Set<string>()
  #clientBytes = 0

  constructor() {
    for (const path of specialPaths) this.#insert(path, firstState)
    // As ZooKeeper makes it: setting the list without a version leaves version -1.
    const config = { ...firstState, acl: readOnlyAcl, aversion: -1 }
    this.replace('/zookeeper/config', config)
  }

  get size(): number {
    return this.#nodes.size
  }

  /** Estimated memory of all nodes that are not the broker's. */
  get clientBytes(): number {
    return this.#clientBytes
  }

  /** Paths of ephemeral nodes by session. */
  get ephemerals(): ReadonlyMap<bigint, ReadonlySet<string>> {
    return this.#ephemerals
  }

  /** Paths of container nodes. */
  get containers(): ReadonlySet<string> {
    return this.#containers
  }

  /** All nodes. */
  *states(): Generator<readonly [path: string, state: NodeState]> {
    for (const [path, { state }] of this.#nodes) yield [path, state]
  }

  /** The root also answers to the empty path. */
  get(path: string): NodeState | undefined {
    return this.#nodes.get(path === '' ? '/' : path)?.state
  }

  /** Names; empty if there is no node. */
  children(path: string): ReadonlySet<string> {
    return this.#nodes.get(path === '' ? '/' : path)?.children ?? new Set()
  }

  /** Adds a node whose parent exists. `parent`: the parent's new state. */
  create(path: string, state: NodeState, parent: NodeState): void {
    this.replace(parentOf(path), parent)
    this.#insert(path, state)
    this.dataWatches.trigger(path, 'created')
    this.childWatches.trigger(parentOf(path), 'childrenChanged')
  }

  /** Changes the data of a node. */
  setData(path: string, state: NodeState): void {
    this.replace(path, state)
    this.dataWatches.trigger(path, 'dataChanged')
  }

  /** Changes what no watch is told: lists and counts. */
  replace(path: string, state: NodeState): void {
    const node = this.#nodes.get(path)!
    this.#counted(path, node.state, -1)
    node.state = state
    this.#counted(path, state, 1)
  }

  /** Removes a node without children. `parent`: the parent's new state. */
  remove(path: string, parent: NodeState): void {
    this.replace(parentOf(path), parent)
    this.#nodes.get(parentOf(path))!.children.delete(nameOf(path))
    this.#counted(path, this.#nodes.get(path)!.state, -1)
    this.#nodes.delete(path)
    const told = this.dataWatches.trigger(path, 'deleted')
    this.childWatches.trigger(path, 'deleted', told)
    this.childWatches.trigger(parentOf(path), 'childrenChanged')
  }

  /** Drops all watches of a connection. */
  forget(watcher: Watcher): void {
    this.dataWatches.removeAll(watcher)
    this.childWatches.removeAll(watcher)
  }

  #insert(path: string, state: NodeState): void {
    this.#nodes.set(path, { state, children: new Set() })
    if (path !== '/') this.#nodes.get(parentOf(path))!.children.add(nameOf(path))
    this.#counted(path, state, 1)
  }

  #counted(path: string, state: NodeState, sign: 1 | -1): void {
    if (!state.isBrokers) this.#clientBytes += sign * bytesOf(path, state)
    if (state.isContainer) listed(this.#containers, path, sign)
    if (state.owner === 0n) return
    const owned = this.#ephemerals.get(state.owner) ?? new Set()
    listed(owned, path, sign)
    if (owned.size === 0) this.#ephemerals.delete(state.owner)
    else this.#ephemerals.set(state.owner, owned)
  }
}

/** Estimated memory of a node. */
export function bytesOf(path: string, { data, acl }: NodeState): number {
  const ofData = typeof data === 'function' || data === null ? 0 : data.length
  return acl.reduce((sum, { scheme, id }) => sum + scheme.length + id.length, NODE_BYTES + 2 * path.length + ofData)
}

function listed(paths: Set<string>, path: string, sign: 1 | -1): void {
  if (sign === 1) paths.add(path)
  else paths.delete(path)
}
