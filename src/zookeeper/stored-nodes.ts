import type { DataTree } from './data-tree.ts'
import { nameOf, parentOf, specialPaths } from './node-path.ts'
import { type NodeState, stateOfStored } from './node-state.ts'
import type { NodeStore, StoredNode } from './node-store.ts'

/** Nodes of clients as they were stored, by path. */
export type StoredNodes = ReadonlyMap<string, StoredNode>

/** Reads the newest content of each path. */
export async function loadNodes(store: NodeStore): Promise<StoredNodes> {
  const nodes = new Map<string, StoredNode>()
  await store.load(({ path, node }) => {
    if (node === null) nodes.delete(path)
    else nodes.set(path, node)
  })
  return nodes
}

/** The newest zxid in stored nodes; 0 if there are none. */
export function lastZxidOf(nodes: StoredNodes): number {
  let last = 0
  for (const { czxid, mzxid, pzxid } of nodes.values()) last = Math.max(last, czxid, mzxid, pzxid)
  return last
}

/**
 * Puts stored nodes into a tree that has the broker's nodes. Returns the paths that have no place: the broker has a node
 * there now, or the parent is gone.
 */
export function placeNodes(tree: DataTree, nodes: StoredNodes): string[] {
  const unplaced: string[] = []
  // A parent's path sorts before those of its children.
  for (const path of [...nodes.keys()].sort()) {
    const state = stateOfStored(nodes.get(path)!)
    const parent = tree.get(parentOf(path))
    if (specialPaths.includes(path)) tree.replace(path, state)
    else if (parent === undefined || tree.get(path) !== undefined) unplaced.push(path)
    else tree.create(path, state, withStoredChild(parent, path))
  }
  return unplaced
}

const SEQUENCE = /\d{10}$/

/** The broker's nodes are not stored, so their count of children starts anew: no number may come twice. */
function withStoredChild(parent: NodeState, path: string): NodeState {
  if (!parent.isBrokers) return parent
  const number = SEQUENCE.exec(nameOf(path))?.[0]
  return { ...parent, cversion: Math.max(parent.cversion + 1, number === undefined ? 0 : Number(number) + 1) }
}
