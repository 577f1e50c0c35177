import type { EventType } from './op-codes.ts'

/** A connection that is told of changes. */
export interface Watcher {
  /** 0: no session. */
  readonly sessionId: bigint
  notify(type: EventType, path: string): void
}

/** Memory of one watch besides its path: an entry in two maps. */
const WATCH_BYTES = 200

/** Watches of one kind: each is told once. Source: WatchManager. */
export class Watches {
  readonly #byPath = new Map<string, Set<Watcher>>()
  readonly #byWatcher = new Map<Watcher, Set<string>>()
  #count = 0
  #bytes = 0

  get count(): number {
    return this.#count
  }

  /** Estimated memory. */
  get bytes(): number {
    return this.#bytes
  }

  get byPath(): ReadonlyMap<string, ReadonlySet<Watcher>> {
    return this.#byPath
  }

  get byWatcher(): ReadonlyMap<Watcher, ReadonlySet<string>> {
    return this.#byWatcher
  }

  countOf(watcher: Watcher): number {
    return this.#byWatcher.get(watcher)?.size ?? 0
  }

  has(path: string, watcher: Watcher): boolean {
    return this.#byPath.get(path)?.has(watcher) ?? false
  }

  /** Does nothing if there is the watch already. */
  add(path: string, watcher: Watcher): void {
    if (this.has(path, watcher)) return
    setIn(this.#byPath, path).add(watcher)
    setIn(this.#byWatcher, watcher).add(path)
    this.#counted(path, 1)
  }

  /** Whether there was the watch. */
  remove(path: string, watcher: Watcher): boolean {
    if (!this.has(path, watcher)) return false
    removeFrom(this.#byPath, path, watcher)
    removeFrom(this.#byWatcher, watcher, path)
    this.#counted(path, -1)
    return true
  }

  /** Drops all watches of a connection. */
  removeAll(watcher: Watcher): void {
    for (const path of [...(this.#byWatcher.get(watcher) ?? [])]) this.remove(path, watcher)
  }

  /** Tells and removes all watches of the path, except those in `told`. Returns the connections that had one. */
  trigger(path: string, type: EventType, told?: ReadonlySet<Watcher>): ReadonlySet<Watcher> {
    const watchers = new Set(this.#byPath.get(path))
    for (const watcher of watchers) this.remove(path, watcher)
    for (const watcher of watchers) if (!told?.has(watcher)) watcher.notify(type, path)
    return watchers
  }

  #counted(path: string, sign: 1 | -1): void {
    this.#count += sign
    this.#bytes += sign * (WATCH_BYTES + path.length)
  }
}

function setIn<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  const set = sets.get(key) ?? new Set()
  sets.set(key, set)
  return set
}

function removeFrom<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key)
  if (set?.delete(value) && set.size === 0) sets.delete(key)
}
