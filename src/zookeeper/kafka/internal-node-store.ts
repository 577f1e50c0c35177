import { isRejection } from '../../../protocol/error-codes.ts'
import { decodeKey, decodeValue } from '../../../protocol/internal-records/coordinator-framing.ts'
import { ZooKeeperNodeRecord, type ZooKeeperNodeValue } from '../../../protocol/internal-records/zookeeper-records.ts'
import type { Timers } from '../../../storage/host/host.ts'
import type { Slices } from '../../../storage/host/turn-slices.ts'
import type { ConfigStore } from '../../config/config-store.ts'
import { encodeRecords, record, tombstone } from '../../coordinator/coordinator-record.ts'
import { AppendRefused, PartitionStateLog } from '../../coordinator/partition-state-log.ts'
import { autoCreatedTopic } from '../../metadata/auto-created-topics.ts'
import type { MetadataStore } from '../../metadata/metadata-store.ts'
import { ZOOKEEPER_NODE_TOPIC as NODE_TOPIC } from '../../metadata/topic-names.ts'
import type { FoundPartition } from '../../partition/partition-registry.ts'
import type { NodeStore, StoredChange, StoredNode } from '../node-store.ts'

const PARTITION = 0
const VALUE_VERSION = 0
/** Others lead what a dead broker led at once; if they cannot, clients should not wait longer than their sessions last. */
const LEADER_WITHIN_MS = 3000

export interface InternalNodeStoreParts {
  readonly slices: Slices
  readonly timers: Timers
  readonly configs: ConfigStore
  readonly metadata: MetadataStore
  /** A partition at its leader. */
  leaderFor(topic: string, partition: number): FoundPartition | Promise<FoundPartition>
  nowMs(): number
}

/** Nodes as records of an internal topic, keyed by path: they survive whatever records survive. */
export class InternalNodeStore implements NodeStore {
  readonly #parts: InternalNodeStoreParts
  readonly #log: PartitionStateLog

  constructor(parts: InternalNodeStoreParts) {
    this.#parts = parts
    this.#log = new PartitionStateLog(() => this.#find(), parts.slices)
  }

  async load(replay: (change: StoredChange) => void): Promise<void> {
    if (!this.#exists) return
    await this.#log.load(({ key, value }) => {
      const path = decodeKey(ZooKeeperNodeRecord, key).path.toString('utf8')
      replay({ path, node: value === null ? null : storedNode(decodeValue(ZooKeeperNodeRecord, value)) })
    })
  }

  async append(changes: readonly StoredChange[]): Promise<void> {
    if (!this.#exists) await this.#create()
    const records = changes.map(({ path, node }) =>
      node === null
        ? tombstone(ZooKeeperNodeRecord, { path: Buffer.from(path) })
        : record(ZooKeeperNodeRecord, VALUE_VERSION, { path: Buffer.from(path) }, nodeValue(node)),
    )
    await this.#log.append(encodeRecords(records), { nowMs: this.#parts.nowMs() })
  }

  /** The partition. Waits a while for another leader if its broker has just died. */
  #find(): FoundPartition | Promise<FoundPartition> {
    const found = this.#parts.leaderFor(NODE_TOPIC, PARTITION)
    return isUnled(found) ? this.#whenLed() : found
  }

  #whenLed(): Promise<FoundPartition> {
    const { metadata, timers } = this.#parts
    return new Promise((resolve) => {
      const look = (isLast: boolean) => {
        const found = this.#parts.leaderFor(NODE_TOPIC, PARTITION)
        if (isUnled(found) && !isLast) return
        forget()
        timer.cancel()
        resolve(found)
      }
      const forget = metadata.onChange(() => look(false))
      const timer = timers.after(LEADER_WITHIN_MS, () => look(true))
    })
  }

  get #exists(): boolean {
    return this.#parts.metadata.image.topicsByName.has(NODE_TOPIC)
  }

  async #create(): Promise<void> {
    const { configs, metadata } = this.#parts
    const topic = autoCreatedTopic(NODE_TOPIC, configs.broker, metadata.image.brokers.size)
    const [made] = await metadata.createTopics([topic], { nowMs: this.#parts.nowMs() })
    if (isRejection(made)) throw new AppendRefused(`topic ${NODE_TOPIC} cannot be created: ${made.error}`)
  }
}

function isUnled(found: FoundPartition | Promise<FoundPartition>): boolean {
  if (found instanceof Promise || !isRejection(found)) return false
  return found.error === 'LEADER_NOT_AVAILABLE' || found.error === 'NOT_LEADER_OR_FOLLOWER'
}

function nodeValue(node: StoredNode): ZooKeeperNodeValue {
  const acl = node.acl.map(({ perms, scheme, id }) => ({ perms, scheme: Buffer.from(scheme), id: Buffer.from(id) }))
  return { ...node, acl }
}

/** Copies the data: the record is a view into a buffer that is used again. */
function storedNode(value: ZooKeeperNodeValue): StoredNode {
  const acl = value.acl.map(({ perms, scheme, id }) => ({ perms, scheme: scheme.toString(), id: id.toString() }))
  return { ...value, data: value.data === null ? null : Buffer.from(value.data), acl }
}
