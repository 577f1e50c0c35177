import type { NodeStore, StoredChange } from './node-store.ts'

/** Keeps nodes in memory; an append may be made to wait or to fail. */
export class MemoryNodeStore implements NodeStore {
  /** Everything that was stored, in order. */
  readonly changes: StoredChange[] = []
  /** Called before each append; what it returns is waited for. */
  beforeAppend: () => Promise<void> | undefined = () => undefined

  load(replay: (change: StoredChange) => void): Promise<void> {
    for (const change of this.changes) replay(change)
    return Promise.resolve()
  }

  async append(changes: readonly StoredChange[]): Promise<void> {
    await this.beforeAppend()
    this.changes.push(...changes)
  }

  /** Paths that are stored now. */
  get paths(): string[] {
    const paths = new Set<string>()
    for (const { path, node } of this.changes) node === null ? paths.delete(path) : paths.add(path)
    return [...paths].sort()
  }
}
