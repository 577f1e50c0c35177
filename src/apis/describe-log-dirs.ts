import {
  DescribeLogDirs,
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
} from '../../protocol/apis/describe-log-dirs.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { failureOfPart } from '../../storage/failure-policy.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { LogDirectory } from '../../storage/log-store.ts'
import { handler, type RequestContext } from './handler.ts'
import type { Services } from './services.ts'

type DirectoryResult = DescribeLogDirsResponse['results'][number]
type TopicResult = DirectoryResult['topics'][number]
type IsAsked = (topic: string, partition: number) => boolean

/**
 * Lists data directories, their partitions and sizes, also of partitions that are moving there. Brokers share the
 * directories: each lists the partitions that it has a replica of. Source: ReplicaManager.describeLogDirs.
 */
export const describeLogDirs = handler(DescribeLogDirs, async (request, context) => {
  const isAsked = askedPartitions(request)
  const isListed = (topic: string, partition: number) =>
    isAsked(topic, partition) && hasReplica(context.services, topic, partition)
  const results: DirectoryResult[] = []
  for (const directory of context.services.logs.directories())
    results.push(await describe(directory, isListed, context))
  return { errorCode: 0, results }
})

/** True for a partition that the cluster does not know, too: its log is about to be deleted. */
function hasReplica({ nodeId, metadata }: Services, topic: string, partition: number): boolean {
  return metadata.image.topicsByName.get(topic)?.partitions[partition]?.replicas.includes(nodeId) !== false
}

function askedPartitions({ topics }: DescribeLogDirsRequest): IsAsked {
  if (topics === null) return () => true
  const asked = new Map(topics.map(({ topic, partitions }) => [topic, new Set(partitions)]))
  return (topic, partition) => asked.get(topic)?.has(partition) ?? false
}

async function describe(directory: LogDirectory, isAsked: IsAsked, context: RequestContext): Promise<DirectoryResult> {
  const { path: logDir, totalBytes, freeBytes: usableBytes } = directory
  const topics = directory.failure === undefined ? await topicsOf(directory, isAsked, context) : undefined
  if (topics === undefined) return { logDir, errorCode: errorCode('KAFKA_STORAGE_ERROR'), topics: [] }
  return { logDir, errorCode: 0, topics, totalBytes, usableBytes }
}

/** Undefined if a size cannot be read. */
async function topicsOf(
  { partitions }: LogDirectory,
  isAsked: IsAsked,
  { services, slices }: RequestContext,
): Promise<TopicResult[] | undefined> {
  const topics = new Map<string, TopicResult['partitions'][number][]>()
  let failure: Error | undefined
  await mapInSlices(partitions, slices, (stored) => {
    const { topic, partition } = stored
    if (failure !== undefined || !isAsked(topic, partition)) return
    try {
      const { sizeBytes: partitionSize, future } = stored
      const isFutureKey = future !== undefined
      const result = { partitionIndex: partition, partitionSize, offsetLag: future?.offsetLag ?? 0, isFutureKey }
      const others = topics.get(topic)
      if (others === undefined) topics.set(topic, [result])
      else others.push(result)
    } catch (error) {
      failure = failureOfPart(services.host, error)
    }
  })
  if (failure !== undefined) return undefined
  return mapInSlices(topics, slices, ([name, results]) => ({ name, partitions: results }))
}
