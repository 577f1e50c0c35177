import { codecOf } from '../../../protocol/compression/codecs.ts'
import { inBackground } from '../../../storage/failure-policy.ts'
import type { Host } from '../../../storage/host/host.ts'
import type { Slices } from '../../../storage/host/turn-slices.ts'
import type { ConfigStore } from '../../config/config-store.ts'
import { autoCreatedTopic } from '../../metadata/auto-created-topics.ts'
import type { MetadataStore } from '../../metadata/metadata-store.ts'
import type { Logger } from '../../observe/logger.ts'
import type { PartitionRegistry } from '../../partition/partition-registry.ts'
import type { Deadlines } from '../deadlines.ts'
import { coordinatorPartition } from '../java-hash.ts'
import { PartitionStateLog } from '../partition-state-log.ts'
import { CoordinatorRuntime } from '../runtime.ts'
import { ShardRuntime, type TimedOperation } from '../shard-runtime.ts'
import type { GroupContext, GroupTimers } from './group-context.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import { GroupShard } from './group-shard.ts'

/** Topic that stores groups and their offsets. */
export const GROUP_TOPIC = '__consumer_offsets'

/** Parts of the group coordinator: a subset of the broker's services. */
export interface GroupCoordinatorParts {
  readonly nodeId: number
  readonly host: Host
  /** Slices for loading, and for matching regular expressions. */
  readonly slices: Slices
  readonly logger: Logger
  readonly configs: ConfigStore
  readonly metadata: MetadataStore
  readonly partitions: PartitionRegistry
}

/** Creates the broker's group coordinator; `start` loads its groups. */
export function openGroupCoordinator(parts: GroupCoordinatorParts): GroupCoordinator {
  const { nodeId, host, slices, logger, configs, metadata, partitions } = parts
  const runtime = new CoordinatorRuntime<GroupShard>({
    nodeId,
    host,
    logger,
    metadata,
    topic: GROUP_TOPIC,
    newTopic: () => autoCreatedTopic(GROUP_TOPIC, configs.broker, metadata.image.brokers.size),
    nowMs: () => host.clock.nowMs(),
    open: (partition) =>
      new ShardRuntime({
        host,
        logger,
        name: `${GROUP_TOPIC}-${partition}`,
        log: new PartitionStateLog(
          () => partitions.leaderFor(GROUP_TOPIC, partition),
          slices,
          codecOf(configs.broker.offsetsTopicCompressionCodec)?.name,
        ),
        create: (deadlines) => new GroupShard(groupContext(parts, deadlines, partition)),
      }),
  })
  return new GroupCoordinator(
    runtime,
    () => configs.broker,
    () => metadata.image,
  )
}

/** Environment of one shard, built from the broker's parts. */
export function groupContext(
  { host, slices, logger, configs, metadata }: Omit<GroupCoordinatorParts, 'nodeId' | 'partitions'>,
  deadlines: Deadlines<TimedOperation<GroupShard>>,
  partition: number,
): GroupContext {
  const partitionCount = () => metadata.image.topicsByName.get(GROUP_TOPIC)?.partitions.length ?? 1
  return {
    logger,
    name: `${GROUP_TOPIC}-${partition}`,
    timers: timersOn(deadlines),
    slices,
    inBackground: (work) => inBackground(host, work),
    get config() {
      return configs.broker
    },
    settingsOf: (groupId) => configs.group(groupId),
    owns: (groupId) => coordinatorPartition(groupId, partitionCount()) === partition,
    image: () => metadata.image,
    nowMs: () => host.clock.nowMs(),
    newId: () => javaUuid(host.random.bytes(16)),
    newMemberId: () => host.random.uuid(),
  }
}

function timersOn(deadlines: Deadlines<TimedOperation<GroupShard>>): GroupTimers {
  return {
    set: (key, delayMs, operation) => deadlines.set(key, delayMs, operation),
    cancel: (key) => deadlines.cancel(key),
    has: (key) => deadlines.has(key),
  }
}

/** A version 4 uuid as Java prints it. */
function javaUuid(bytes: Buffer): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
