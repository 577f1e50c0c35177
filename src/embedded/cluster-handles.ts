import type { Cluster } from '../cluster.ts'
import { ClusterError } from '../cluster-error.ts'
import type { PartitionImage } from '../metadata/metadata-image.ts'
import type {
  ClusterBroker,
  ClusterGroup,
  ClusterPartition,
  ClusterTransactionalId,
  RunningCluster,
} from './running-cluster.ts'

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
    transactionalId: (transactionalId) => clusterTransactionalId(cluster, transactionalId),
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

/** Coordinator of a group or transactional id. missing: what to do if it has none yet. */
function coordinated(
  cluster: Cluster,
  place: () => readonly [topic: string, partition: number],
  missing: string,
): ClusterGroup & ClusterTransactionalId {
  const found = (): ClusterPartition | undefined => {
    const [topic, partition] = place()
    return cluster.metadata.image.topicsByName.has(topic) ? clusterPartition(cluster, topic, partition) : undefined
  }
  return {
    get coordinator() {
      return found()?.leader
    },
    async moveCoordinator(nodeId) {
      const partition = found()
      if (partition !== undefined) return partition.moveLeader(nodeId)
      throw new ClusterError(missing, 'COORDINATOR_NOT_AVAILABLE')
    },
  }
}

function clusterGroup(cluster: Cluster, groupId: string): ClusterGroup {
  const missing = `group ${groupId} has no coordinator yet: __consumer_offsets is created when a client first looks for one; let a consumer join or commit first`
  return coordinated(cluster, () => cluster.partitionOfGroup(groupId), missing)
}

function clusterTransactionalId(cluster: Cluster, transactionalId: string): ClusterTransactionalId {
  const missing = `transactional id ${transactionalId} has no coordinator yet: __transaction_state is created when a client first looks for one; let a producer begin first`
  return coordinated(cluster, () => cluster.partitionOfTransactionalId(transactionalId), missing)
}
