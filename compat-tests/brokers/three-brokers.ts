/** A cluster of three brokers with the node ids 1, 2 and 3, in three racks. Node 1 is also the controller. */
export interface ThreeBrokers {
  /** Name of the program, for messages. */
  readonly name: string
  /** Port of each broker, by node id. It stays the same over restarts. */
  readonly ports: ReadonlyMap<number, number>
  /** Failures of Ottla itself that it logged, oldest first; none of Apache Kafka, which logs much as an error. */
  readonly errors: readonly string[]
  /** Nodes that run now. */
  readonly running: ReadonlySet<number>
  /** Stops a broker as an administrator would: it hands over its leaderships first. */
  stop(nodeId: number): Promise<void>
  /** Kills a broker without warning. */
  kill(nodeId: number): Promise<void>
  /** Starts a broker that was stopped or killed. */
  start(nodeId: number): Promise<void>
  /** Ends all and removes their files. */
  dispose(): Promise<void>
}

export const nodeIds = [1, 2, 3]
export const racks: Readonly<Record<number, string>> = { 1: 'a', 2: 'b', 3: 'c' }

/**
 * Settings of both clusters. A dead broker is noticed within three seconds: this is as short as a JVM on a busy machine
 * allows. Leaders move back only when a scenario asks for it.
 */
export const brokersSettings: Readonly<Record<string, string>> = {
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '300',
  'replica.fetch.wait.max.ms': '100',
  'auto.leader.rebalance.enable': 'false',
  'auto.create.topics.enable': 'false',
  'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
  'offsets.topic.num.partitions': '3',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.num.partitions': '3',
  'group.initial.rebalance.delay.ms': '0',
  'log.cleaner.dedupe.buffer.size': '4194304',
}
