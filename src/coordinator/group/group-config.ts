/**
 * Settings of the group coordinator, under their Kafka names in camel case. The types inferred from broker-configs.ts
 * and group-configs.ts satisfy it; values are read at each use, so dynamic changes take effect at once.
 */
export interface GroupCoordinatorConfig {
  readonly groupInitialRebalanceDelayMs: number
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupMaxSize: number
  readonly offsetMetadataMaxBytes: number
  readonly offsetsRetentionMinutes: number
  readonly offsetsRetentionCheckIntervalMs: number
  readonly groupConsumerAssignors: readonly string[]
  readonly groupConsumerMaxSize: number
  /** disabled, downgrade, upgrade or bidirectional, case-insensitive. */
  readonly groupConsumerMigrationPolicy: string
  readonly groupConsumerRegexRefreshIntervalMs: number
}

/** Settings of one group: the group's own if set, otherwise the broker's; within the broker's bounds. */
export interface ConsumerGroupSettings {
  readonly consumerSessionTimeoutMs: number
  readonly consumerHeartbeatIntervalMs: number
  readonly consumerAssignmentIntervalMs: number
}
