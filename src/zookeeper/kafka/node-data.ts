/*
 * Data of Kafka's nodes: JSON in the formats of Kafka 2.8. What clients write is read leniently where Kafka is lenient
 * (unknown fields), and is undefined if it does not have the expected shape. Source: ZkData.scala.
 */
import { inUrl } from '../../config/listeners.ts'
import type { PartitionImage, TopicImage } from '../../metadata/metadata-image.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

function encoded(value: Json): Buffer {
  return Buffer.from(JSON.stringify(value))
}

/** Address of a broker as its node shows it. */
export interface ShownEndpoint {
  readonly listener: string
  readonly host: string
  readonly port: number
  readonly securityProtocol: string
}

/** /brokers/ids/N. host and port repeat the first plaintext endpoint, for clients of 0.8. Source: BrokerIdZNode. */
export function brokerData(endpoints: readonly ShownEndpoint[], rack: string | null, timestampMs: number): Buffer {
  const plain = endpoints.find(({ securityProtocol }) => securityProtocol === 'PLAINTEXT')
  return encoded({
    features: {},
    listener_security_protocol_map: Object.fromEntries(
      endpoints.map(({ listener, securityProtocol }) => [listener, securityProtocol]),
    ),
    endpoints: endpoints.map(({ listener, host, port }) => `${listener}://${inUrl(host)}:${port}`),
    jmx_port: -1,
    port: plain?.port ?? -1,
    host: plain?.host ?? null,
    version: 5,
    timestamp: String(timestampMs),
    ...(rack === null ? {} : { rack }),
  })
}

/** /controller. */
export function controllerData(brokerId: number, timestampMs: number): Buffer {
  return encoded({ version: 1, brokerid: brokerId, timestamp: String(timestampMs) })
}

/** /cluster/id. */
export function clusterIdData(id: string): Buffer {
  return encoded({ version: '1', id })
}

/** /feature: enabled, without features. What ZooKeeper's Kafka had as features is not what KRaft has. */
export function featureData(): Buffer {
  return encoded({ features: {}, version: 1, status: 1 })
}

/** /latest_producer_id_block: the last block of 1,000 ids that was reserved; undefined if none was. */
export function producerIdBlockData(brokerId: number, nextProducerId: number): Buffer | undefined {
  if (nextProducerId === 0) return undefined
  const [start, end] = [nextProducerId - 1000, nextProducerId - 1]
  return encoded({ version: 1, broker: brokerId, block_start: String(start), block_end: String(end) })
}

/** /brokers/topics/T. Source: TopicZNode. */
export function topicData({ id, partitions }: TopicImage): Buffer {
  const byPartition = (of: (partition: PartitionImage) => readonly number[], keepEmpty: boolean) =>
    Object.fromEntries(
      partitions.flatMap((each, index) => (keepEmpty || of(each).length > 0 ? [[index, of(each)] as const] : [])),
    )
  return encoded({
    partitions: byPartition(({ replicas }) => replicas, true),
    topic_id: id,
    adding_replicas: byPartition(({ addingReplicas }) => addingReplicas, false),
    removing_replicas: byPartition(({ removingReplicas }) => removingReplicas, false),
    version: 3,
  })
}

/** /brokers/topics/T/partitions/P/state. Source: TopicPartitionStateZNode. */
export function partitionStateData({ leader, leaderEpoch, isr }: PartitionImage, controllerEpoch: number): Buffer {
  return encoded({ controller_epoch: controllerEpoch, leader, version: 1, leader_epoch: leaderEpoch, isr })
}

/** /config/TYPE/NAME. Source: ConfigEntityZNode. */
export function configData(settings: Iterable<readonly [string, string]>): Buffer {
  return encoded({ version: 1, config: Object.fromEntries(settings) })
}

function parsed(data: Buffer | null): { readonly [name: string]: Json } | undefined {
  if (data === null) return undefined
  let value: Json
  try {
    value = JSON.parse(data.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  return isObject(value) ? value : undefined
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isReplicas(value: Json | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((id) => Number.isInteger(id))
}

/** Replicas by partition in /brokers/topics/T; undefined if malformed. */
export function readTopicData(data: Buffer | null): ReadonlyMap<number, readonly number[]> | undefined {
  const partitions = parsed(data)?.partitions
  if (!isObject(partitions)) return undefined
  const assignments = new Map<number, readonly number[]>()
  for (const [partition, replicas] of Object.entries(partitions)) {
    if (!/^\d{1,9}$/.test(partition) || !isReplicas(replicas)) return undefined
    assignments.set(Number(partition), replicas)
  }
  return assignments
}

/** Reason for the log where `readConfigData` finds no settings. */
export const MALFORMED_SETTINGS = 'the data of settings must be {"version":1,"config":{"name":"value"}}'

/** Settings in /config/TYPE/NAME; no data or no settings: none. Undefined if malformed. Numbers become text, as in Kafka. */
export function readConfigData(data: Buffer | null): ReadonlyMap<string, string> | undefined {
  if (data === null || data.length === 0) return new Map()
  const value = parsed(data)
  if (value === undefined) return undefined
  const { config = {} } = value
  if (!isObject(config)) return undefined
  const settings = new Map<string, string>()
  for (const [name, setting] of Object.entries(config)) {
    if (typeof setting !== 'string' && typeof setting !== 'number') return undefined
    settings.set(name, String(setting))
  }
  return settings
}

/** A partition in /admin/preferred_replica_election or /admin/reassign_partitions. */
export interface NamedPartition {
  readonly topic: string
  readonly partition: number
}

export interface ReassignedPartition extends NamedPartition {
  readonly replicas: readonly number[]
}

/** Partitions of /admin/preferred_replica_election; undefined if malformed. */
export function readElectionData(data: Buffer | null): readonly NamedPartition[] | undefined {
  return readPartitions(data, ({ topic, partition }) => namedPartition(topic, partition))
}

/** /admin/reassign_partitions. Source: ReassignPartitionsZNode. */
export function reassignmentData(reassigned: readonly ReassignedPartition[]): Buffer {
  const partitions = reassigned.map(({ topic, partition, replicas }) => ({ topic, partition, replicas }))
  return encoded({ version: 1, partitions })
}

/** Partitions of /admin/reassign_partitions; undefined if malformed. */
export function readReassignmentData(data: Buffer | null): readonly ReassignedPartition[] | undefined {
  return readPartitions(data, ({ topic, partition, replicas }) => {
    const named = namedPartition(topic, partition)
    return named === undefined || !isReplicas(replicas) ? undefined : { ...named, replicas }
  })
}

function namedPartition(topic: Json | undefined, partition: Json | undefined): NamedPartition | undefined {
  return typeof topic === 'string' && Number.isInteger(partition)
    ? { topic, partition: partition as number }
    : undefined
}

function readPartitions<T>(
  data: Buffer | null,
  read: (entry: { readonly [name: string]: Json }) => T | undefined,
): readonly T[] | undefined {
  const partitions = parsed(data)?.partitions
  if (!Array.isArray(partitions)) return undefined
  const found: T[] = []
  for (const entry of partitions as readonly Json[]) {
    const one = isObject(entry) ? read(entry) : undefined
    if (one === undefined) return undefined
    found.push(one)
  }
  return found
}
