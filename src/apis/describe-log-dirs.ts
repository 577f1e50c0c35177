import {
  DescribeLogDirs,
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
} from '../../protocol/apis/describe-log-dirs.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import type { LogDirectory } from '../../storage/log-store.ts'
import { handler } from './handler.ts'

type DirectoryResult = DescribeLogDirsResponse['results'][number]
type TopicResult = DirectoryResult['topics'][number]

/** Lists data directories, their partitions and sizes. Source: ReplicaManager.describeLogDirs. */
export const describeLogDirs = handler(DescribeLogDirs, (request, { services }) => {
  const isAsked = askedPartitions(request)
  return { errorCode: 0, results: services.logs.directories().map((directory) => describe(directory, isAsked)) }
})

function askedPartitions({ topics }: DescribeLogDirsRequest): (topic: string, partition: number) => boolean {
  if (topics === null) return () => true
  const asked = new Map(topics.map(({ topic, partitions }) => [topic, new Set(partitions)]))
  return (topic, partition) => asked.get(topic)?.has(partition) ?? false
}

function describe(directory: LogDirectory, isAsked: (topic: string, partition: number) => boolean): DirectoryResult {
  const { path: logDir, failure, totalBytes, freeBytes: usableBytes } = directory
  if (failure !== undefined) return { logDir, errorCode: errorCode('KAFKA_STORAGE_ERROR'), topics: [] }
  const topics = new Map<string, TopicResult['partitions'][number][]>()
  for (const { topic, partition, sizeBytes } of directory.partitions) {
    if (!isAsked(topic, partition)) continue
    const result = { partitionIndex: partition, partitionSize: sizeBytes, offsetLag: 0, isFutureKey: false }
    const others = topics.get(topic)
    if (others === undefined) topics.set(topic, [result])
    else (others as (typeof result)[]).push(result)
  }
  return {
    logDir,
    errorCode: 0,
    topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
    totalBytes,
    usableBytes,
  }
}
