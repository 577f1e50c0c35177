import { AlterReplicaLogDirs } from '../../protocol/apis/alter-replica-log-dirs.ts'
import { type ErrorName, errorCode } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { LogDirectory, LogStore } from '../../storage/log-store.ts'
import { handler } from './handler.ts'

/**
 * Moves replicas to another data directory. This broker moves none: NONE if the replica is already there,
 * LOG_DIR_NOT_FOUND if it is elsewhere or the directory is not in log.dirs, KAFKA_STORAGE_ERROR if the directory that it
 * is in, or the other one, failed. Source: ReplicaManager.alterReplicaLogDirs.
 */
export const alterReplicaLogDirs = handler(AlterReplicaLogDirs, async (request, { services, slices }) => {
  const { logs } = services
  const directories = new Map(logs.directories().map((each) => [each.path, each]))
  const isOffline = (name: string, partition: number) => {
    const topic = services.metadata.image.topicsByName.get(name)
    return topic !== undefined && services.partitions.isOffline(topic, partition)
  }
  // Each partition has one result; the last directory listed for it counts.
  const results = new Map<string, Map<number, number>>()
  for (const { path, topics } of request.dirs) {
    const wanted = directories.get(path)
    for (const { name, partitions } of topics) {
      const codes = results.get(name) ?? new Map<number, number>()
      if (partitions.length > 0) results.set(name, codes)
      await mapInSlices(partitions, slices, (partition) => {
        const error = isOffline(name, partition) ? offline(wanted) : faultOf(logs, wanted, name, partition)
        codes.set(partition, error === undefined ? 0 : errorCode(error))
      })
    }
  }
  return {
    results: await mapInSlices(results, slices, async ([topicName, codes]) => ({
      topicName,
      partitions: await mapInSlices(codes, slices, ([partitionIndex, code]) => ({ partitionIndex, errorCode: code })),
    })),
  }
})

function faultOf(
  logs: LogStore,
  wanted: LogDirectory | undefined,
  topic: string,
  partition: number,
): ErrorName | undefined {
  if (wanted === undefined) return 'LOG_DIR_NOT_FOUND'
  if (wanted.failure !== undefined) return 'KAFKA_STORAGE_ERROR'
  const directoryId = logs.directoryOf(topic, partition)
  if (directoryId === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
  return directoryId === wanted.directoryId ? undefined : 'LOG_DIR_NOT_FOUND'
}

/** The answer for a replica whose directory failed. */
function offline(wanted: LogDirectory | undefined): ErrorName {
  return wanted === undefined ? 'LOG_DIR_NOT_FOUND' : 'KAFKA_STORAGE_ERROR'
}
