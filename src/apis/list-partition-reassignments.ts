import { ListPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { handler } from './handler.ts'

/** Moves of replicas that are under way. Source: ReplicationControlManager.listPartitionReassignments. */
export const listPartitionReassignments = handler(ListPartitionReassignments, (request, { services }) => {
  const { topicsByName } = services.metadata.image
  const asked =
    request.topics === null
      ? [...topicsByName.values()].map((topic) => moving(topic, topic.partitions.keys()))
      : request.topics.flatMap(({ name, partitionIndexes }) => {
          const topic = topicsByName.get(name)
          return topic === undefined ? [] : [moving(topic, new Set(partitionIndexes))]
        })
  return { errorCode: 0, errorMessage: null, topics: asked.filter(({ partitions }) => partitions.length > 0) }
})

// Looks at the partitions that are wanted, not at all that the topic has: a request may name a large topic often.
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
