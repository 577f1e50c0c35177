import { atLeast, between, listOf } from '../config-checks.ts'
import { boolean, className, int, list, long, short, string } from '../config-entry.ts'

/** Share groups and streams groups. */
export const shareConfigs = {
  errorsDeadletterqueueAutoCreateTopicsEnable: boolean('errors.deadletterqueue.auto.create.topics.enable', {
    default: false,
    applies: 'cluster-wide',
    doc: 'Whether the dead letter queue of a share group is created by itself.',
  }),
  errorsDeadletterqueueTopicNamePrefix: string('errors.deadletterqueue.topic.name.prefix', {
    default: 'dlq.',
    applies: 'cluster-wide',
    doc: 'Prefix of dead letter queues that are created.',
  }),
  groupShareAssignmentIntervalMs: int('group.share.assignment.interval.ms', {
    default: 1000,
    check: atLeast(0),
    applies: 'cluster-wide',
    doc: 'Shortest time between two computations of a share group’s assignment, in milliseconds.',
  }),
  groupShareAssignorOffloadEnable: boolean('group.share.assignor.offload.enable', {
    default: true,
    applies: 'cluster-wide',
    shown: 'never',
    doc: 'Whether the share assignor runs beside the coordinator.',
  }),
  groupShareAssignors: list('group.share.assignors', {
    default: 'simple',
    check: listOf([], { mayBeEmpty: false }),
    doc: 'Assignor of share groups.',
  }),
  groupShareDeliveryCountLimit: int('group.share.delivery.count.limit', {
    default: 5,
    check: between(2, 10),
    doc: 'How often a record is delivered to a share group before it is given up.',
  }),
  groupShareDlqManagerClassName: string('group.share.dlq.manager.class.name', {
    default: 'org.apache.kafka.server.share.dlq.DefaultShareGroupDLQManager',
    shown: 'never',
    doc: 'Java class that writes dead letters. Not loaded.',
  }),
  groupShareHeartbeatIntervalMs: int('group.share.heartbeat.interval.ms', {
    default: 5000,
    check: atLeast(1),
    doc: 'How often share members are told to send a heartbeat, in milliseconds.',
  }),
  groupShareInitializeRetryIntervalMs: int('group.share.initialize.retry.interval.ms', {
    default: 30_000,
    check: atLeast(1),
    shown: 'never',
    doc: 'Pause before the initialization of a share partition is repeated, in milliseconds.',
  }),
  groupShareMaxAssignmentIntervalMs: int('group.share.max.assignment.interval.ms', {
    default: 15_000,
    check: atLeast(0),
    doc: 'Upper bound of `share.assignment.interval.ms`.',
  }),
  groupShareMaxDeliveryCountLimit: int('group.share.max.delivery.count.limit', {
    default: 10,
    check: between(5, 25),
    doc: 'Upper bound of `share.delivery.count.limit`.',
  }),
  groupShareMaxHeartbeatIntervalMs: int('group.share.max.heartbeat.interval.ms', {
    default: 15_000,
    check: atLeast(1),
    doc: 'Upper bound of `share.heartbeat.interval.ms`.',
  }),
  groupShareMaxPartitionMaxRecordLocks: int('group.share.max.partition.max.record.locks', {
    default: 4000,
    check: between(2000, 10_000),
    doc: 'Upper bound of `share.partition.max.record.locks`.',
  }),
  groupShareMaxRecordLockDurationMs: int('group.share.max.record.lock.duration.ms', {
    default: 60_000,
    check: between(30_000, 3_600_000),
    doc: 'Upper bound of `share.record.lock.duration.ms`.',
  }),
  groupShareMaxSessionTimeoutMs: int('group.share.max.session.timeout.ms', {
    default: 60_000,
    check: atLeast(1),
    doc: 'Upper bound of `share.session.timeout.ms`.',
  }),
  groupShareMaxShareSessions: int('group.share.max.share.sessions', {
    default: 2000,
    check: atLeast(1),
    doc: 'Share sessions that a broker remembers at a time.',
  }),
  groupShareMaxSize: int('group.share.max.size', {
    default: 200,
    check: between(1, 1000),
    doc: 'Members that a share group may have.',
  }),
  groupShareMinAssignmentIntervalMs: int('group.share.min.assignment.interval.ms', {
    default: 0,
    check: atLeast(0),
    doc: 'Lower bound of `share.assignment.interval.ms`.',
  }),
  groupShareMinDeliveryCountLimit: int('group.share.min.delivery.count.limit', {
    default: 2,
    check: between(2, 5),
    doc: 'Lower bound of `share.delivery.count.limit`.',
  }),
  groupShareMinHeartbeatIntervalMs: int('group.share.min.heartbeat.interval.ms', {
    default: 5000,
    check: atLeast(1),
    doc: 'Lower bound of `share.heartbeat.interval.ms`.',
  }),
  groupShareMinPartitionMaxRecordLocks: int('group.share.min.partition.max.record.locks', {
    default: 100,
    check: between(100, 2000),
    doc: 'Lower bound of `share.partition.max.record.locks`.',
  }),
  groupShareMinRecordLockDurationMs: int('group.share.min.record.lock.duration.ms', {
    default: 15_000,
    check: between(1000, 30_000),
    doc: 'Lower bound of `share.record.lock.duration.ms`.',
  }),
  groupShareMinSessionTimeoutMs: int('group.share.min.session.timeout.ms', {
    default: 45_000,
    check: atLeast(1),
    doc: 'Lower bound of `share.session.timeout.ms`.',
  }),
  groupSharePartitionMaxRecordLocks: int('group.share.partition.max.record.locks', {
    default: 2000,
    check: between(100, 10_000),
    doc: 'Records of one partition that a share group may hold acquired at a time.',
  }),
  groupSharePersisterClassName: string('group.share.persister.class.name', {
    default: 'org.apache.kafka.server.share.persister.DefaultStatePersister',
    shown: 'never',
    doc: 'Java class that keeps the state of share groups. Not loaded.',
  }),
  groupShareRecordLockDurationMs: int('group.share.record.lock.duration.ms', {
    default: 30_000,
    check: between(1000, 3_600_000),
    doc: 'How long a share member holds an acquired record, in milliseconds.',
  }),
  groupShareSessionTimeoutMs: int('group.share.session.timeout.ms', {
    default: 45_000,
    check: atLeast(1),
    doc: 'Silence after which a share member is taken for dead, in milliseconds.',
  }),
  shareCoordinatorAppendLingerMs: int('share.coordinator.append.linger.ms', {
    default: -1,
    check: atLeast(-1),
    doc: 'How long the share coordinator collects records before it writes them, in milliseconds; -1: it decides itself.',
  }),
  shareCoordinatorCachedBufferMaxBytes: int('share.coordinator.cached.buffer.max.bytes', {
    default: 1_048_588,
    check: atLeast(524_288),
    applies: 'cluster-wide',
    doc: 'Largest buffer that the share coordinator keeps for reuse. Taken for compatibility.',
  }),
  shareCoordinatorColdPartitionSnapshotIntervalMs: int('share.coordinator.cold.partition.snapshot.interval.ms', {
    default: 300_000,
    check: atLeast(1),
    shown: 'never',
    doc: 'How often partitions without traffic get a snapshot of their share state, in milliseconds.',
  }),
  shareCoordinatorLoadBufferSize: int('share.coordinator.load.buffer.size', {
    default: 5_242_880,
    check: atLeast(1),
    doc: 'Bytes of one read while share state is loaded.',
  }),
  shareCoordinatorSnapshotUpdateRecordsPerSnapshot: int('share.coordinator.snapshot.update.records.per.snapshot', {
    default: 500,
    check: between(0, 500),
    doc: 'Updates of a share state between two of its snapshots.',
  }),
  shareCoordinatorStateTopicCompressionCodec: int('share.coordinator.state.topic.compression.codec', {
    default: 0,
    doc: 'Codec of `__share_group_state`: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.',
  }),
  shareCoordinatorStateTopicMinIsr: short('share.coordinator.state.topic.min.isr', {
    default: 1,
    check: atLeast(1),
    doc: '`min.insync.replicas` of `__share_group_state`.',
    differs: 'a single broker has room for one replica',
  }),
  shareCoordinatorStateTopicNumPartitions: int('share.coordinator.state.topic.num.partitions', {
    default: 1,
    check: atLeast(1),
    doc: 'Partitions of `__share_group_state` when it is created.',
    differs: 'fifty partitions for one broker are fifty directories of files that an empty broker does not need',
  }),
  shareCoordinatorStateTopicPruneIntervalMs: int('share.coordinator.state.topic.prune.interval.ms', {
    default: 300_000,
    check: atLeast(1),
    shown: 'never',
    doc: 'How often obsolete share state is removed, in milliseconds.',
  }),
  shareCoordinatorStateTopicReplicationFactor: short('share.coordinator.state.topic.replication.factor', {
    default: 1,
    check: atLeast(1),
    doc: 'Replicas of `__share_group_state` when it is created.',
    differs: 'a single broker has room for one replica',
  }),
  shareCoordinatorStateTopicSegmentBytes: int('share.coordinator.state.topic.segment.bytes', {
    default: 104_857_600,
    check: atLeast(1),
    doc: 'Segment size of `__share_group_state`.',
  }),
  shareCoordinatorThreads: int('share.coordinator.threads', {
    default: 1,
    check: atLeast(1),
    doc: 'Threads of the share coordinator in Kafka. Taken for compatibility.',
  }),
  shareCoordinatorWriteTimeoutMs: int('share.coordinator.write.timeout.ms', {
    default: 5000,
    check: atLeast(1),
    doc: 'How long a write of share state may take, in milliseconds.',
  }),
  groupStreamsAcceptableRecoveryLag: long('group.streams.acceptable.recovery.lag', {
    default: 10_000,
    check: atLeast(0),
    shown: 'never',
    doc: 'Records that a task may lag behind and still count as caught up.',
  }),
  groupStreamsAssignmentIntervalMs: int('group.streams.assignment.interval.ms', {
    default: 1000,
    check: atLeast(0),
    applies: 'cluster-wide',
    doc: 'Shortest time between two computations of a streams group’s assignment, in milliseconds.',
  }),
  groupStreamsAssignorOffloadEnable: boolean('group.streams.assignor.offload.enable', {
    default: true,
    applies: 'cluster-wide',
    shown: 'never',
    doc: 'Whether the streams assignor runs beside the coordinator.',
  }),
  groupStreamsAssignors: list('group.streams.assignors', {
    default: 'sticky',
    check: listOf([], { mayBeEmpty: false }),
    doc: 'Assignors of streams groups, the default first.',
  }),
  groupStreamsHeartbeatIntervalMs: int('group.streams.heartbeat.interval.ms', {
    default: 5000,
    check: atLeast(1),
    doc: 'How often streams members are told to send a heartbeat, in milliseconds.',
  }),
  groupStreamsInitialRebalanceDelayMs: int('group.streams.initial.rebalance.delay.ms', {
    default: 3000,
    check: atLeast(0),
    doc: 'How long a new streams group waits for more members before its first assignment, in milliseconds.',
  }),
  groupStreamsMaxAssignmentIntervalMs: int('group.streams.max.assignment.interval.ms', {
    default: 15_000,
    check: atLeast(0),
    doc: 'Upper bound of `streams.assignment.interval.ms`.',
  }),
  groupStreamsMaxHeartbeatIntervalMs: int('group.streams.max.heartbeat.interval.ms', {
    default: 15_000,
    check: atLeast(1),
    doc: 'Upper bound of `streams.heartbeat.interval.ms`.',
  }),
  groupStreamsMaxSessionTimeoutMs: int('group.streams.max.session.timeout.ms', {
    default: 60_000,
    check: atLeast(1),
    doc: 'Upper bound of `streams.session.timeout.ms`.',
  }),
  groupStreamsMaxSize: int('group.streams.max.size', {
    default: 2_147_483_647,
    check: atLeast(1),
    doc: 'Members that a streams group may have.',
  }),
  groupStreamsMaxStandbyReplicas: int('group.streams.max.standby.replicas', {
    default: 2,
    check: atLeast(0),
    doc: 'Upper bound of `streams.num.standby.replicas`.',
  }),
  groupStreamsMaxWarmupReplicas: int('group.streams.max.warmup.replicas', {
    default: 20,
    check: atLeast(0),
    shown: 'never',
    doc: 'Upper bound of `streams.num.warmup.replicas`.',
  }),
  groupStreamsMinAssignmentIntervalMs: int('group.streams.min.assignment.interval.ms', {
    default: 0,
    check: atLeast(0),
    doc: 'Lower bound of `streams.assignment.interval.ms`.',
  }),
  groupStreamsMinHeartbeatIntervalMs: int('group.streams.min.heartbeat.interval.ms', {
    default: 5000,
    check: atLeast(1),
    doc: 'Lower bound of `streams.heartbeat.interval.ms`.',
  }),
  groupStreamsMinSessionTimeoutMs: int('group.streams.min.session.timeout.ms', {
    default: 45_000,
    check: atLeast(1),
    doc: 'Lower bound of `streams.session.timeout.ms`.',
  }),
  groupStreamsMinTaskOffsetIntervalMs: int('group.streams.min.task.offset.interval.ms', {
    default: 15_000,
    check: atLeast(1),
    shown: 'never',
    doc: 'Lower bound of `streams.task.offset.interval.ms`.',
  }),
  groupStreamsNumStandbyReplicas: int('group.streams.num.standby.replicas', {
    default: 0,
    check: atLeast(0),
    doc: 'Standby copies of each task.',
  }),
  groupStreamsNumWarmupReplicas: int('group.streams.num.warmup.replicas', {
    default: 2,
    check: atLeast(0),
    shown: 'never',
    doc: 'Extra copies of tasks that warm up at a time.',
  }),
  groupStreamsRackAwareAssignmentTags: list('group.streams.rack.aware.assignment.tags', {
    default: '',
    check: listOf([]),
    doc: 'Client tags over which standby copies are spread.',
  }),
  groupStreamsSessionTimeoutMs: int('group.streams.session.timeout.ms', {
    default: 45_000,
    check: atLeast(1),
    doc: 'Silence after which a streams member is taken for dead, in milliseconds.',
  }),
  groupStreamsTaskOffsetIntervalMs: int('group.streams.task.offset.interval.ms', {
    default: 60_000,
    check: atLeast(1),
    shown: 'never',
    doc: 'How often streams members tell the offsets of their tasks, in milliseconds.',
  }),
  groupStreamsTopologyDescriptionPluginClass: className('group.streams.topology.description.plugin.class', {
    default: null,
    doc: 'Java class that receives descriptions of topologies. Not loaded.',
  }),
} as const
