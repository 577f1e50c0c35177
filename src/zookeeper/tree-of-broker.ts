import type { Clock } from '../../storage/host/host.ts'
import type { BrokerTree, NodeData } from './broker-nodes.ts'
import type { DataTree } from './data-tree.ts'
import { parentOf } from './node-path.ts'
import { createdState, type NodeState, openAcl, withChild, withData, withoutChild } from './node-state.ts'
import type { Zxids } from './zxids.ts'

/** What the changes of the broker need. */
export interface TreeOfBrokerParts {
  readonly tree: DataTree
  readonly zxids: Zxids
  readonly clock: Clock
  /** '' or a path. */
  readonly chroot: string
  /** Session id that the broker's ephemeral nodes carry. */
  readonly owner: bigint
  /** Called when stored nodes of clients are gone (`takeForgotten`). */
  readonly onForgotten: () => void
}

/** The tree as the broker's side changes it, at once or when the change of a client that is being stored is made. */
export class TreeOfBroker implements BrokerTree {
  readonly #parts: TreeOfBrokerParts
  readonly #forgotten = new Set<string>()
  #isHeld = false
  #held: (() => void)[] = []

  constructor(parts: TreeOfBrokerParts) {
    this.#parts = parts
  }

  /** Holds changes back: what is being stored was planned against the tree as it is. */
  hold(): void {
    this.#isHeld = true
  }

  /** Makes the changes that were held back. */
  release(): void {
    this.#isHeld = false
    for (const change of this.#held.splice(0)) change()
  }

  /** Whole paths of stored nodes that are gone or have become the broker's. Each is returned once. */
  takeForgotten(): string[] {
    const paths = [...this.#forgotten].filter((path) => this.#parts.tree.get(path)?.isBrokers !== false)
    this.#forgotten.clear()
    return paths
  }

  put(path: string, data: NodeData, { isEphemeral = false }: { readonly isEphemeral?: boolean } = {}): void {
    this.#whenFree(() => this.#put(this.#whole(path), data, isEphemeral))
  }

  remove(path: string): void {
    this.#whenFree(() => this.#remove(this.#whole(path)))
  }

  has(path: string): boolean {
    return this.#parts.tree.get(this.#whole(path)) !== undefined
  }

  data(path: string): Buffer | null | undefined {
    const data = this.#parts.tree.get(this.#whole(path))?.data
    return typeof data === 'function' ? undefined : data
  }

  children(path: string): readonly string[] {
    return [...this.#parts.tree.children(this.#whole(path))]
  }

  /** Makes a node without data and its parents, where there are none: for the chroot. */
  putWithParents(path: string): void {
    if (path === '/' || this.#parts.tree.get(path) !== undefined) return
    this.putWithParents(parentOf(path))
    this.#put(path, null, false)
  }

  #whenFree(change: () => void): void {
    if (this.#isHeld) this.#held.push(change)
    else change()
  }

  #put(path: string, data: NodeData, isEphemeral: boolean): void {
    const { tree, zxids, clock, owner } = this.#parts
    const state = tree.get(path)
    if (state === undefined) {
      const parent = tree.get(parentOf(path))
      if (parent === undefined) throw new Error(`${path} has no parent`)
      const zxid = zxids.take()
      const node = { data, isBrokers: true, acl: openAcl, owner: isEphemeral ? owner : 0n }
      tree.create(path, createdState(node, zxid, clock.nowMs()), withChild(parent, zxid))
      return
    }
    const taken: NodeState = state.isBrokers ? state : { ...state, isBrokers: true, isContainer: false, owner: 0n }
    if (isSame(state.data, data)) tree.replace(path, taken)
    else tree.setData(path, withData(taken, data, zxids.take(), clock.nowMs()))
    if (!state.isBrokers) this.#forget(path, state)
  }

  #remove(path: string): void {
    const { tree, zxids } = this.#parts
    const state = tree.get(path)
    if (state === undefined) return
    for (const name of [...tree.children(path)]) this.#remove(`${path}/${name}`)
    tree.remove(path, withoutChild(tree.get(parentOf(path))!, zxids.take()))
    if (!state.isBrokers) this.#forget(path, state)
  }

  /** Call it after the change: a node of clients that is still in the tree is kept in the store. */
  #forget(path: string, { owner }: NodeState): void {
    if (owner !== 0n) return
    this.#forgotten.add(path)
    this.#parts.onForgotten()
  }

  #whole(path: string): string {
    return path === '/' ? this.#parts.chroot || '/' : `${this.#parts.chroot}${path}`
  }
}

function isSame(before: NodeData, after: NodeData): boolean {
  return Buffer.isBuffer(before) && Buffer.isBuffer(after) ? before.equals(after) : before === after
}
