import { hash } from 'node:crypto'
import { readInt64, writeInt64 } from '../../protocol/int64.ts'
import { STEP_BYTES, type Steps } from '../../protocol/steps.ts'

/** A slot: 16 bytes of hash, then 8 bytes of offset plus one; 0: free. */
const SLOT_BYTES = 24
const HASH_BYTES = 16
const FIRST_SLOTS = 1024
/** The map grows when more than this share of its slots is used, up to its limit. */
const GROWING_LOAD_FACTOR = 0.75
/** Highest load. The search for a missing key ends at a free slot, so free slots must be frequent. */
const LARGEST_LOAD_FACTOR = 0.95
/** Slots that a growing map moves in one step. */
const MOVED_PER_STEP = 4096

/**
 * The last offset of each key. Stores only the MD5 of a key, as in Kafka: 16 bytes whatever the key's length, and
 * collisions within a topic are practically impossible. Grows up to a memory limit. Source: SkimpyOffsetMap.
 */
export class OffsetMap {
  readonly #mostSlots: number
  readonly #mostKeys: number
  #slots: number
  #bytes: Buffer
  #count = 0

  /**
   * limitBytes: from log.cleaner.dedupe.buffer.size. loadFactor: highest share of used slots
   * (log.cleaner.io.buffer.load.factor).
   */
  constructor(limitBytes: number, loadFactor = GROWING_LOAD_FACTOR) {
    this.#mostSlots = Math.max(2, Math.floor(limitBytes / SLOT_BYTES))
    // Without room for a single key nothing would ever be compacted.
    this.#mostKeys = Math.max(1, Math.floor(this.#mostSlots * Math.min(loadFactor, LARGEST_LOAD_FACTOR)))
    this.#slots = Math.min(FIRST_SLOTS, this.#mostSlots)
    this.#bytes = Buffer.alloc(this.#slots * SLOT_BYTES)
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count >= this.#mostKeys
  }

  /** True: the next new key needs more slots, and the map may still get them. */
  get mustGrow(): boolean {
    return this.#slots < this.#mostSlots && this.#count >= this.#slots * GROWING_LOAD_FACTOR
  }

  /** Call `grow` before, if the map must. */
  put(key: Buffer, offset: number): void {
    const digest = digestOf(key)
    const at = this.#find(digest, 0)
    if (readInt64(this.#bytes, at + HASH_BYTES) === 0) {
      digest.copy(this.#bytes, at)
      this.#count++
    }
    writeInt64(this.#bytes, at + HASH_BYTES, offset + 1)
  }

  /** undefined: the key is not in the map. */
  get(key: Buffer): number | undefined {
    const value = readInt64(this.#bytes, this.#find(digestOf(key), 0) + HASH_BYTES)
    return value === 0 ? undefined : value - 1
  }

  /** Position of the slot with the hash, or of the free slot for it. */
  #find(digest: Buffer, digestStart: number): number {
    let slot = digest.readUInt32BE(digestStart) % this.#slots
    for (;;) {
      const at = slot * SLOT_BYTES
      const isFree = readInt64(this.#bytes, at + HASH_BYTES) === 0
      if (isFree || this.#bytes.compare(digest, digestStart, digestStart + HASH_BYTES, at, at + HASH_BYTES) === 0) {
        return at
      }
      slot = slot + 1 === this.#slots ? 0 : slot + 1
    }
  }

  /** Twice as many slots, up to the limit. The map must not be used meanwhile. */
  *grow(): Steps<void> {
    const old = this.#bytes
    const oldSlots = this.#slots
    this.#slots = Math.min(this.#mostSlots, oldSlots * 2)
    this.#bytes = Buffer.alloc(this.#slots * SLOT_BYTES)
    for (let slot = 0; slot < oldSlots; slot++) {
      const at = slot * SLOT_BYTES
      if (readInt64(old, at + HASH_BYTES) !== 0) old.copy(this.#bytes, this.#find(old, at), at, at + SLOT_BYTES)
      if (slot % MOVED_PER_STEP === MOVED_PER_STEP - 1) yield STEP_BYTES
    }
  }
}

function digestOf(key: Buffer): Buffer {
  return hash('md5', key, 'buffer')
}
