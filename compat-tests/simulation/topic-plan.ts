import type { SeededRandom } from '../../storage/host/seeded-random.ts'

/** Largest value of a record: batches of four fit into the smallest segment. */
export const LARGEST_VALUE_BYTES = 600

/** A topic's name and settings, which are the same if it is created again. */
export interface TopicPlan {
  readonly name: string
  readonly partitionCount: number
  readonly configs: Readonly<Record<string, string>>
  /** flush.messages=1: acknowledged and readable records survive a power loss. */
  readonly isSynced: boolean
  readonly isCompacted: boolean
  /** Retention deletes old segments. */
  readonly isRetained: boolean
  /** Milliseconds that every record is kept at least; undefined: compaction or retention.bytes may remove it sooner. */
  readonly keptMs: number | undefined
  readonly isLogAppendTime: boolean
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
  /** A replica that is not in sync may lead. */
  readonly allowsUncleanElection: boolean
}

/** The plan with replicas on several brokers. */
export function replicated(plan: TopicPlan, random: SeededRandom, brokers: number): TopicPlan {
  if (brokers === 1) return plan
  const replicationFactor = 1 + random.below(Math.min(3, brokers))
  const minInsyncReplicas = 1 + random.below(replicationFactor)
  const allowsUncleanElection = random.oneIn(4)
  const configs = {
    ...plan.configs,
    'min.insync.replicas': String(minInsyncReplicas),
    'unclean.leader.election.enable': String(allowsUncleanElection),
  }
  return { ...plan, replicationFactor, minInsyncReplicas, allowsUncleanElection, configs }
}

/** Settings with small segments, so that rolls, retention and compaction are frequent. */
export function topicPlan(random: SeededRandom, name: string): TopicPlan {
  const isSynced = random.oneIn(2)
  const policy = random.pick(['delete', 'delete', 'delete', 'compact', 'compact,delete'] as const)
  const isDeleted = policy !== 'compact'
  const retentionMs = isDeleted ? random.pick([-1, 60_000]) : -1
  const retentionBytes = isDeleted ? random.pick([-1, -1, 6000]) : -1
  const isLogAppendTime = random.oneIn(6)
  return {
    name,
    partitionCount: 1 + random.below(3),
    isSynced,
    isCompacted: policy !== 'delete',
    isRetained: retentionMs >= 0 || retentionBytes >= 0,
    keptMs: policy === 'delete' && retentionBytes < 0 && retentionMs >= 0 ? retentionMs : undefined,
    isLogAppendTime,
    replicationFactor: 1,
    minInsyncReplicas: 1,
    allowsUncleanElection: false,
    configs: {
      ...(isSynced ? { 'flush.messages': '1' } : {}),
      'cleanup.policy': policy,
      'retention.ms': String(retentionMs),
      'retention.bytes': String(retentionBytes),
      'internal.segment.bytes': String(random.pick([4000, 10_000, 100_000])),
      'segment.ms': String(random.pick([20_000, 604_800_000])),
      'segment.index.bytes': String(random.pick([64, 10_485_760])),
      'index.interval.bytes': String(random.pick([1, 100, 4096])),
      'min.cleanable.dirty.ratio': '0.1',
      'delete.retention.ms': random.pick(['0', '86400000']),
      'file.delete.delay.ms': random.pick(['0', '60000']),
      // No zstd: fetches older than v10 would be refused.
      'compression.type': random.pick(['producer', 'producer', 'producer', 'gzip', 'lz4', 'uncompressed']),
      'message.timestamp.type': isLogAppendTime ? 'LogAppendTime' : 'CreateTime',
      preallocate: String(random.oneIn(4)),
    },
  }
}
