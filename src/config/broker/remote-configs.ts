import { atLeast, between, notEmpty } from '../config-checks.ts'
import { boolean, double, int, long, longMax, string } from '../config-entry.ts'

/** Tiered storage (Ottla has none; taken for compatibility). */
export const remoteConfigs = {
  remoteFetchMaxWaitMs: int('remote.fetch.max.wait.ms', {
    default: 500,
    check: atLeast(1),
    applies: 'cluster-wide',
    doc: 'How long a fetch waits for remote data, in milliseconds.',
  }),
  remoteListOffsetsRequestTimeoutMs: long('remote.list.offsets.request.timeout.ms', {
    default: 30_000,
    check: atLeast(1),
    applies: 'cluster-wide',
    doc: 'How long a look-up of offsets in remote data may take, in milliseconds.',
  }),
  remoteLogIndexFileCacheTotalSizeBytes: long('remote.log.index.file.cache.total.size.bytes', {
    default: 1_073_741_824,
    check: atLeast(1),
    applies: 'cluster-wide',
    doc: 'Bytes of remote indexes that are cached locally.',
  }),
  remoteLogIndexFileCacheTtlMs: long('remote.log.index.file.cache.ttl.ms', {
    default: 900_000,
    check: atLeast(-1),
    shown: 'never',
    doc: 'How long a cached remote index lives, in milliseconds.',
  }),
  remoteLogManagerCopierThreadPoolSize: int('remote.log.manager.copier.thread.pool.size', {
    default: 10,
    check: atLeast(1),
    applies: 'cluster-wide',
    doc: 'Copies to remote storage at a time.',
  }),
  remoteLogManagerCopyMaxBytesPerSecond: long('remote.log.manager.copy.max.bytes.per.second', {
    default: longMax,
    check: atLeast(1),
    applies: 'cluster-wide',
    doc: 'Bytes a second that are copied to remote storage.',
  }),
  remoteLogManagerCopyQuotaWindowNum: int('remote.log.manager.copy.quota.window.num', {
    default: 11,
    check: atLeast(1),
    doc: 'Samples kept for that limit.',
  }),
  remoteLogManagerCopyQuotaWindowSizeSeconds: int('remote.log.manager.copy.quota.window.size.seconds', {
    default: 1,
    check: atLeast(1),
    doc: 'Seconds that each of those samples spans.',
  }),
  remoteLogManagerExpirationThreadPoolSize: int('remote.log.manager.expiration.thread.pool.size', {
    default: 10,
    check: atLeast(1),
    applies: 'cluster-wide',
    doc: 'Removals from remote storage at a time.',
  }),
  remoteLogManagerFetchMaxBytesPerSecond: long('remote.log.manager.fetch.max.bytes.per.second', {
    default: longMax,
    check: atLeast(1),
    applies: 'cluster-wide',
    doc: 'Bytes a second that are read from remote storage.',
  }),
  remoteLogManagerFetchQuotaWindowNum: int('remote.log.manager.fetch.quota.window.num', {
    default: 11,
    check: atLeast(1),
    doc: 'Samples kept for that limit.',
  }),
  remoteLogManagerFetchQuotaWindowSizeSeconds: int('remote.log.manager.fetch.quota.window.size.seconds', {
    default: 1,
    check: atLeast(1),
    doc: 'Seconds that each of those samples spans.',
  }),
  remoteLogManagerFollowerThreadPoolSize: int('remote.log.manager.follower.thread.pool.size', {
    default: 2,
    check: atLeast(1),
    applies: 'cluster-wide',
    doc: 'Threads that follow remote logs.',
  }),
  remoteLogManagerTaskIntervalMs: long('remote.log.manager.task.interval.ms', {
    default: 30_000,
    check: atLeast(1),
    doc: 'How often remote work is looked for, in milliseconds.',
  }),
  remoteLogManagerTaskRetryBackoffMaxMs: long('remote.log.manager.task.retry.backoff.max.ms', {
    default: 30_000,
    check: atLeast(1),
    shown: 'never',
    doc: 'Longest pause before remote work is repeated, in milliseconds.',
  }),
  remoteLogManagerTaskRetryBackoffMs: long('remote.log.manager.task.retry.backoff.ms', {
    default: 500,
    check: atLeast(1),
    shown: 'never',
    doc: 'First pause before remote work is repeated, in milliseconds.',
  }),
  remoteLogManagerTaskRetryJitter: double('remote.log.manager.task.retry.jitter', {
    default: 0.2,
    check: between(0, 0.5),
    shown: 'never',
    doc: 'Random share of that pause.',
  }),
  remoteLogManagerThreadPoolSize: int('remote.log.manager.thread.pool.size', {
    default: 2,
    check: atLeast(1),
    doc: 'Threads of the remote log manager.',
  }),
  remoteLogMetadataCustomMetadataMaxBytes: int('remote.log.metadata.custom.metadata.max.bytes', {
    default: 128,
    check: atLeast(0),
    doc: 'Bytes of metadata that a remote storage plug-in may attach to a segment.',
  }),
  remoteLogMetadataManagerClassName: string('remote.log.metadata.manager.class.name', {
    default: 'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager',
    check: notEmpty,
    doc: 'Java class that keeps metadata of remote segments. Not loaded.',
  }),
  remoteLogMetadataManagerClassPath: string('remote.log.metadata.manager.class.path', {
    default: null,
    doc: 'Where that class is found.',
  }),
  remoteLogMetadataManagerImplPrefix: string('remote.log.metadata.manager.impl.prefix', {
    default: 'rlmm.config.',
    check: notEmpty,
    doc: 'Prefix of that class’s own settings.',
  }),
  remoteLogMetadataManagerListenerName: string('remote.log.metadata.manager.listener.name', {
    default: null,
    check: notEmpty,
    doc: 'Listener over which that class reaches the broker.',
  }),
  remoteLogReaderMaxPendingTasks: int('remote.log.reader.max.pending.tasks', {
    default: 100,
    check: atLeast(1),
    doc: 'Remote reads that may wait.',
  }),
  remoteLogReaderThreads: int('remote.log.reader.threads', {
    default: 10,
    check: atLeast(1),
    applies: 'cluster-wide',
    doc: 'Remote reads at a time.',
  }),
  remoteLogStorageManagerClassName: string('remote.log.storage.manager.class.name', {
    default: null,
    check: notEmpty,
    doc: 'Java class that stores remote segments. Not loaded.',
  }),
  remoteLogStorageManagerClassPath: string('remote.log.storage.manager.class.path', {
    default: null,
    doc: 'Where that class is found.',
  }),
  remoteLogStorageManagerImplPrefix: string('remote.log.storage.manager.impl.prefix', {
    default: 'rsm.config.',
    check: notEmpty,
    doc: 'Prefix of that class’s own settings.',
  }),
  remoteLogStorageSystemEnable: boolean('remote.log.storage.system.enable', {
    default: false,
    doc: 'Whether tiered storage is on in this cluster.',
  }),
} as const
