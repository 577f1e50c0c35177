import { AlterReplicaLogDirs } from '../../protocol/apis/alter-replica-log-dirs.ts'
import { type ErrorName, errorCode } from '../../protocol/error-codes.ts'
import type { LogDirectory } from '../../storage/log-store.ts'
import { handler } from './handler.ts'

/**
 * Moves replicas to another data directory. This broker moves none: NONE if the replica is already there,
 * LOG_DIR_NOT_FOUND if it is elsewhere or the directory is not in log.dirs. Source: ReplicaManager.alterReplicaLogDirs.
 */
export const alterReplicaLogDirs = handler(AlterReplicaLogDirs, (request, { services }) => {
  const directories = new Map(services.logs.directories().map((each) => [each.path, indexed(each)]))
  // Each partition has one result; the last directory listed for it counts.
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

interface IndexedDirectory {
  readonly failure: LogDirectory['failure']
  /** Directory names of its partitions, like "topic-0". */
  readonly partitions: ReadonlySet<string>
}

function indexed({ failure, partitions }: LogDirectory): IndexedDirectory {
  return { failure, partitions: new Set(partitions.map(({ topic, partition }) => `${topic}-${partition}`)) }
}

function faultOf(
  directories: ReadonlyMap<string, IndexedDirectory>,
  path: string,
  topic: string,
  partition: number,
): ErrorName | undefined {
  const wanted = directories.get(path)
  if (wanted === undefined) return 'LOG_DIR_NOT_FOUND'
  if (wanted.failure !== undefined) return 'KAFKA_STORAGE_ERROR'
  const holds = ({ partitions }: IndexedDirectory) => partitions.has(`${topic}-${partition}`)
  if (holds(wanted)) return undefined
  return [...directories.values()].some(holds) ? 'LOG_DIR_NOT_FOUND' : 'UNKNOWN_TOPIC_OR_PARTITION'
}
