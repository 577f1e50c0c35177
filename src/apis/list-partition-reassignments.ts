import { ListPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { handler } from './handler.ts'

/** Moves of replicas that are under way. Source: ReplicationControlManager.listPartitionReassignments. */
export const listPartitionReassignments = handler(ListPartitionReassignments, (request, { services }) => {
  const { topicsByName } = services.metadata.image
  const asked =
    request.topics === null
      ? [...topicsByName.values()].map((topic) => moving(topic, undefined))
      : request.topics.flatMap(({ name, partitionIndexes }) => {
          const topic = topicsByName.get(name)
          return topic === undefined ? [] : [moving(topic, new Set(partitionIndexes))]
        })
  return { errorCode: 0, errorMessage: null, topics: asked.filter(({ partitions }) => partitions.length > 0) }
})

function moving({ name, partitions }: TopicImage, wanted: ReadonlySet<number> | undefined) {
  return {
    name,
    partitions: partitions.flatMap(({ replicas, addingReplicas, removingReplicas }, partitionIndex) => {
      const isMoving = addingReplicas.length > 0 || removingReplicas.length > 0
      if (!isMoving || wanted?.has(partitionIndex) === false) return []
      return [{ partitionIndex, replicas, addingReplicas, removingReplicas }]
    }),
  }
}
