import type { MetadataImage, TopicImage } from '../../../metadata/metadata-image.ts'
import { xxh3 } from './xxh3.ts'

/** Version of the layout of a topic's hash; a new layout gets a new number. Source: Utils.TOPIC_HASH_MAGIC_BYTE. */
const LAYOUT = 0

/** How long the hash of unchanged topics is valid, in milliseconds. Kafka's value, meant as for ever. */
export const METADATA_FRESH_MS = 0x7fffffff

/** An unchanged topic has an unchanged hash. */
const topicHashes = new WeakMap<TopicImage, bigint>()

/**
 * Hash over a group's subscribed topics: ids, names, partitions and the racks of their replicas. A signed 64-bit
 * number, as in the log; 0 if none of the topics exists. Source: Utils.computeGroupHash (KIP-1101).
 */
export function metadataHash(topics: Iterable<string>, image: MetadataImage): bigint {
  const found: TopicImage[] = []
  for (const name of topics) {
    const topic = image.topicsByName.get(name)
    if (topic !== undefined) found.push(topic)
  }
  if (found.length === 0) return 0n
  found.sort((a, b) => (a.name < b.name ? -1 : 1))
  const bytes = Buffer.alloc(8 * found.length)
  found.forEach((topic, i) => {
    bytes.writeBigInt64LE(topicHash(topic, image), 8 * i)
  })
  return BigInt.asIntN(64, xxh3(bytes))
}

/** Hashes topics, a step each, and caches the hashes, before a decision that needs all of them. */
export function* hashSteps(names: Iterable<string>, image: MetadataImage): Generator<void, void> {
  for (const name of names) {
    const topic = image.topicsByName.get(name)
    if (topic !== undefined) topicHash(topic, image)
    yield
  }
}

function topicHash(topic: TopicImage, image: MetadataImage): bigint {
  let hash = topicHashes.get(topic)
  if (hash === undefined) {
    hash = BigInt.asIntN(64, xxh3(describe(topic, image)))
    topicHashes.set(topic, hash)
  }
  return hash
}

/** Source: Utils.computeTopicHash. */
function describe(topic: TopicImage, image: MetadataImage): Buffer {
  const parts = [Buffer.from([LAYOUT]), swappedUuid(topic.id), text(topic.name), int32(topic.partitions.length)]
  topic.partitions.forEach(({ replicas }, partition) => {
    parts.push(int32(partition))
    const racks = replicas.map((nodeId) => image.brokers.get(nodeId)?.rack ?? null).filter((rack) => rack !== null)
    for (const rack of racks.sort()) parts.push(int32(rack.length), text(rack))
  })
  return Buffer.concat(parts)
}

/** Two 64-bit numbers, each little-endian. */
function swappedUuid(id: string): Buffer {
  const bytes = Buffer.from(id, 'base64url')
  return Buffer.concat([bytes.subarray(0, 8).reverse(), bytes.subarray(8, 16).reverse()])
}

/** Encodes a string like hash4j: UTF-16, then the number of code units. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(value, 'utf16le'), int32(value.length)])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
