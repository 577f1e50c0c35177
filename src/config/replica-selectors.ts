/** Values of replica.selector.class: Kafka's own classes. */
export const replicaSelectors = {
  leader: 'org.apache.kafka.common.replica.LeaderSelector',
  rackAware: 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
} as const
