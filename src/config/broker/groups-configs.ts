import { atLeast, listOf, oneOfAnyCase } from '../config-checks.ts'
import { boolean, int, list, long, short, string } from '../config-entry.ts'
import { oneLoop, ownSchedule, sharedData } from '../without-effect.ts'

/** Group coordinator and offsets. */
export const groupsConfigs = {
  groupConsumerAssignmentIntervalMs: int('group.consumer.assignment.interval.ms', {
    default: 1000,
    check: atLeast(0),
    applies: 'cluster-wide',
    doc: 'Shortest time between two computations of a consumer group’s assignment, in milliseconds.',
  }),
  groupConsumerAssignorOffloadEnable: boolean('group.consumer.assignor.offload.enable', {
    default: true,
    applies: 'cluster-wide',
    shown: 'never',
    withoutEffect: ownSchedule,
    doc: 'Whether the assignor runs beside the coordinator.',
  }),
  groupConsumerAssignors: list('group.consumer.assignors', {
    default: 'uniform,range',
    check: listOf([], { mayBeEmpty: false }),
    doc: 'Server-side assignors, the default first: `uniform`, `range`.',
  }),
  groupConsumerHeartbeatIntervalMs: int('group.consumer.heartbeat.interval.ms', {
    default: 5000,
    check: atLeast(1),
    doc: 'How often members of the consumer protocol are told to send a heartbeat, in milliseconds.',
  }),
  groupConsumerMaxAssignmentIntervalMs: int('group.consumer.max.assignment.interval.ms', {
    default: 15_000,
    check: atLeast(0),
    doc: 'Upper bound of `consumer.assignment.interval.ms`.',
  }),
  groupConsumerMaxHeartbeatIntervalMs: int('group.consumer.max.heartbeat.interval.ms', {
    default: 15_000,
    check: atLeast(1),
    doc: 'Upper bound of `consumer.heartbeat.interval.ms`.',
  }),
  groupConsumerMaxSessionTimeoutMs: int('group.consumer.max.session.timeout.ms', {
    default: 60_000,
    check: atLeast(1),
    doc: 'Upper bound of `consumer.session.timeout.ms`.',
  }),
  groupConsumerMaxSize: int('group.consumer.max.size', {
    default: 2_147_483_647,
    check: atLeast(1),
    doc: 'Members that a group of the consumer protocol may have.',
  }),
  groupConsumerMigrationPolicy: string('group.consumer.migration.policy', {
    default: 'bidirectional',
    check: oneOfAnyCase('DISABLED', 'DOWNGRADE', 'UPGRADE', 'BIDIRECTIONAL'),
    doc: 'Which online moves between classic and consumer protocol are allowed.',
  }),
  groupConsumerMinAssignmentIntervalMs: int('group.consumer.min.assignment.interval.ms', {
    default: 0,
    check: atLeast(0),
    doc: 'Lower bound of `consumer.assignment.interval.ms`.',
  }),
  groupConsumerMinHeartbeatIntervalMs: int('group.consumer.min.heartbeat.interval.ms', {
    default: 5000,
    check: atLeast(1),
    doc: 'Lower bound of `consumer.heartbeat.interval.ms`.',
  }),
  groupConsumerMinSessionTimeoutMs: int('group.consumer.min.session.timeout.ms', {
    default: 45_000,
    check: atLeast(1),
    doc: 'Lower bound of `consumer.session.timeout.ms`.',
  }),
  groupConsumerRegexRefreshIntervalMs: int('group.consumer.regex.refresh.interval.ms', {
    default: 600_000,
    check: atLeast(10_000),
    shown: 'never',
    doc: 'How often regular-expression subscriptions are resolved again, in milliseconds.',
  }),
  groupConsumerSessionTimeoutMs: int('group.consumer.session.timeout.ms', {
    default: 45_000,
    check: atLeast(1),
    doc: 'Silence after which a member of the consumer protocol is considered dead, in milliseconds.',
  }),
  groupCoordinatorAppendLingerMs: int('group.coordinator.append.linger.ms', {
    default: -1,
    check: atLeast(-1),
    withoutEffect: ownSchedule,
    doc: 'How long the coordinator collects records before it writes them, in milliseconds; -1: it decides itself.',
  }),
  groupCoordinatorBackgroundThreads: int('group.coordinator.background.threads', {
    default: 2,
    check: atLeast(1),
    withoutEffect: oneLoop,
    doc: 'Background threads of the coordinator.',
  }),
  groupCoordinatorCachedBufferMaxBytes: int('group.coordinator.cached.buffer.max.bytes', {
    default: 1_048_588,
    check: atLeast(524_288),
    applies: 'cluster-wide',
    withoutEffect: ownSchedule,
    doc: 'Largest buffer that the coordinator keeps for reuse.',
  }),
  groupCoordinatorRebalanceProtocols: list('group.coordinator.rebalance.protocols', {
    default: 'classic,consumer,streams',
    check: listOf(['consumer', 'classic', 'share', 'streams'], { mayBeEmpty: false }),
    doc: 'Group protocols that are served. `classic` cannot be left out; `share` and `streams` are not served yet.',
  }),
  groupCoordinatorThreads: int('group.coordinator.threads', {
    default: 4,
    check: atLeast(1),
    withoutEffect: oneLoop,
    doc: 'Threads of the coordinator.',
  }),
  groupInitialRebalanceDelayMs: int('group.initial.rebalance.delay.ms', {
    default: 0,
    doc: 'How long an empty classic group waits for more members before its first rebalance, in milliseconds.',
    differs:
      'the first consumer would wait three seconds for others, which a broker on a laptop or in a test rarely has',
  }),
  groupMaxSessionTimeoutMs: int('group.max.session.timeout.ms', {
    default: 1_800_000,
    doc: 'Longest session timeout that a classic member may ask for, in milliseconds.',
  }),
  groupMaxSize: int('group.max.size', {
    default: 2_147_483_647,
    check: atLeast(1),
    doc: 'Members that a classic group may have.',
  }),
  groupMinSessionTimeoutMs: int('group.min.session.timeout.ms', {
    default: 6000,
    doc: 'Shortest session timeout that a classic member may ask for, in milliseconds.',
  }),
  offsetMetadataMaxBytes: int('offset.metadata.max.bytes', {
    default: 4096,
    doc: 'Longest text that may be stored with a committed offset, in characters.',
  }),
  offsetsCommitTimeoutMs: int('offsets.commit.timeout.ms', {
    default: 5000,
    check: atLeast(1),
    withoutEffect: sharedData,
    doc: 'How long a commit may take, in milliseconds.',
  }),
  offsetsLoadBufferSize: int('offsets.load.buffer.size', {
    default: 5_242_880,
    check: atLeast(1),
    withoutEffect: ownSchedule,
    doc: 'Bytes of one read while offsets are loaded.',
  }),
  offsetsRetentionCheckIntervalMs: long('offsets.retention.check.interval.ms', {
    default: 600_000,
    check: atLeast(1),
    doc: 'How often expired offsets are looked for, in milliseconds.',
  }),
  offsetsRetentionMinutes: int('offsets.retention.minutes', {
    default: 10_080,
    check: atLeast(1),
    doc: 'Minutes that offsets outlive their group’s last member, or a simple consumer’s last commit.',
  }),
  offsetsTopicCompressionCodec: int('offsets.topic.compression.codec', {
    default: 0,
    doc: 'Codec of `__consumer_offsets`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.',
  }),
  offsetsTopicNumPartitions: int('offsets.topic.num.partitions', {
    default: 1,
    check: atLeast(1),
    doc: 'Partitions of `__consumer_offsets` when it is created.',
    differs: 'fifty partitions are fifty directories with files, which a single broker rarely needs',
  }),
  offsetsTopicReplicationFactor: short('offsets.topic.replication.factor', {
    default: 1,
    check: atLeast(1),
    doc: 'Replicas of `__consumer_offsets` when it is created: no more than there are brokers.',
    differs: 'a single broker can have only one replica; with several brokers it is 3, or their number',
  }),
  offsetsTopicSegmentBytes: int('offsets.topic.segment.bytes', {
    default: 104_857_600,
    check: atLeast(1),
    doc: 'Segment size of `__consumer_offsets`.',
  }),
} as const
