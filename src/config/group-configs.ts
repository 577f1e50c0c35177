import { atLeast, type Check, oneOf } from './config-checks.ts'
import { alias, boolean, int, list, long, type SettingsOf, string } from './config-entry.ts'
import { invalidValue } from './config-value.ts'
import { noShareGroups, noStreamsGroups, ownSchedule } from './without-effect.ts'

const perGroup = { applies: 'per-group' } as const

/**
 * latest, earliest, or by_duration: with a non-negative ISO 8601 duration. Source: ShareGroupAutoOffsetResetStrategy.
 */
const offsetReset: Check<string> = {
  description: '[latest, earliest, by_duration:PnDTnHnMn.nS]',
  test(name, parsed) {
    const value = String(parsed.value)
    const duration = /^by_duration:P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d{1,9})?S)?)?$/i
    if (['latest', 'earliest'].includes(value) || duration.test(value)) return undefined
    const because = `Invalid value \`${value}\` for configuration ${name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`
    return invalidValue(name, parsed.text, because)
  },
}

/** The settings of a group. Source: GroupConfig (KIP-848, KIP-932, KIP-1071). */
export const groupConfigs = {
  consumerAssignmentIntervalMs: int('consumer.assignment.interval.ms', {
    ...perGroup,
    default: 1000,
    check: atLeast(0),
    broker: alias('group.consumer.assignment.interval.ms'),
    doc: 'Shortest time between two computations of the group’s assignment, in milliseconds.',
  }),
  consumerAssignorOffloadEnable: boolean('consumer.assignor.offload.enable', {
    ...perGroup,
    default: true,
    shown: 'never',
    broker: alias('group.consumer.assignor.offload.enable'),
    withoutEffect: ownSchedule,
    doc: 'Whether the assignor runs beside the coordinator.',
  }),
  consumerHeartbeatIntervalMs: int('consumer.heartbeat.interval.ms', {
    ...perGroup,
    default: 5000,
    check: atLeast(1),
    broker: alias('group.consumer.heartbeat.interval.ms'),
    doc: 'How often members are told to send a heartbeat, in milliseconds.',
  }),
  consumerSessionTimeoutMs: int('consumer.session.timeout.ms', {
    ...perGroup,
    default: 45_000,
    check: atLeast(1),
    broker: alias('group.consumer.session.timeout.ms'),
    doc: 'Silence after which a member is considered dead, in milliseconds.',
  }),
  errorsDeadletterqueueCopyRecordEnable: boolean('errors.deadletterqueue.copy.record.enable', {
    ...perGroup,
    default: false,
    withoutEffect: noShareGroups,
    doc: 'Whether a record goes whole into the dead letter queue, or only what describes it.',
  }),
  errorsDeadletterqueueTopicName: string('errors.deadletterqueue.topic.name', {
    ...perGroup,
    default: '',
    withoutEffect: noShareGroups,
    doc: 'The share group’s dead letter queue; empty: none.',
  }),
  shareAssignmentIntervalMs: int('share.assignment.interval.ms', {
    ...perGroup,
    default: 1000,
    check: atLeast(0),
    broker: alias('group.share.assignment.interval.ms'),
    withoutEffect: noShareGroups,
    doc: 'Shortest time between two computations of the share group’s assignment, in milliseconds.',
  }),
  shareAssignorOffloadEnable: boolean('share.assignor.offload.enable', {
    ...perGroup,
    default: true,
    shown: 'never',
    broker: alias('group.share.assignor.offload.enable'),
    withoutEffect: noShareGroups,
    doc: 'Whether the share assignor runs beside the coordinator.',
  }),
  shareAutoOffsetReset: string('share.auto.offset.reset', {
    ...perGroup,
    default: 'latest',
    check: offsetReset,
    withoutEffect: noShareGroups,
    doc: 'Where a share group starts in a partition: `earliest`, `latest`, or `by_duration:` and how far back.',
  }),
  shareDeliveryCountLimit: int('share.delivery.count.limit', {
    ...perGroup,
    default: 5,
    check: atLeast(2),
    broker: alias('group.share.delivery.count.limit'),
    withoutEffect: noShareGroups,
    doc: 'How often a record is delivered to a share group at most.',
  }),
  shareHeartbeatIntervalMs: int('share.heartbeat.interval.ms', {
    ...perGroup,
    default: 5000,
    check: atLeast(1),
    broker: alias('group.share.heartbeat.interval.ms'),
    withoutEffect: noShareGroups,
    doc: 'How often share members are told to send a heartbeat, in milliseconds.',
  }),
  shareIsolationLevel: string('share.isolation.level', {
    ...perGroup,
    default: 'read_uncommitted',
    check: oneOf('read_committed', 'read_uncommitted'),
    withoutEffect: noShareGroups,
    doc: 'Whether a share group sees records of transactions that are open or aborted.',
  }),
  sharePartitionMaxRecordLocks: int('share.partition.max.record.locks', {
    ...perGroup,
    default: 2000,
    check: atLeast(100),
    broker: alias('group.share.partition.max.record.locks'),
    withoutEffect: noShareGroups,
    doc: 'Records of one partition that a share group may hold acquired at a time.',
  }),
  shareRecordLockDurationMs: int('share.record.lock.duration.ms', {
    ...perGroup,
    default: 30_000,
    check: atLeast(1000),
    broker: alias('group.share.record.lock.duration.ms'),
    withoutEffect: noShareGroups,
    doc: 'How long a share member holds an acquired record, in milliseconds.',
  }),
  shareRenewAcknowledgeEnable: boolean('share.renew.acknowledge.enable', {
    ...perGroup,
    default: true,
    withoutEffect: noShareGroups,
    doc: 'Whether share members may renew their hold on a record.',
  }),
  shareSessionTimeoutMs: int('share.session.timeout.ms', {
    ...perGroup,
    default: 45_000,
    check: atLeast(1),
    broker: alias('group.share.session.timeout.ms'),
    withoutEffect: noShareGroups,
    doc: 'Silence after which a share member is considered dead, in milliseconds.',
  }),
  streamsAcceptableRecoveryLag: long('streams.acceptable.recovery.lag', {
    ...perGroup,
    default: 10_000,
    check: atLeast(0),
    shown: 'never',
    broker: alias('group.streams.acceptable.recovery.lag'),
    withoutEffect: noStreamsGroups,
    doc: 'Records that a task may lag behind and still count as caught up.',
  }),
  streamsAssignmentIntervalMs: int('streams.assignment.interval.ms', {
    ...perGroup,
    default: 1000,
    check: atLeast(0),
    broker: alias('group.streams.assignment.interval.ms'),
    withoutEffect: noStreamsGroups,
    doc: 'Shortest time between two computations of the streams group’s assignment, in milliseconds.',
  }),
  streamsAssignorName: string('streams.assignor.name', {
    ...perGroup,
    default: null,
    broker: alias('group.streams.assignors'),
    withoutEffect: noStreamsGroups,
    doc: 'Assignor of this streams group, one of `group.streams.assignors`; unset: the first of them.',
  }),
  streamsAssignorOffloadEnable: boolean('streams.assignor.offload.enable', {
    ...perGroup,
    default: true,
    shown: 'never',
    broker: alias('group.streams.assignor.offload.enable'),
    withoutEffect: noStreamsGroups,
    doc: 'Whether the streams assignor runs beside the coordinator.',
  }),
  streamsHeartbeatIntervalMs: int('streams.heartbeat.interval.ms', {
    ...perGroup,
    default: 5000,
    check: atLeast(1),
    broker: alias('group.streams.heartbeat.interval.ms'),
    withoutEffect: noStreamsGroups,
    doc: 'How often streams members are told to send a heartbeat, in milliseconds.',
  }),
  streamsInitialRebalanceDelayMs: int('streams.initial.rebalance.delay.ms', {
    ...perGroup,
    default: 3000,
    check: atLeast(0),
    broker: alias('group.streams.initial.rebalance.delay.ms'),
    withoutEffect: noStreamsGroups,
    doc: 'How long a new streams group waits for more members before its first assignment, in milliseconds.',
  }),
  streamsNumStandbyReplicas: int('streams.num.standby.replicas', {
    ...perGroup,
    default: 0,
    check: atLeast(0),
    broker: alias('group.streams.num.standby.replicas'),
    withoutEffect: noStreamsGroups,
    doc: 'Standby copies of each task.',
  }),
  streamsNumWarmupReplicas: int('streams.num.warmup.replicas', {
    ...perGroup,
    default: 2,
    check: atLeast(0),
    shown: 'never',
    broker: alias('group.streams.num.warmup.replicas'),
    withoutEffect: noStreamsGroups,
    doc: 'Extra copies of tasks that warm up at a time.',
  }),
  streamsRackAwareAssignmentTags: list('streams.rack.aware.assignment.tags', {
    ...perGroup,
    default: '',
    broker: alias('group.streams.rack.aware.assignment.tags'),
    withoutEffect: noStreamsGroups,
    doc: 'Client tags over which standby copies are spread.',
  }),
  streamsSessionTimeoutMs: int('streams.session.timeout.ms', {
    ...perGroup,
    default: 45_000,
    check: atLeast(1),
    broker: alias('group.streams.session.timeout.ms'),
    withoutEffect: noStreamsGroups,
    doc: 'Silence after which a streams member is considered dead, in milliseconds.',
  }),
  streamsTaskOffsetIntervalMs: int('streams.task.offset.interval.ms', {
    ...perGroup,
    default: 60_000,
    check: atLeast(1),
    shown: 'never',
    broker: alias('group.streams.task.offset.interval.ms'),
    withoutEffect: noStreamsGroups,
    doc: 'How often streams members tell the offsets of their tasks, in milliseconds.',
  }),
} as const

/** Resolved settings of a group. */
export type GroupSettings = SettingsOf<typeof groupConfigs>
