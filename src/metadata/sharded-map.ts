/** Pieces that a map is cut into: a change copies this many references and one piece. */
const SHARDS = 256

/**
 * An immutable map of strings whose changed copies share what did not change: with ten thousand entries a change costs
 * about forty of them. Order of iteration is arbitrary, but fixed for the same history.
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

  /** Starts a set of changes; this map stays as it is. */
  change(): ShardedMapChange<V> {
    return new ShardedMapChange(this.#shards, this.size, (shards, size) => new ShardedMap(shards, size))
  }
}

/** Changes to a map, each shard copied at the first change to it. */
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

  /** The changed map. Further changes are not allowed. */
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
