/** Number of shards. A change copies this many references and one shard. */
const SHARDS = 256

/**
 * An immutable map with string keys. A changed copy shares unchanged shards: with ten thousand entries a change copies
 * about forty entries. Iteration order is arbitrary, but the same for the same history.
 */
export class ShardedMap<V> implements ReadonlyMap<string, V> {
  readonly size: number
  readonly #shards: readonly (ReadonlyMap<string, V> | undefined)[]

  private constructor(shards: readonly (ReadonlyMap<string, V> | undefined)[], size: number) {
    this.#shards = shards
    this.size = size
  }

  static empty<V>(): ShardedMap<V> {
    return new ShardedMap<V>([], 0)
  }

  get(key: string): V | undefined {
    return this.#shards[shardOf(key)]?.get(key)
  }

  has(key: string): boolean {
    return this.#shards[shardOf(key)]?.has(key) ?? false
  }

  *entries(): Generator<[string, V], undefined> {
    for (const shard of this.#shards) if (shard !== undefined) yield* shard.entries()
  }
  *keys(): Generator<string, undefined> {
    for (const shard of this.#shards) if (shard !== undefined) yield* shard.keys()
  }
  *values(): Generator<V, undefined> {
    for (const shard of this.#shards) if (shard !== undefined) yield* shard.values()
  }
  [Symbol.iterator](): Generator<[string, V], undefined> {
    return this.entries()
  }

  forEach(callback: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this)
  }

  /** Starts a set of changes. This map does not change. */
  change(): ShardedMapChange<V> {
    return new ShardedMapChange(this.#shards, this.size, (shards, size) => new ShardedMap(shards, size))
  }
}

/** Changes to a map. Copies each shard on its first change. */
export class ShardedMapChange<V> {
  readonly #shards: (ReadonlyMap<string, V> | undefined)[]
  readonly #own: (Map<string, V> | undefined)[] = []
  readonly #make: (shards: readonly (ReadonlyMap<string, V> | undefined)[], size: number) => ShardedMap<V>
  #size: number

  constructor(
    shards: readonly (ReadonlyMap<string, V> | undefined)[],
    size: number,
    make: (shards: readonly (ReadonlyMap<string, V> | undefined)[], size: number) => ShardedMap<V>,
  ) {
    this.#shards = [...shards]
    this.#size = size
    this.#make = make
  }

  get(key: string): V | undefined {
    return this.#shards[shardOf(key)]?.get(key)
  }

  set(key: string, value: V): void {
    const shard = this.#owned(key)
    const before = shard.size
    shard.set(key, value)
    this.#size += shard.size - before
  }

  delete(key: string): void {
    if (this.get(key) === undefined) return
    this.#owned(key).delete(key)
    this.#size--
  }

  /** The changed map. No more changes after this. */
  finish(): ShardedMap<V> {
    return this.#make(this.#shards, this.#size)
  }

  #owned(key: string): Map<string, V> {
    const index = shardOf(key)
    let own = this.#own[index]
    if (own === undefined) {
      own = new Map(this.#shards[index])
      this.#own[index] = own
      this.#shards[index] = own
    }
    return own
  }
}

/** FNV-1a over UTF-16 units. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 16)) & (SHARDS - 1)
}
