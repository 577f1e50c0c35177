import { atLeast, listOf } from '../config-checks.ts'
import { boolean, int, list, long, string } from '../config-entry.ts'
import { ownController, ownSchedule } from '../without-effect.ts'

/** Controller and metadata log. */
export const controllerConfigs = {
  controllerListenerNames: list('controller.listener.names', {
    default: 'CONTROLLER',
    check: listOf([], { mayBeEmpty: false }),
    doc: 'Listeners of the controller, for tools with `--bootstrap-controller`. Ottla’s controller is in the process itself and needs none.',
    differs: 'Kafka requires it; Ottla’s controller needs no listener',
  }),
  controllerPerformanceAlwaysLogThresholdMs: long('controller.performance.always.log.threshold.ms', {
    default: 2000,
    check: atLeast(0),
    shown: 'never',
    withoutEffect: ownController,
    doc: 'Duration from which a controller event is always logged, in milliseconds.',
  }),
  controllerPerformanceSamplePeriodMs: long('controller.performance.sample.period.ms', {
    default: 60_000,
    check: atLeast(100),
    shown: 'never',
    withoutEffect: ownController,
    doc: 'How often the controller’s slowest event is logged, in milliseconds.',
  }),
  controllerQuorumAppendLingerMs: int('controller.quorum.append.linger.ms', {
    default: 25,
    check: atLeast(0),
    withoutEffect: ownController,
    doc: 'How long the quorum’s leader collects records before it writes them, in milliseconds.',
  }),
  controllerQuorumAutoJoinEnable: boolean('controller.quorum.auto.join.enable', {
    default: false,
    withoutEffect: ownController,
    doc: 'Whether a controller joins the quorum by itself.',
  }),
  controllerQuorumBootstrapServers: list('controller.quorum.bootstrap.servers', {
    default: '',
    doc: 'Controllers to ask for the quorum. The start fails if one is another node: Ottla’s only controller is in its own process.',
  }),
  controllerQuorumElectionBackoffMaxMs: int('controller.quorum.election.backoff.max.ms', {
    default: 1000,
    check: atLeast(0),
    withoutEffect: ownController,
    doc: 'Longest pause between elections of the quorum, in milliseconds.',
  }),
  controllerQuorumElectionTimeoutMs: int('controller.quorum.election.timeout.ms', {
    default: 1000,
    check: atLeast(0),
    withoutEffect: ownController,
    doc: 'How long a voter waits before it starts an election, in milliseconds.',
  }),
  controllerQuorumFetchMaxBytes: int('controller.quorum.fetch.max.bytes', {
    default: 1_048_576,
    check: atLeast(1),
    withoutEffect: ownController,
    doc: 'Bytes of one fetch of the metadata log.',
  }),
  controllerQuorumFetchSnapshotMaxBytes: int('controller.quorum.fetch.snapshot.max.bytes', {
    default: 1_048_576,
    check: atLeast(1),
    withoutEffect: ownController,
    doc: 'Bytes of one fetch of a metadata snapshot.',
  }),
  controllerQuorumFetchTimeoutMs: int('controller.quorum.fetch.timeout.ms', {
    default: 2000,
    check: atLeast(0),
    withoutEffect: ownController,
    doc: 'Time without a fetch after which a voter starts an election, in milliseconds.',
  }),
  controllerQuorumRequestTimeoutMs: int('controller.quorum.request.timeout.ms', {
    default: 2000,
    check: atLeast(0),
    withoutEffect: ownController,
    doc: 'How long a request of the quorum may take, in milliseconds.',
  }),
  controllerQuorumRetryBackoffMs: int('controller.quorum.retry.backoff.ms', {
    default: 20,
    check: atLeast(0),
    withoutEffect: ownController,
    doc: 'Pause before a request of the quorum is repeated, in milliseconds.',
  }),
  controllerQuorumVoters: list('controller.quorum.voters', {
    default: '',
    doc: 'Voters as `id@host:port`. Another node among them ends the start: Ottla’s only controller is in its own process.',
  }),
  controllerSocketTimeoutMs: int('controller.socket.timeout.ms', {
    default: 30_000,
    withoutEffect: ownController,
    doc: 'Socket timeout towards the controller, in milliseconds.',
  }),
  internalMetadataDeleteDelayMillis: long('internal.metadata.delete.delay.millis', {
    default: 60_000,
    shown: 'never',
    withoutEffect: ownSchedule,
    doc: 'Delay before obsolete files of the metadata log go, in milliseconds.',
  }),
  internalMetadataLogSegmentBytes: int('internal.metadata.log.segment.bytes', {
    default: null,
    shown: 'never',
    withoutEffect: ownSchedule,
    doc: 'Segment size of the metadata log without its lower bound, for tests.',
  }),
  internalMetadataMaxBatchSizeInBytes: int('internal.metadata.max.batch.size.in.bytes', {
    default: 8_388_608,
    shown: 'never',
    withoutEffect: ownSchedule,
    doc: 'Largest batch in the metadata log.',
  }),
  metadataLogDir: string('metadata.log.dir', {
    default: null,
    doc: 'Directory of the metadata log; unset: the first of `log.dirs`.',
  }),
  metadataLogMaxRecordBytesBetweenSnapshots: long('metadata.log.max.record.bytes.between.snapshots', {
    default: 1_048_576,
    check: atLeast(1),
    doc: 'Bytes of records after which the metadata log gets a snapshot.',
    differs: 'a start replays what follows the newest snapshot, and is to take milliseconds',
  }),
  metadataLogMaxSnapshotIntervalMs: long('metadata.log.max.snapshot.interval.ms', {
    default: 3_600_000,
    check: atLeast(0),
    withoutEffect: ownSchedule,
    doc: 'Milliseconds after which the metadata log gets a snapshot if it has grown.',
  }),
  metadataLogSegmentBytes: int('metadata.log.segment.bytes', {
    default: 1_073_741_824,
    check: atLeast(8_388_608),
    withoutEffect: ownSchedule,
    doc: 'Segment size of the metadata log.',
  }),
  metadataLogSegmentMs: long('metadata.log.segment.ms', {
    default: 604_800_000,
    withoutEffect: ownSchedule,
    doc: 'Age at which a segment of the metadata log is closed, in milliseconds.',
  }),
  metadataMaxIdleIntervalMs: int('metadata.max.idle.interval.ms', {
    default: 0,
    check: atLeast(0),
    withoutEffect: ownSchedule,
    doc: 'How often an idle controller writes a record; 0: never.',
    differs:
      'Kafka writes an empty record twice a second to prove that its controller lives; an idle Ottla writes nothing',
  }),
  metadataMaxRetentionBytes: long('metadata.max.retention.bytes', {
    default: 104_857_600,
    withoutEffect: ownSchedule,
    doc: 'Bytes of old metadata segments and snapshots that are kept.',
  }),
  metadataMaxRetentionMs: long('metadata.max.retention.ms', {
    default: 604_800_000,
    withoutEffect: ownSchedule,
    doc: 'Milliseconds for which old metadata segments and snapshots are kept.',
  }),
} as const
