import { ZERO_UUID } from '../../protocol/schema.ts'
import { uuidText, writeUuidText } from '../../protocol/uuid-text.ts'
import type { MetadataImage, PartitionImage } from './metadata-image.ts'

/** Prefix of Kafka's reserved directory ids: unassigned, lost, migrating. */
const NO_DIRECTORY = ZERO_UUID.slice(0, -1)

/** Data directory of a broker's replica in the metadata; undefined if the metadata does not say. */
export function assignedDirectory({ replicas, directories }: PartitionImage, nodeId: number): string | undefined {
  const directory = directories[replicas.indexOf(nodeId)]
  return directory === undefined || directory.startsWith(NO_DIRECTORY) ? undefined : directory
}

/**
 * Replicas whose data is in the data directories of this process. Its brokers share the directories and the one copy of
 * the data. But in the metadata no two brokers have the same directory, as in Kafka: the first broker's ids are those in
 * meta.properties, and a further broker's are made from them and its node id.
 */
export class HostedReplicas {
  readonly firstNodeId: number
  /** Uuids in meta.properties, in the order of log.dirs. */
  readonly directoryIds: readonly string[]
  readonly #nodes = new Set<number>()
  /** By node: the directory in meta.properties by the node's id of it. */
  readonly #owned = new Map<number, ReadonlyMap<string, string>>()

  constructor(firstNodeId: number, directoryIds: readonly string[]) {
    this.firstNodeId = firstNodeId
    this.directoryIds = directoryIds
    this.#nodes.add(firstNodeId)
  }

  /** Brokers of this process, also those that stopped. */
  get nodes(): ReadonlySet<number> {
    return this.#nodes
  }

  /** A broker of this id is going to run in this process. */
  addNode(nodeId: number): void {
    this.#nodes.add(nodeId)
  }

  /** A broker's id of a data directory; given that id, the one in meta.properties. */
  idFor(nodeId: number, directoryId: string): string {
    if (nodeId === this.firstNodeId || directoryId === ZERO_UUID) return directoryId
    const bytes = Buffer.alloc(16)
    writeUuidText(bytes, 0, directoryId)
    bytes.writeInt32BE(bytes.readInt32BE(0) ^ nodeId ^ this.firstNodeId, 0)
    return uuidText(bytes, 0)
  }

  /** True if the id is a broker's id of a data directory of this process. */
  hasDirectory(nodeId: number, id: string): boolean {
    return this.#ownedBy(nodeId).has(id)
  }

  /**
   * The data directory, as in meta.properties, that has the partition's log according to the metadata. Undefined if the
   * metadata does not say, or names no directory of this process.
   */
  directoryOf(partition: PartitionImage): string | undefined {
    for (const node of partition.replicas) {
      const directoryId = this.#ownedBy(node).get(assignedDirectory(partition, node) ?? '')
      if (directoryId !== undefined) return directoryId
    }
    return undefined
  }

  /** True if this process has, or is to have, the partition's data, whether a broker with a replica runs or not. */
  hosts(image: Pick<MetadataImage, 'brokers'>, partition: PartitionImage): boolean {
    return partition.replicas.some((node) => this.hostsReplica(image, partition, node))
  }

  /** The same for one replica. */
  hostsReplica({ brokers }: Pick<MetadataImage, 'brokers'>, partition: PartitionImage, node: number): boolean {
    const isOwn = (id: string) => this.hasDirectory(node, id)
    return (
      this.#nodes.has(node) ||
      isOwn(assignedDirectory(partition, node) ?? '') ||
      (brokers.get(node)?.directories ?? []).some(isOwn)
    )
  }

  #ownedBy(nodeId: number): ReadonlyMap<string, string> {
    let owned = this.#owned.get(nodeId)
    if (owned === undefined) {
      owned = new Map(this.directoryIds.map((id) => [this.idFor(nodeId, id), id]))
      this.#owned.set(nodeId, owned)
    }
    return owned
  }
}
