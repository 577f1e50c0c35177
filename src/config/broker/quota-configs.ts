import { atLeast } from '../config-checks.ts'
import { className, int, long, longMax } from '../config-entry.ts'
import { evenThrottle, noJava, noQuotas, protecting, sharedData } from '../without-effect.ts'

/** Quotas and throttling. */
export const quotaConfigs = {
  alterLogDirsReplicationQuotaWindowNum: int('alter.log.dirs.replication.quota.window.num', {
    default: 11,
    check: atLeast(1),
    withoutEffect: evenThrottle,
    doc: 'Samples kept for the throttle of moves between log directories.',
  }),
  alterLogDirsReplicationQuotaWindowSizeSeconds: int('alter.log.dirs.replication.quota.window.size.seconds', {
    default: 1,
    check: atLeast(1),
    withoutEffect: evenThrottle,
    doc: 'Seconds that each of those samples spans.',
  }),
  clientQuotaCallbackClass: className('client.quota.callback.class', {
    default: null,
    withoutEffect: protecting(noJava, 'clients would not be throttled'),
    doc: 'Java class that decides quotas.',
  }),
  controllerQuotaWindowNum: int('controller.quota.window.num', {
    default: 11,
    check: atLeast(1),
    withoutEffect: noQuotas,
    doc: 'Samples kept for quotas on changes of topics.',
  }),
  controllerQuotaWindowSizeSeconds: int('controller.quota.window.size.seconds', {
    default: 1,
    check: atLeast(1),
    withoutEffect: noQuotas,
    doc: 'Seconds that each of those samples spans.',
  }),
  quotaWindowNum: int('quota.window.num', {
    default: 11,
    check: atLeast(1),
    doc: 'Windows over which `max.connection.creation.rate` is measured.',
  }),
  quotaWindowSizeSeconds: int('quota.window.size.seconds', {
    default: 1,
    check: atLeast(1),
    doc: 'Seconds that each of those windows spans, and the longest that a new connection waits for its turn.',
  }),
  replicationQuotaWindowNum: int('replication.quota.window.num', {
    default: 11,
    check: atLeast(1),
    withoutEffect: sharedData,
    doc: 'Samples kept for replication throttles.',
  }),
  replicationQuotaWindowSizeSeconds: int('replication.quota.window.size.seconds', {
    default: 1,
    check: atLeast(1),
    withoutEffect: sharedData,
    doc: 'Seconds that each of those samples spans.',
  }),
  leaderReplicationThrottledRate: long('leader.replication.throttled.rate', {
    default: longMax,
    check: atLeast(0),
    applies: 'cluster-wide',
    shown: 'when set',
    withoutEffect: sharedData,
    doc: 'Bytes a second that throttled replicas may be sent by their leaders.',
  }),
  followerReplicationThrottledRate: long('follower.replication.throttled.rate', {
    default: longMax,
    check: atLeast(0),
    applies: 'cluster-wide',
    shown: 'when set',
    withoutEffect: sharedData,
    doc: 'Bytes a second that throttled replicas may fetch.',
  }),
  replicaAlterLogDirsIoMaxBytesPerSecond: long('replica.alter.log.dirs.io.max.bytes.per.second', {
    default: longMax,
    check: atLeast(0),
    applies: 'cluster-wide',
    shown: 'when set',
    doc: 'Bytes a second of moves between log directories.',
  }),
} as const
