import type { Cluster } from '../cluster.ts'
import { ClusterError } from '../cluster-error.ts'
import type { PartitionImage } from '../metadata/metadata-image.ts'

/** Running brokers of one cluster. */
export interface RunningCluster {
  /** Address of the first broker. */
  readonly host: string
  readonly port: number
  /** Addresses for clients, of all brokers: `127.0.0.1:54321,127.0.0.1:54322`. They stay the same while brokers stop. */
  readonly bootstrapServers: string
  readonly dataDirectory: string
  /** Address for ZooKeeper's clients, if the setting `zookeeper.connect` asks for it: `127.0.0.1:2181`. */
  readonly zooKeeperConnect: string | undefined
  /** All brokers, also those that are stopped, by node id. */
  readonly brokers: readonly ClusterBroker[]
  /** The broker with the node id. Throws ClusterError if there is none. */
  broker(nodeId: number): ClusterBroker
  /** Adds a broker with the next node id and starts it. Existing partitions stay where they are. */
  addBroker(options?: { readonly rack?: string }): Promise<ClusterBroker>
  partition(topic: string, partition: number): ClusterPartition
  /** A consumer group, of either protocol. */
  group(groupId: string): ClusterGroup
  /** Stops all brokers and removes the temporary directory, if there is one. Safe to call twice. */
  close(): Promise<void>
}

/** A broker of the cluster. Its methods resolve when clients can see the change. */
export interface ClusterBroker {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly isRunning: boolean
  /** Stops it as an administrator does: others take over first what it leads and coordinates. */
  stop(): Promise<void>
  /** Ends it as a crash does: its connections close at once, and only then others take over. */
  kill(): Promise<void>
  /** Starts it again, at the same address. */
  start(): Promise<void>
  /** Stops it, if it runs, and removes it from the cluster. Its replicas stay assigned to it. */
  remove(): Promise<void>
}

/** A partition. Each property is looked up when it is read; it throws ClusterError if there is no such partition. */
export interface ClusterPartition {
  /** Node id; undefined: it has no leader. */
  readonly leader: number | undefined
  readonly leaderEpoch: number
  /** Node ids, the preferred leader first. */
  readonly replicas: readonly number[]
  /** Node ids of the in-sync replicas. */
  readonly isr: readonly number[]
  /** Makes an in-sync replica the leader. Rejects with ClusterError, which names Kafka's error, if it cannot lead. */
  moveLeader(nodeId: number): Promise<void>
}

/** A consumer group. */
export interface ClusterGroup {
  /** Node id of its coordinator. Undefined: none, or the group's partition of __consumer_offsets is not created yet. */
  readonly coordinator: number | undefined
  /** Moves the coordinator, with all groups on the same partition of __consumer_offsets. Rejects like moveLeader. */
  moveCoordinator(nodeId: number): Promise<void>
}

/** The cluster for its users. removeData: called once it is closed. */
export function runningCluster(cluster: Cluster, dataDirectory: string, removeData: () => void): RunningCluster {
  const brokers = new Map<number, ClusterBroker>()
  const add = (nodeId: number) => {
    const broker = clusterBroker(cluster, nodeId, () => brokers.delete(nodeId))
    brokers.set(nodeId, broker)
    return broker
  }
  const [first] = cluster.brokers.nodeIds.map(add)
  const { host, port } = first!
  const zooKeeper = cluster.zooKeeperAddress
  return {
    host,
    port,
    get bootstrapServers() {
      return [...brokers.values()].map((each) => `${each.host}:${each.port}`).join(',')
    },
    dataDirectory,
    zooKeeperConnect: zooKeeper === undefined ? undefined : `${zooKeeper.host}:${zooKeeper.port}`,
    get brokers() {
      return [...brokers.values()]
    },
    broker(nodeId) {
      const broker = brokers.get(nodeId)
      if (broker === undefined) throw new ClusterError(`there is no broker ${nodeId}`)
      return broker
    },
    addBroker: async ({ rack } = {}) => add(await cluster.brokers.add(rack)),
    partition: (topic, partition) => clusterPartition(cluster, topic, partition),
    group: (groupId) => clusterGroup(cluster, groupId),
    async close() {
      await cluster.stop()
      removeData()
    },
  }
}

function clusterBroker(cluster: Cluster, nodeId: number, forget: () => void): ClusterBroker {
  const { brokers } = cluster
  const [address] = brokers.addressesOf(nodeId)
  const { host, port } = address!
  const rack = brokers.running.get(nodeId)?.rack ?? null
  return {
    nodeId,
    host,
    port,
    rack,
    get isRunning() {
      return brokers.running.has(nodeId)
    },
    stop: () => brokers.stop(nodeId),
    kill: () => brokers.kill(nodeId),
    start: () => brokers.start(nodeId),
    async remove() {
      await brokers.remove(nodeId)
      forget()
    },
  }
}

function clusterPartition(cluster: Cluster, topic: string, index: number): ClusterPartition {
  const found = (): PartitionImage => {
    const partition = cluster.metadata.image.topicsByName.get(topic)?.partitions[index]
    if (partition !== undefined) return partition
    throw new ClusterError(`there is no partition ${topic}-${index}`, 'UNKNOWN_TOPIC_OR_PARTITION')
  }
  return {
    get leader() {
      const { leader } = found()
      return leader === -1 ? undefined : leader
    },
    get leaderEpoch() {
      return found().leaderEpoch
    },
    get replicas() {
      return found().replicas
    },
    get isr() {
      return found().isr
    },
    async moveLeader(nodeId) {
      const { leader, isr } = found()
      if (leader === nodeId) return
      const refusal = await cluster.moveLeader(topic, index, nodeId)
      if (refusal === undefined) return
      const why = isr.includes(nodeId) ? '' : `: its in-sync replicas are ${isr.join(', ') || 'none'}`
      throw new ClusterError(`broker ${nodeId} cannot lead ${topic}-${index}${why} (${refusal.error})`, refusal.error)
    },
  }
}

function clusterGroup(cluster: Cluster, groupId: string): ClusterGroup {
  const partition = () => clusterPartition(cluster, ...cluster.partitionOfGroup(groupId))
  return {
    get coordinator() {
      const [topic] = cluster.partitionOfGroup(groupId)
      return cluster.metadata.image.topicsByName.has(topic) ? partition().leader : undefined
    },
    moveCoordinator: (nodeId) => partition().moveLeader(nodeId),
  }
}
