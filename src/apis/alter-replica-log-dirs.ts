import { AlterReplicaLogDirs } from '../../protocol/apis/alter-replica-log-dirs.ts'
import { type ErrorName, errorCode } from '../../protocol/error-codes.ts'
import type { LogDirectory } from '../../storage/log-store.ts'
import { handler } from './handler.ts'

/**
 * Asks for replicas to lie in another directory. Where they lie there already that is all; a directory that is not
 * one of log.dirs is LOG_DIR_NOT_FOUND, and so is one that replicas would have to be moved to. Source:
 * ReplicaManager.alterReplicaLogDirs.
 */
export const alterReplicaLogDirs = handler(AlterReplicaLogDirs, (request, { services }) => {
  const directories = services.logs.directories()
  // Each partition once; the last directory that is named for it counts.
  const results = new Map<string, Map<number, number>>()
  for (const { path, topics } of request.dirs) {
    for (const { name, partitions } of topics) {
      if (partitions.length > 0 && !results.has(name)) results.set(name, new Map())
      for (const partition of partitions) {
        const error = faultOf(directories, path, name, partition)
        results.get(name)?.set(partition, error === undefined ? 0 : errorCode(error))
      }
    }
  }
  return {
    results: [...results].map(([topicName, codes]) => ({
      topicName,
      partitions: [...codes].map(([partitionIndex, code]) => ({ partitionIndex, errorCode: code })),
    })),
  }
})

function faultOf(
  directories: readonly LogDirectory[],
  path: string,
  topic: string,
  partition: number,
): ErrorName | undefined {
  const wanted = directories.find((directory) => directory.path === path)
  if (wanted === undefined) return 'LOG_DIR_NOT_FOUND'
  if (wanted.failure !== undefined) return 'KAFKA_STORAGE_ERROR'
  const holds = (directory: LogDirectory) =>
    directory.partitions.some((each) => each.topic === topic && each.partition === partition)
  if (holds(wanted)) return undefined
  return directories.some(holds) ? 'LOG_DIR_NOT_FOUND' : 'UNKNOWN_TOPIC_OR_PARTITION'
}
