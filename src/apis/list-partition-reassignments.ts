import { ListPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { handler } from './handler.ts'

/** Lists replica reassignments in progress. Source: ReplicationControlManager.listPartitionReassignments. */
export const listPartitionReassignments = handler(ListPartitionReassignments, async (request, { services, slices }) => {
  const { topicsByName } = services.metadata.image
  const asked =
    request.topics === null
      ? await mapInSlices(topicsByName.values(), slices, (topic) => moving(topic, topic.partitions.keys()))
      : await mapInSlices(request.topics, slices, ({ name, partitionIndexes }) => {
          const topic = topicsByName.get(name)
          return topic === undefined ? undefined : moving(topic, new Set(partitionIndexes))
        })
  const topics = asked.filter((topic) => topic !== undefined && topic.partitions.length > 0)
  return { errorCode: 0, errorMessage: null, topics: topics as ReturnType<typeof moving>[] }
})

// Checks the wanted partitions only, not all of the topic: a request may name a large topic many times.
function moving({ name, partitions }: TopicImage, wanted: Iterable<number>) {
  return {
    name,
    partitions: [...wanted].flatMap((partitionIndex) => {
      const partition = partitions[partitionIndex]
      if (partition === undefined) return []
      const { replicas, addingReplicas, removingReplicas } = partition
      const isMoving = addingReplicas.length > 0 || removingReplicas.length > 0
      return isMoving ? [{ partitionIndex, replicas, addingReplicas, removingReplicas }] : []
    }),
  }
}
