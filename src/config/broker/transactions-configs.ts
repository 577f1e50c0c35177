import { atLeast } from '../config-checks.ts'
import { boolean, int, short } from '../config-entry.ts'
import { ownSchedule } from '../without-effect.ts'

/** Transactions. */
export const transactionsConfigs = {
  addPartitionsToTxnRetryBackoffMaxMs: int('add.partitions.to.txn.retry.backoff.max.ms', {
    default: 100,
    check: atLeast(0),
    doc: 'How long a partition that joins a transaction waits for the end of the transaction before, in milliseconds.',
  }),
  addPartitionsToTxnRetryBackoffMs: int('add.partitions.to.txn.retry.backoff.ms', {
    default: 20,
    check: atLeast(1),
    withoutEffect: ownSchedule,
    doc: 'First pause before a partition is added to a transaction again, in milliseconds.',
  }),
  transactionAbortTimedOutTransactionCleanupIntervalMs: int(
    'transaction.abort.timed.out.transaction.cleanup.interval.ms',
    {
      default: 10_000,
      check: atLeast(1),
      doc: 'How often transactions past their timeout are looked for, in milliseconds.',
    },
  ),
  transactionMaxTimeoutMs: int('transaction.max.timeout.ms', {
    default: 900_000,
    check: atLeast(1),
    doc: 'Longest transaction timeout that a producer may ask for, in milliseconds.',
  }),
  transactionPartitionVerificationEnable: boolean('transaction.partition.verification.enable', {
    default: true,
    applies: 'cluster-wide',
    doc: 'Whether a transactional append is refused if its partition was not added to the transaction.',
  }),
  transactionRemoveExpiredTransactionCleanupIntervalMs: int(
    'transaction.remove.expired.transaction.cleanup.interval.ms',
    {
      default: 3_600_000,
      check: atLeast(1),
      doc: 'How often expired transactional ids are looked for, in milliseconds.',
    },
  ),
  transactionStateLogLoadBufferSize: int('transaction.state.log.load.buffer.size', {
    default: 5_242_880,
    check: atLeast(1),
    withoutEffect: ownSchedule,
    doc: 'Bytes of one read while transactions are loaded.',
  }),
  transactionStateLogMinIsr: int('transaction.state.log.min.isr', {
    default: 1,
    check: atLeast(1),
    doc: '`min.insync.replicas` of `__transaction_state`: no more than there are brokers.',
    differs: 'a single broker can have only one replica',
  }),
  transactionStateLogNumPartitions: int('transaction.state.log.num.partitions', {
    default: 1,
    check: atLeast(1),
    doc: 'Partitions of `__transaction_state` when it is created.',
    differs: 'fifty partitions are fifty directories with files, which a single broker rarely needs',
  }),
  transactionStateLogReplicationFactor: short('transaction.state.log.replication.factor', {
    default: 1,
    check: atLeast(1),
    doc: 'Replicas of `__transaction_state` when it is created: no more than there are brokers.',
    differs: 'a single broker can have only one replica',
  }),
  transactionStateLogSegmentBytes: int('transaction.state.log.segment.bytes', {
    default: 104_857_600,
    check: atLeast(1),
    doc: 'Segment size of `__transaction_state`.',
  }),
  transactionTwoPhaseCommitEnable: boolean('transaction.two.phase.commit.enable', {
    default: false,
    doc: 'Whether producers may take part in two-phase commits (KIP-939).',
  }),
  transactionalIdExpirationMs: int('transactional.id.expiration.ms', {
    default: 604_800_000,
    check: atLeast(1),
    doc: 'Milliseconds without use after which a transactional id is forgotten.',
  }),
} as const
