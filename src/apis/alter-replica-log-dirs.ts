import { AlterReplicaLogDirs } from '../../protocol/apis/alter-replica-log-dirs.ts'
import { type ErrorName, errorCode, isRejection } from '../../protocol/error-codes.ts'
import { failureOfPart, isSystemError } from '../../storage/failure-policy.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { LogDirectory } from '../../storage/log-store.ts'
import { mayMove } from '../../storage/segment/file-names.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

/**
 * Moves replicas to another data directory. A move is under way when this answers NONE; DescribeLogDirs shows it. A
 * partition that does not exist yet will be created in that directory, although the answer is an error.
 * Source: ReplicaManager.alterReplicaLogDirs.
 */
export const alterReplicaLogDirs = handler(AlterReplicaLogDirs, async (request, { services, slices }) => {
  const directories = new Map(services.logs.directories().map((each) => [each.path, each]))
  // Each partition has one result; the last directory listed for it counts.
  const asked = new Map<string, Map<number, string>>()
  for (const { path, topics } of request.dirs) {
    for (const { name, partitions } of topics) {
      const paths = asked.get(name) ?? new Map<number, string>()
      if (partitions.length > 0) asked.set(name, paths)
      await mapInSlices(partitions, slices, (partition) => void paths.set(partition, path))
    }
  }
  return {
    results: await mapInSlices(asked, slices, async ([topicName, paths]) => ({
      topicName,
      partitions: await mapInSlices(paths, slices, async ([partitionIndex, path]) => {
        const error = await move(services, directories.get(path), topicName, partitionIndex)
        return { partitionIndex, errorCode: error === undefined ? 0 : errorCode(error) }
      }),
    })),
  }
})

/** The checks are in Kafka's order. */
async function move(
  { nodeId, metadata, partitions, logs, host }: Services,
  directory: LogDirectory | undefined,
  name: string,
  partition: number,
): Promise<ErrorName | undefined> {
  if (!mayMove(name, partition)) return 'INVALID_TOPIC_EXCEPTION'
  if (directory === undefined) return 'LOG_DIR_NOT_FOUND'
  if (directory.failure !== undefined) return 'KAFKA_STORAGE_ERROR'
  const topic = metadata.image.topicsByName.get(name)
  const known = topic?.partitions[partition]
  if (topic === undefined || known?.replicas.includes(nodeId) !== true) {
    logs.preferDirectory(name, partition, directory.path)
    return known === undefined ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'REPLICA_NOT_AVAILABLE'
  }
  if (partitions.isOffline(topic, partition)) return 'KAFKA_STORAGE_ERROR'
  if (logs.directoryOf(name, partition) === undefined) {
    // The log is about to be created.
    const created = await partitions.replicaFor(name, partition)
    if (isRejection(created)) return created.error
  }
  try {
    return logs.move(name, partition, directory.path)?.error
  } catch (error) {
    if (isSystemError(failureOfPart(host, error))) return 'KAFKA_STORAGE_ERROR'
    throw error
  }
}
