import {
  AlterPartitionReassignments,
  type AlterPartitionReassignmentsRequest,
} from '../../protocol/apis/alter-partition-reassignments.ts'
import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { MetadataImage, PartitionImage } from '../metadata/metadata-image.ts'
import { manualAssignmentFault } from '../metadata/replica-placement.ts'
import { timeoutRefusal } from './deadline.ts'
import { handler } from './handler.ts'

type Asked = AlterPartitionReassignmentsRequest['topics'][number]['partitions'][number]

/**
 * Moves replicas between brokers. There is one broker, so an assignment with any other broker is
 * INVALID_REPLICA_ASSIGNMENT. Source: ReplicationControlManager.alterPartitionReassignments.
 */
export const alterPartitionReassignments = handler(
  AlterPartitionReassignments,
  async (request, { services, slices }) => {
    const { image } = services.metadata
    const timedOut = request.topics.length === 0 ? undefined : timeoutRefusal(request.timeoutMs)
    return {
      // Kafka answers an empty request without looking at this field.
      allowReplicationFactorChange: request.topics.length === 0 || request.allowReplicationFactorChange,
      errorCode: timedOut?.code ?? 0,
      // Kafka's message is empty for an empty request and null for others.
      errorMessage: request.topics.length === 0 ? '' : null,
      responses: await mapInSlices(request.topics, slices, async ({ name, partitions }) => ({
        name,
        partitions: await mapInSlices(partitions, slices, (asked) => {
          const refusal = timedOut ?? refusalOf(name, asked, image)
          return {
            partitionIndex: asked.partitionIndex,
            errorCode: refusal?.code ?? 0,
            errorMessage: refusal?.message ?? null,
          }
        }),
      })),
    }
  },
)

function refusalOf(name: string, { partitionIndex, replicas }: Asked, image: MetadataImage): Rejection | undefined {
  const topic = image.topicsByName.get(name)
  if (topic === undefined) return reject('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${name}.`)
  const partition = topic.partitions[partitionIndex]
  if (partition === undefined)
    return reject('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${name}:${partitionIndex}.`)
  if (replicas === null) return isMoving(partition) ? undefined : reject('NO_REASSIGNMENT_IN_PROGRESS', null)
  const fault = manualAssignmentFault(replicas, undefined, image.brokers)
  return fault === undefined ? undefined : reject('INVALID_REPLICA_ASSIGNMENT', fault)
}

function isMoving({ addingReplicas, removingReplicas }: PartitionImage): boolean {
  return addingReplicas.length > 0 || removingReplicas.length > 0
}
