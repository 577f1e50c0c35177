import { atLeast } from '../config-checks.ts'
import { boolean, int, long, string } from '../config-entry.ts'
import { oneLoop, sharedData } from '../without-effect.ts'

/** Replication between brokers. */
export const replicationConfigs = {
  autoLeaderRebalanceEnable: boolean('auto.leader.rebalance.enable', {
    default: true,
    doc: 'Whether leadership is moved back to preferred replicas automatically.',
  }),
  leaderImbalanceCheckIntervalSeconds: long('leader.imbalance.check.interval.seconds', {
    default: 300,
    check: atLeast(1),
    doc: 'How often that is checked, in seconds.',
  }),
  numReplicaFetchers: int('num.replica.fetchers', {
    default: 1,
    check: atLeast(1),
    applies: 'cluster-wide',
    withoutEffect: oneLoop,
    doc: 'Fetcher threads for each source broker.',
  }),
  replicaFetchBackoffMs: int('replica.fetch.backoff.ms', {
    default: 1000,
    check: atLeast(0),
    withoutEffect: sharedData,
    doc: 'Pause after a failed fetch of a follower, in milliseconds.',
  }),
  replicaFetchMaxBytes: int('replica.fetch.max.bytes', {
    default: 1_048_576,
    check: atLeast(0),
    withoutEffect: sharedData,
    doc: 'Bytes of each partition that a follower asks for.',
  }),
  replicaFetchMinBytes: int('replica.fetch.min.bytes', {
    default: 1,
    withoutEffect: sharedData,
    doc: 'Bytes that a follower’s fetch waits for.',
  }),
  replicaFetchResponseMaxBytes: int('replica.fetch.response.max.bytes', {
    default: 10_485_760,
    check: atLeast(0),
    withoutEffect: sharedData,
    doc: 'Bytes that a follower asks for in one fetch.',
  }),
  replicaFetchWaitMaxMs: int('replica.fetch.wait.max.ms', {
    default: 500,
    withoutEffect: sharedData,
    doc: 'How long a follower’s fetch waits, in milliseconds.',
  }),
  replicaHighWatermarkCheckpointIntervalMs: long('replica.high.watermark.checkpoint.interval.ms', {
    default: 5000,
    withoutEffect: sharedData,
    doc: 'How often high watermarks are written to the disk, in milliseconds.',
  }),
  replicaLagTimeMaxMs: long('replica.lag.time.max.ms', {
    default: 30_000,
    withoutEffect: sharedData,
    doc: 'How long a follower may lag before it leaves the in-sync replicas, in milliseconds.',
  }),
  replicaSelectorClass: string('replica.selector.class', {
    default: null,
    doc: 'Class that picks the replica that a consumer reads from: Kafka’s own that knows racks (KIP-392), or that of the leader, the default.',
  }),
  replicaSocketReceiveBufferBytes: int('replica.socket.receive.buffer.bytes', {
    default: 65_536,
    withoutEffect: sharedData,
    doc: 'SO_RCVBUF of a follower’s socket.',
  }),
  replicaSocketTimeoutMs: int('replica.socket.timeout.ms', {
    default: 30_000,
    withoutEffect: sharedData,
    doc: 'Socket timeout of followers, in milliseconds.',
  }),
  uncleanLeaderElectionEnable: boolean('unclean.leader.election.enable', {
    default: false,
    applies: 'cluster-wide',
    doc: 'Whether a replica that is not in sync may become leader, which loses records in Kafka; here the brokers share the data, and none are lost. With true, a partition whose data directory is missing starts empty; with false, the start is refused.',
  }),
  uncleanLeaderElectionIntervalMs: long('unclean.leader.election.interval.ms', {
    default: 300_000,
    check: atLeast(1),
    shown: 'never',
    doc: 'How often such an election is considered, in milliseconds.',
  }),
  followerFetchLastTieredOffsetEnable: boolean('follower.fetch.last.tiered.offset.enable', {
    default: false,
    applies: 'cluster-wide',
    withoutEffect: sharedData,
    doc: 'Whether an empty follower skips what is in remote storage.',
  }),
} as const
