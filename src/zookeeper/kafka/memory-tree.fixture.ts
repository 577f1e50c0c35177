import type { BrokerTree, ClientView, NodeData } from '../broker-nodes.ts'

/** The broker's nodes in memory. Checks what a real tree demands: parents first. */
export class MemoryTree implements BrokerTree {
  readonly #nodes = new Map<string, NodeData>()
  /** Changes in order: `put PATH` or `remove PATH`. */
  readonly history: string[] = []
  readonly ephemerals = new Set<string>()

  put(path: string, data: NodeData, { isEphemeral = false } = {}): void {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (parent !== '' && !this.#nodes.has(parent)) throw new Error(`${path} has no parent`)
    if (isEphemeral) this.ephemerals.add(path)
    if (this.#isSame(path, data)) return
    this.#nodes.set(path, data)
    this.history.push(`put ${path}`)
  }

  #isSame(path: string, data: NodeData): boolean {
    const before = this.#nodes.get(path)
    if (before === undefined || typeof before === 'function' || typeof data === 'function') return false
    return before === null || data === null ? before === data : before.equals(data)
  }

  remove(path: string): void {
    for (const each of [...this.#nodes.keys()]) {
      if (each !== path && !each.startsWith(`${path}/`)) continue
      this.#nodes.delete(each)
      this.history.push(`remove ${each}`)
    }
  }

  has(path: string): boolean {
    return this.#nodes.has(path)
  }

  data(path: string): Buffer | null | undefined {
    const data = this.#nodes.get(path)
    return typeof data === 'function' ? undefined : data
  }

  children(path: string): string[] {
    const prefix = `${path}/`
    return [...this.#nodes.keys()]
      .filter((each) => each.startsWith(prefix) && !each.includes('/', prefix.length))
      .map((each) => each.slice(prefix.length))
  }

  /** Data as text, for the client at that address; undefined if there is no node. */
  text(path: string, view: ClientView = { localAddress: '127.0.0.1', localPort: 2181 }): string | null | undefined {
    const data = this.#nodes.get(path)
    return (typeof data === 'function' ? data(view) : data)?.toString() ?? (data === null ? null : undefined)
  }
}
