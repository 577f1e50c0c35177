import { ZERO_UUID } from '../../protocol/schema.ts'
import type { Host } from '../../storage/host/host.ts'
import { parseProperties } from '../config/server-properties.ts'
import type { TopicImage } from './metadata-image.ts'
import { isInternalTopic } from './topic-names.ts'

interface FoundPartition {
  readonly topicId: string
  readonly leaderEpoch: number
  readonly directoryId: string
}

/**
 * Topics of a data directory that has no metadata log: those of Kafka's time with ZooKeeper, which knew about topics
 * what the names of their directories do not say. Partitions are as many as the largest number found; this broker leads
 * all of them. Settings of topics are lost.
 */
export function adoptedTopics(
  host: Host,
  broker: { readonly nodeId: number; readonly directories: readonly { path: string; directoryId: string }[] },
): TopicImage[] {
  const found = new Map<string, FoundPartition[]>()
  for (const { path, directoryId } of broker.directories) {
    for (const name of host.files.list(path)) {
      const match = /^(.+)-(\d{1,9})$/.exec(name)
      if (match === null || match[1] === '__cluster_metadata') continue
      const directory = host.files.join(path, name)
      if (host.files.stat(directory)?.isDirectory !== true) continue
      const partitions = found.get(match[1] as string) ?? []
      partitions[Number(match[2])] = { ...readPartition(host, directory), directoryId }
      found.set(match[1] as string, partitions)
    }
  }
  return [...found].map(([name, partitions]) => adopt(host, broker, name, partitions))
}

function adopt(
  host: Host,
  broker: Parameters<typeof adoptedTopics>[1],
  name: string,
  partitions: readonly (FoundPartition | undefined)[],
): TopicImage {
  const known = partitions.find((partition) => partition !== undefined && partition.topicId !== ZERO_UUID)
  const first = broker.directories[0]?.directoryId ?? ZERO_UUID
  return {
    name,
    id: known?.topicId ?? host.random.uuid(),
    internal: isInternalTopic(name),
    partitions: Array.from(partitions, (partition) => ({
      leader: broker.nodeId,
      // Later than any epoch in which somebody wrote to the log.
      leaderEpoch: (partition?.leaderEpoch ?? -1) + 1,
      partitionEpoch: 0,
      replicas: [broker.nodeId],
      isr: [broker.nodeId],
      addingReplicas: [],
      removingReplicas: [],
      eligibleLeaderReplicas: [],
      lastKnownEligibleLeaderReplicas: [],
      directories: [partition?.directoryId ?? first],
    })),
  }
}

function readPartition(host: Host, directory: string) {
  const metadata = host.files.readWhole(host.files.join(directory, 'partition.metadata'))?.toString('utf8') ?? ''
  const epochs = host.files.readWhole(host.files.join(directory, 'leader-epoch-checkpoint'))?.toString('utf8') ?? ''
  // Version, count, then a line "epoch offset" each.
  const last = epochs.trim().split('\n').slice(2).at(-1)
  return {
    topicId: parseProperties(metadata).get('topic_id') ?? ZERO_UUID,
    leaderEpoch: last === undefined ? -1 : Number(last.split(' ')[0]),
  }
}
