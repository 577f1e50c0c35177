// Without imports: programs that embed brokers need no other declarations than these.

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
  /**
   * Adds a broker with the next node id, which no broker had before, and starts it. Existing partitions stay where they
   * are. Rejects with StartError if no port or address is left for it.
   */
  addBroker(options?: { readonly rack?: string }): Promise<ClusterBroker>
  partition(topic: string, partition: number): ClusterPartition
  /** A consumer group, of either protocol. */
  group(groupId: string): ClusterGroup
  /** A transactional id of producers. */
  transactionalId(transactionalId: string): ClusterTransactionalId
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

/** A transactional id of producers. */
export interface ClusterTransactionalId {
  /** Node id of its coordinator. Undefined: none, or its partition of __transaction_state is not created yet. */
  readonly coordinator: number | undefined
  /** Moves the coordinator, with all ids on the same partition of __transaction_state. Rejects like moveLeader. */
  moveCoordinator(nodeId: number): Promise<void>
}
